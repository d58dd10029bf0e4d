//! The page at `/status`: where a report stands, by its number and the end of a telephone number. It needs no account and says
//! nothing about anybody; the service refuses guesses.

use axum::{Router, routing::get};

use crate::openapi::file;

const HTML: &str = include_str!("page.html");
const JS: &str = include_str!("page.js");
const CSS: &str = include_str!("page.css");

/// The page and its files, to be put under `/status`.
pub fn routes() -> Router {
    Router::new()
        .route("/status", get(|| async { file("text/html; charset=utf-8", HTML) }))
        .route("/status/page.js", get(|| async { file("text/javascript; charset=utf-8", JS) }))
        .route("/status/page.css", get(|| async { file("text/css; charset=utf-8", CSS) }))
}
