//! Answers: JSON, cookies, errors.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use tonic::Status;

use crate::identity::{
    app::{App, Opened, cookie},
    caller::Refused,
    error::Error,
    settings::IdentitySettings,
};

/// An error on its way to a caller of HTTP.
pub(super) struct Failed(Status);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error.into())
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self(refused.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        crate::transcode::error_response(&self.0)
    }
}

/// JSON, with cookies to set.
pub(super) fn json(body: &Value, cookies: Vec<HeaderValue>) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set(response.headers_mut(), cookies);
    response
}

pub(super) fn set(headers: &mut HeaderMap, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// A cookie that no script reads and no other site makes a browser send with anything but a plain link.
pub(super) fn cookie(settings: &IdentitySettings, name: &str, value: &str, seconds: i64) -> Option<HeaderValue> {
    let secure = if settings.is_https() { "; Secure" } else { "" };
    let name = settings.cookie(name);
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The cookies of a browser that has just signed in, or has new rights.
pub(super) fn cookies_of(app: &App, opened: &Opened) -> Vec<HeaderValue> {
    let seconds = (opened.bearer_expires_at - app.clock.now()).num_seconds();
    let session = cookie(&app.settings, cookie::SESSION, opened.bearer.expose(), seconds);
    let device = opened.device.as_ref();
    let device = device.and_then(|device| cookie(&app.settings, cookie::DEVICE, device.expose(), DEVICE_SECONDS));
    session.into_iter().chain(device).collect()
}

const DEVICE_SECONDS: i64 = 180 * 24 * 60 * 60;
