//! Signing in with an OpenID provider: authorisation code with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207), logout
//! begun here (RP-Initiated Logout 1.0) or there (Back-Channel Logout 1.0).

mod error;
mod fetch;
mod flow;
mod keys;
mod token;

use std::sync::Arc;

use chassis::data::Clock;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

pub use error::OidcError;
pub(super) use flow::Flow;

use super::settings::OidcSettings;
use fetch::Fetch;
use keys::Discovered;
use token::Expected;

/// A provider. Clones share what was learnt of it.
#[derive(Clone, Debug)]
pub(super) struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: OidcSettings,
    public_url: String,
    clock: Clock,
    fetch: Fetch,
    discovered: Discovered,
}

/// Who signed in, by the provider's word.
#[derive(Clone, Debug)]
pub(super) struct Vouched {
    pub(super) subject: String,
    pub(super) session: Option<String>,
    /// The provider asked for more than one factor itself (`amr` holds `mfa`, RFC 8176).
    pub(super) factor: bool,
    pub(super) claims: Value,
}

/// What the provider sends to the callback.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Callback {
    code: String,
    state: String,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

const CALLBACK: &str = "/auth/oidc/callback";

impl Provider {
    pub(super) fn new(settings: OidcSettings, public_url: &str, clock: &Clock) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let fetch = Fetch::new(&settings.issuer);
        let discovered = Discovered::default();
        Self(Arc::new(Inner { settings, public_url, clock: clock.clone(), fetch, discovered }))
    }

    pub(super) fn settings(&self) -> &OidcSettings {
        &self.0.settings
    }

    /// Where the browser goes to sign in.
    pub(super) async fn start(&self, flow: &Flow) -> Result<String, OidcError> {
        let metadata = self.0.discovered.metadata(&self.0).await?;
        let scope = std::iter::once("openid").chain(self.0.settings.scopes.iter().map(String::as_str));
        let scope = scope.collect::<Vec<_>>().join(" ");
        let redirect = self.redirect()?;
        let (state, nonce, challenge) = (flow.state(), flow.nonce(), flow.challenge());
        let query = [
            ("response_type", "code"),
            ("client_id", &self.0.settings.client_id),
            ("redirect_uri", &redirect),
            ("scope", &scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        fetch::with_query(&metadata.authorization_endpoint, &query)
    }

    /// Who came back. `flow` is what the browser was given at the start.
    pub(super) async fn finish(&self, flow: &Flow, callback: Callback) -> Result<Vouched, OidcError> {
        if !flow.is_state(&callback.state) {
            return Err(OidcError::NotBegun);
        }
        let metadata = self.0.discovered.metadata(&self.0).await?;
        let named = callback.iss.as_deref();
        if named.map_or(metadata.names_itself, |iss| iss != self.0.settings.issuer) {
            return Err(OidcError::AnotherProvider);
        }
        if let Some(error) = callback.error {
            return Err(OidcError::Refused(error::plain(&error)));
        }
        let (redirect, verifier) = (self.redirect()?, flow.verifier());
        let form = [
            ("grant_type", "authorization_code"),
            ("code", callback.code.as_str()),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let secret = self.secret()?;
        let client = (self.0.settings.client_id.as_str(), secret.as_deref().map(String::as_str));
        let answer: TokenAnswer =
            self.0.fetch.post(&metadata.token_endpoint, &form, client, metadata.takes_basic).await?;
        self.vouched(&answer.id_token, &flow.nonce()).await
    }

    async fn vouched(&self, id_token: &str, nonce: &str) -> Result<Vouched, OidcError> {
        let key = self.0.discovered.key_of(&self.0, id_token).await?;
        let claims = token::verify(id_token, &key, self.expected())?;
        token::check_nonce(&claims, nonce)?;
        let subject = token::text(&claims, "sub").ok_or(OidcError::Token("it names no subject"))?;
        let methods = claims.get("amr").and_then(Value::as_array);
        let factor = methods.is_some_and(|methods| methods.iter().any(|method| method == "mfa"));
        Ok(Vouched { subject, session: token::text(&claims, "sid"), factor, claims })
    }

    /// Reads a logout token of the provider: whose session of which name is over.
    pub(super) async fn logged_out(&self, logout_token: &str) -> Result<(String, Option<String>), OidcError> {
        let key = self.0.discovered.key_of(&self.0, logout_token).await?;
        let claims = token::verify_logout(logout_token, &key, self.expected())?;
        let subject = token::text(&claims, "sub").ok_or(OidcError::Token("it names no subject"))?;
        Ok((subject, token::text(&claims, "sid")))
    }

    /// Where a browser goes to sign out at the provider too; none where the provider has no such place.
    pub(super) async fn end_session_url(&self) -> Option<String> {
        let metadata = self.0.discovered.metadata(&self.0).await.ok()?;
        let back = format!("{}/", self.0.public_url);
        let query = [("client_id", self.0.settings.client_id.as_str()), ("post_logout_redirect_uri", back.as_str())];
        fetch::with_query(metadata.end_session_endpoint.as_deref()?, &query).ok()
    }

    fn redirect(&self) -> Result<String, OidcError> {
        if self.0.public_url.is_empty() {
            return Err(OidcError::Settings("public_url is empty: write where browsers find this door"));
        }
        Ok(format!("{}{CALLBACK}", self.0.public_url))
    }

    fn secret(&self) -> Result<Option<Zeroizing<String>>, OidcError> {
        let Some(file) = &self.0.settings.client_secret else { return Ok(None) };
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        let text = text.map_err(|_| OidcError::Settings("the file client_secret cannot be read"))?;
        Ok(Some(Zeroizing::new(text.trim().to_owned())))
    }

    fn expected(&self) -> Expected<'_> {
        let Inner { settings, clock, .. } = &*self.0;
        Expected { issuer: &settings.issuer, client: &settings.client_id, now: clock.now() }
    }
}

impl Inner {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
