//! Apps: short access tokens, and refresh tokens that serve once.

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Web,
    answer::{self, Failed},
    body::{self, Secret},
    client,
    sign_in::{Credentials, split},
};
use crate::identity::{
    app::{Opened, Session},
    domain::{bearer::Bearer, session::Kind},
    error::Error,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    grant_type: GrantType,
    name: Option<String>,
    password: Option<Secret>,
    new_password: Option<Secret>,
    invitation: Option<Secret>,
    code: Option<Secret>,
    refresh_token: Option<Secret>,
    /// What an earlier answer gave as `device`.
    device: Option<Secret>,
    /// What the app calls itself, for the list of sessions.
    label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum GrantType {
    Password,
    Invitation,
    RefreshToken,
}

/// `POST /auth/token`
pub(super) async fn token(State(web): State<Web>, request: Request) -> Result<Response, Failed> {
    let (parts, bytes) = split(request).await?;
    client::same_site(&parts.headers, &web.app.settings)?;
    let asked: Asked = body::read(&parts.headers, &bytes)?;
    let mut client = client::client(&parts, &web.app.settings);
    let Asked { grant_type, name, password, new_password, invitation, code, refresh_token, device, label } = asked;
    client.device = client::device(device.as_ref().map(|device| device.0.expose()));
    client.label = label.unwrap_or(client.label);
    let credentials = match grant_type {
        GrantType::RefreshToken => {
            let token = body::need("refresh_token", refresh_token)?;
            let bearer = Bearer::read(token.0.expose()).ok_or(Error::SignInAgain)?;
            return Ok(tokens(&web, &web.app.refresh(&bearer, &client).await?));
        }
        GrantType::Password => Credentials::new(name, password, new_password, None, code),
        GrantType::Invitation => {
            Credentials::new(None, None, new_password, Some(body::need("invitation", invitation)?), code)
        }
    };
    let (account, factor) = credentials.open(&web, &client).await?;
    if account.totp.is_some() && !factor {
        return Err(Error::SecondFactorNeeded.into());
    }
    let session = Session { factor, ..Session::default() };
    let opened = web.app.open_session(&account, Kind::App, session, &client).await?;
    Ok(tokens(&web, &opened))
}

fn tokens(web: &Web, opened: &Opened) -> Response {
    let seconds = (opened.bearer_expires_at - web.app.clock.now()).num_seconds();
    let body = json!({
        "account_id": opened.account,
        "access_token": opened.bearer.expose(),
        "token_type": "Bearer",
        "expires_in": seconds,
        "refresh_token": opened.refresh.as_ref().map(Bearer::expose),
        "device": opened.device.as_ref().map(Bearer::expose),
    });
    answer::json(&body, Vec::new())
}

/// `POST /auth/revoke`: whoever holds a token may end what it belongs to. The answer is the same whether there was anything.
pub(super) async fn revoke(State(web): State<Web>, request: Request) -> Result<Response, Failed> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        token: Secret,
    }
    let (parts, bytes) = split(request).await?;
    client::same_site(&parts.headers, &web.app.settings)?;
    let Wanted { token } = body::read(&parts.headers, &bytes)?;
    if let Some(bearer) = Bearer::read(token.0.expose()) {
        let client = client::client(&parts, &web.app.settings);
        web.app.revoke(&bearer, &client.trace).await?;
    }
    Ok(answer::json(&json!({}), Vec::new()))
}
