//! What a provider says of itself, and its keys. Both are learnt at the first sign-in and again when they are old; keys also
//! when a token names one that is not known, since a provider may change them at any time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Inner, error::OidcError};

const OLD: TimeDelta = TimeDelta::hours(1);
/// A token that names an unknown key makes us ask the provider no more often than this, whoever sends such tokens.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

/// What is used of a provider's metadata (OpenID Connect Discovery 1.0).
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) end_session_endpoint: Option<String>,
    /// It takes the client's secret as Basic; else in the form.
    pub(super) takes_basic: bool,
    /// It says who it is in its answers (RFC 9207), so an answer that does not is another's.
    pub(super) names_itself: bool,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Told {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Debug, Default)]
pub(super) struct Discovered {
    metadata: Mutex<Option<(Arc<Metadata>, DateTime<Utc>)>>,
    keys: Mutex<Option<(Arc<JwkSet>, DateTime<Utc>)>>,
}

impl Discovered {
    pub(super) async fn metadata(&self, provider: &Inner) -> Result<Arc<Metadata>, OidcError> {
        let mut kept = self.metadata.lock().await;
        let now = provider.now();
        if let Some((metadata, _)) = kept.as_ref().filter(|(_, at)| now - *at < OLD) {
            return Ok(metadata.clone());
        }
        let issuer = provider.settings.issuer.trim_end_matches('/');
        let told: Told = provider.fetch.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        if told.issuer != provider.settings.issuer {
            return Err(OidcError::Provider("it names another issuer than is configured: write it exactly so"));
        }
        // Where nothing is said, Basic is what every provider takes.
        let methods = told.token_endpoint_auth_methods_supported;
        let metadata = Arc::new(Metadata {
            authorization_endpoint: told.authorization_endpoint,
            token_endpoint: told.token_endpoint,
            end_session_endpoint: told.end_session_endpoint,
            takes_basic: methods.is_none_or(|methods| methods.iter().any(|m| m == "client_secret_basic")),
            names_itself: told.authorization_response_iss_parameter_supported,
            jwks_uri: told.jwks_uri,
        });
        *kept = Some((metadata.clone(), now));
        Ok(metadata)
    }

    /// The key that signed a token, by the token's own word; whether it did is checked with it.
    pub(super) async fn key_of(&self, provider: &Inner, token: &str) -> Result<Jwk, OidcError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| OidcError::Token("it is no signed token"))?;
        let metadata = self.metadata(provider).await?;
        let mut kept = self.keys.lock().await;
        let now = provider.now();
        if let Some((keys, at)) = kept.as_ref() {
            let found = choose(keys, header.kid.as_deref());
            let age = now - *at;
            if let Some(key) = found.filter(|_| age < OLD) {
                return Ok(key.clone());
            }
            if age < AGAIN {
                return Err(OidcError::Token("it was signed with a key that the provider does not have"));
            }
        }
        let keys: JwkSet = provider.fetch.get(&metadata.jwks_uri).await?;
        let keys = Arc::new(keys);
        *kept = Some((keys.clone(), now));
        let key = choose(&keys, header.kid.as_deref());
        key.cloned().ok_or(OidcError::Token("it was signed with a key that the provider does not have"))
    }
}

/// The key of that id; without an id the only one there is.
fn choose<'k>(keys: &'k JwkSet, id: Option<&str>) -> Option<&'k Jwk> {
    match (id, keys.keys.as_slice()) {
        (Some(id), _) => keys.find(id),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}
