//! The page at `/docs`: three files of our own, so that no policy needs an exception for it.

use axum::response::{IntoResponse, Response};
use http::header;

pub(super) const HTML: &str = include_str!("page.html");
pub(super) const JS: &str = include_str!("page.js");
pub(super) const CSS: &str = include_str!("page.css");

/// Only our own files, and calls to where the page comes from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// A file of the page. It may be kept, but is asked for anew when it is used: it changes with the program.
pub(crate) fn file(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
