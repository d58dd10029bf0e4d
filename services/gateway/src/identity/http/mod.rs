//! The routes of `/auth`: signing in and out, with JSON and cookies.

mod answer;
mod body;
mod client;
mod oidc;
mod sign_in;
mod token;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::map_response,
    routing::{get, post},
};
use http::{HeaderValue, Response, header};

pub use client::ClientAddress;

use super::{app::App, oidc::Provider};

/// No request of `/auth` is longer.
const MOST_BYTES: usize = 16 * 1024;

/// What the routes work with.
#[derive(Clone, Debug)]
struct Web {
    app: App,
    provider: Option<Provider>,
}

/// The routes, with their whole paths.
pub(super) fn routes(app: App, provider: Option<Provider>) -> Router {
    Router::new()
        .route("/auth/sign-in", post(sign_in::sign_in))
        .route("/auth/second-factor", post(sign_in::second_factor))
        .route("/auth/sign-out", post(sign_in::sign_out))
        .route("/auth/csrf", get(sign_in::csrf))
        .route("/auth/token", post(token::token))
        .route("/auth/revoke", post(token::revoke))
        .route("/auth/oidc/start", get(oidc::start))
        .route("/auth/oidc/callback", get(oidc::callback))
        .route("/auth/oidc/logout", post(oidc::logged_out))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(map_response(not_stored))
        .with_state(Web { app, provider })
}

/// No answer of `/auth` is for any cache.
async fn not_stored<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
