//! Browsers that sign in with the provider.

use axum::{
    body::Body,
    extract::{Form, Query, Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::{
    Web,
    answer::{self, Failed},
    client,
};
use crate::identity::{
    app::{FromProvider, Session, claimed, cookie, cookie_text, named_cookie, secret},
    domain::session::Kind,
    error::Error,
    oidc::{Callback, Flow, OidcError, Provider},
};

/// How long somebody may take at the provider.
const FLOW_SECONDS: i64 = 600;

#[derive(Deserialize)]
pub(super) struct Start {
    #[serde(default)]
    return_to: String,
}

fn provider(web: &Web) -> Result<&Provider, Error> {
    web.provider.as_ref().ok_or(Error::NoProvider)
}

/// `GET /auth/oidc/start?return_to=/…`. No link of another site begins it: where the provider asks nothing, whoever follows
/// it would be signed in without having wished so.
pub(super) async fn start(
    State(web): State<Web>,
    Query(start): Query<Start>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    client::same_site(&headers, &web.app.settings)?;
    let flow = Flow::new(secret()?, &start.return_to);
    let address = provider(&web)?.start(&flow).await.map_err(Error::from)?;
    let set = answer::cookie(&web.app.settings, cookie::OIDC, &flow.cookie(), FLOW_SECONDS);
    see(&address, set.into_iter().collect())
}

/// `GET /auth/oidc/callback`
pub(super) async fn callback(
    State(web): State<Web>,
    Query(callback): Query<Callback>,
    request: Request,
) -> Result<Response, Failed> {
    let (parts, _) = request.into_parts();
    let settings = &web.app.settings;
    let provider = provider(&web)?;
    let flow = cookie_text(&parts.headers, settings, cookie::OIDC).and_then(Flow::read);
    let flow = flow.ok_or(OidcError::NotBegun).map_err(Error::from)?;
    let vouched = provider.finish(&flow, callback).await.map_err(Error::from)?;

    let client = client::client(&parts, settings);
    let from = FromProvider {
        issuer: provider.settings().issuer.clone(),
        subject: vouched.subject,
        preferred_name: vouched.claims.get("preferred_username").and_then(|name| name.as_str()).map(str::to_owned),
    };
    let account = web.app.account_of_provider(&from, &client.trace).await?;
    let session = Session {
        factor: vouched.factor,
        claimed: claimed(&provider.settings().grants, &vouched.claims),
        sid: Some(vouched.session.unwrap_or_default()),
        instead_of: named_cookie(&parts.headers, settings, cookie::SESSION),
    };
    let opened = web.app.open_session(&account, Kind::Browser, session, &client).await?;
    let mut cookies = answer::cookies_of(&web.app, &opened);
    cookies.extend(answer::cookie(settings, cookie::OIDC, "", 0));
    see(flow.return_to(), cookies)
}

#[derive(Deserialize)]
pub(super) struct LoggedOut {
    logout_token: String,
}

/// `POST /auth/oidc/logout`: the provider tells that somebody signed out there (Back-Channel Logout 1.0, 2.5).
pub(super) async fn logged_out(State(web): State<Web>, Form(told): Form<LoggedOut>) -> Result<Response, Failed> {
    let provider = provider(&web)?;
    let (subject, sid) = provider.logged_out(&told.logout_token).await.map_err(Error::from)?;
    web.app.end_of_provider(&provider.settings().issuer, &subject, sid.as_deref()).await?;
    Ok(answer::json(&json!({}), Vec::new()))
}

fn see(address: &str, cookies: Vec<HeaderValue>) -> Result<Response, Failed> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let address = HeaderValue::try_from(address);
    let address = address.map_err(|_| Error::from(OidcError::Provider("an endpoint is no address")))?;
    response.headers_mut().insert(header::LOCATION, address);
    answer::set(response.headers_mut(), cookies);
    Ok(response)
}
