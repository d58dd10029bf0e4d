//! Browsers: a cookie that no script reads, and a token against forged requests.

use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};
use serde::Deserialize;
use serde_json::json;

use super::{
    Web,
    answer::{self, Failed},
    body::{self, Secret},
    client,
};
use crate::identity::{
    app::{Client, Opened, Session, SignIn, cookie, has_csrf, named_cookie},
    domain::{bearer::Bearer, session::Kind},
    error::Error,
    store::account::Model,
};

/// Either name and password, or an invitation's code and a new password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    name: Option<String>,
    password: Option<Secret>,
    new_password: Option<Secret>,
    invitation: Option<Secret>,
    /// Of the second factor.
    code: Option<Secret>,
}

impl Credentials {
    pub(super) fn new(
        name: Option<String>,
        password: Option<Secret>,
        new_password: Option<Secret>,
        invitation: Option<Secret>,
        code: Option<Secret>,
    ) -> Self {
        Self { name, password, new_password, invitation, code }
    }

    /// The account that they open, and whether the second factor was passed with them.
    pub(super) async fn open(self, web: &Web, client: &Client) -> Result<(Model, bool), Error> {
        let account = if let Some(invitation) = self.invitation {
            let new = body::need("new_password", self.new_password)?;
            web.app.accept_invitation(invitation.0.expose(), &new.0, client).await?
        } else {
            let sign_in = SignIn {
                name: body::need("name", self.name)?,
                password: body::need("password", self.password)?.0,
                new_password: self.new_password.map(|new| new.0),
            };
            web.app.check_password(sign_in, client).await?
        };
        let factor = match self.code {
            Some(code) if account.totp.is_some() => {
                web.app.check_code(&account, code.0.expose(), client).await?;
                true
            }
            _ => false,
        };
        Ok((account, factor))
    }
}

/// `POST /auth/sign-in`
pub(super) async fn sign_in(State(web): State<Web>, request: Request) -> Result<Response, Failed> {
    let (parts, bytes) = split(request).await?;
    client::same_site(&parts.headers, &web.app.settings)?;
    let credentials: Credentials = body::read(&parts.headers, &bytes)?;
    let client = client::client(&parts, &web.app.settings);
    let (account, factor) = credentials.open(&web, &client).await?;
    let instead_of = named_cookie(&parts.headers, &web.app.settings, cookie::SESSION);
    let session = Session { factor, instead_of, ..Session::default() };
    let opened = web.app.open_session(&account, Kind::Browser, session, &client).await?;
    signed_in(&web, &opened).await
}

/// `POST /auth/second-factor`
pub(super) async fn second_factor(State(web): State<Web>, request: Request) -> Result<Response, Failed> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Code {
        code: Secret,
    }
    let (parts, bytes) = split(request).await?;
    let Code { code } = body::read(&parts.headers, &bytes)?;
    let (bearer, found) = web.app.cookie_session(&parts.headers, web.app.clock.now()).await?;
    if !has_csrf(&parts.headers, &bearer) {
        return Err(Error::CsrfMissing.into());
    }
    let client = client::client(&parts, &web.app.settings);
    let opened = web.app.pass_factor(&found, code.0.expose(), &client).await?;
    signed_in(&web, &opened).await
}

/// What a browser gets when it has signed in. The answer's `second_factor` says what is still missing.
async fn signed_in(web: &Web, opened: &Opened) -> Result<Response, Failed> {
    let needed = web.app.factor_needed(&opened.bearer).await?;
    let body = json!({
        "account_id": opened.account,
        "csrf_token": csrf_token(&opened.bearer),
        "second_factor_needed": needed,
    });
    Ok(answer::json(&body, answer::cookies_of(&web.app, opened)))
}

/// Drops what pages have kept in the browser. Not `"cookies"`: that would also drop those of the neighbours below the same
/// domain, and the device's, which keeps its owner from being slowed by others' guesses.
const CLEARED: &str = "\"storage\"";

/// `POST /auth/sign-out`. A browser that is signed out already is told the same.
pub(super) async fn sign_out(State(web): State<Web>, request: Request) -> Result<Response, Failed> {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Wanted {
        everywhere: bool,
    }
    let (parts, bytes) = split(request).await?;
    let wanted: Wanted = if bytes.is_empty() { Wanted::default() } else { body::read(&parts.headers, &bytes)? };
    let mut end_session_url = None;
    if let Ok((bearer, found)) = web.app.cookie_session(&parts.headers, web.app.clock.now()).await {
        if !has_csrf(&parts.headers, &bearer) {
            return Err(Error::CsrfMissing.into());
        }
        let client = client::client(&parts, &web.app.settings);
        if wanted.everywhere {
            web.app.end_sessions(found.account_id, None).await?;
        } else {
            web.app.end_session(found.account_id, found.session_id, "signed_out", &client.trace).await?;
        }
        if let (Some(provider), Some(_)) = (&web.provider, found.provider_session) {
            end_session_url = provider.end_session_url().await;
        }
    }
    let gone = answer::cookie(&web.app.settings, cookie::SESSION, "", 0);
    let mut response = answer::json(&json!({ "end_session_url": end_session_url }), gone.into_iter().collect());
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static(CLEARED));
    Ok(response)
}

/// `GET /auth/csrf`: for a page that was loaded anew.
pub(super) async fn csrf(State(web): State<Web>, request: Request) -> Result<Response, Failed> {
    let (bearer, _) = web.app.cookie_session(request.headers(), web.app.clock.now()).await?;
    let needed = web.app.factor_needed(&bearer).await?;
    let body = json!({ "csrf_token": csrf_token(&bearer), "second_factor_needed": needed });
    Ok(answer::json(&body, Vec::new()))
}

fn csrf_token(cookie: &Bearer) -> String {
    cookie.derive("csrf")
}

/// Head and body of a request; the body was limited before.
pub(super) async fn split(request: Request) -> Result<(Parts, Bytes), Error> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, super::MOST_BYTES).await;
    let bytes = bytes.map_err(|_| chassis::Fault::field("body", "max_bytes", "is cut off, or longer than 16 KiB"))?;
    Ok((parts, bytes))
}
