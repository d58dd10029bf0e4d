//! In which language a request speaks.

use http::{HeaderMap, Method, header};

use super::grpc_web::Web;

/// How a request is to be answered, also where it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Grpc,
    GrpcWeb(Web),
    /// JSON, pages and files.
    Http,
}

impl Speech {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let content = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let content = content.split(';').next().unwrap_or_default().trim();
        if method != Method::POST {
            return Self::Http;
        }
        if let Some(web) = Web::of(content, headers) {
            return Self::GrpcWeb(web);
        }
        if content == "application/grpc" || content.starts_with("application/grpc+") { Self::Grpc } else { Self::Http }
    }
}
