//! Why the door refuses, and how each of its languages says so.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::speech::Speech;
use crate::{identity::Refused, transcode::error_response};

/// Why a request goes no further. The texts say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the body is larger than {0} bytes: send less at once")]
    TooLarge(usize),
    #[error("the body came too slowly: send it again on a better line")]
    BodySlow,
    #[error("the body did not come whole: send it again")]
    BodyBroken,
    #[error("the body is not {0}, as its headers say: send it as they say")]
    BodyNot(&'static str),
    #[error("this Content-Encoding is not read here: use gzip, zstd or none, once")]
    Encoding,
    #[error("this method is not answered here")]
    Method,
    #[error("send one Host, a name and perhaps a port")]
    Host,
    #[error("the path is no plain path: take out empty parts, dots as parts, backslashes and control characters")]
    Path,
    #[error("gRPC needs HTTP/2: over HTTP/1.1 use gRPC-Web or JSON")]
    NeedsHttp2,
    #[error("too often: wait {} s, then go on more slowly", .0.as_secs())]
    TooOften(Duration),
    #[error("so much was read that somebody has to ask why: wait {} s, or ask your administrator", .0.as_secs())]
    TooMuchRead(Duration),
    #[error("too many requests at once: try again in a moment")]
    Overloaded,
}

/// Why a request goes no further: for the door's reasons, or for identity's.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    Here(Refusal),
    /// The credential is not taken.
    Credential(Refused),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Here(refusal)
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here(refusal) => refusal.fmt(f),
            Self::Credential(refused) => refused.fmt(f),
        }
    }
}

impl Stop {
    /// The answer in the caller's language.
    pub(super) fn response(self, speech: Speech) -> Response<Body> {
        match self {
            Self::Here(refusal) => refusal.response(speech),
            Self::Credential(refused) => told(Status::from(refused), speech),
        }
    }
}

fn told(status: Status, speech: Speech) -> Response<Body> {
    match speech {
        Speech::Grpc => status.into_http(),
        Speech::GrpcWeb(web) => web.refuse(status),
        Speech::Http => error_response(&status),
    }
}

impl Refusal {
    /// The codes of gRPC and HTTP, and the word that programs can rely on.
    fn answer(&self) -> (Code, StatusCode, &'static str) {
        match self {
            Self::TooLarge(_) => (Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE"),
            Self::BodySlow => (Code::DeadlineExceeded, StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW"),
            Self::BodyBroken => (Code::InvalidArgument, StatusCode::BAD_REQUEST, "BODY_BROKE_OFF"),
            Self::BodyNot(_) => (Code::InvalidArgument, StatusCode::BAD_REQUEST, "MALFORMED_BODY"),
            Self::Encoding => (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNKNOWN_CONTENT_ENCODING"),
            Self::Method => (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Host => (Code::InvalidArgument, StatusCode::BAD_REQUEST, "BAD_HOST"),
            Self::Path => (Code::InvalidArgument, StatusCode::BAD_REQUEST, "BAD_PATH"),
            Self::NeedsHttp2 => (Code::Unimplemented, StatusCode::HTTP_VERSION_NOT_SUPPORTED, "NEEDS_HTTP2"),
            Self::TooOften(_) => (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS, "TOO_OFTEN"),
            Self::TooMuchRead(_) => (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS, "TOO_MUCH_READ"),
            Self::Overloaded => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED"),
        }
    }

    fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooOften(wait) | Self::TooMuchRead(wait) => Some((*wait).max(Duration::from_secs(1))),
            Self::Overloaded => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// What the body that could not be read was told with; see [`Intake`](super::intake::Intake).
    pub(super) fn of_body(status: &Status, most: usize) -> Self {
        match status.code() {
            Code::ResourceExhausted => Self::TooLarge(most),
            Code::DeadlineExceeded => Self::BodySlow,
            _ => Self::BodyBroken,
        }
    }

    fn response(&self, speech: Speech) -> Response<Body> {
        let mut response = told(Status::from(self.clone()), speech);
        if speech != Speech::Http {
            return response;
        }
        *response.status_mut() = self.answer().1;
        let headers = response.headers_mut();
        if let Some(wait) = self.wait() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
        }
        if matches!(self, Self::BodySlow | Self::BodyBroken | Self::TooLarge(_)) {
            // What of the body is still to come would be read as the next request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if *self == Self::Encoding {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
        }
        if *self == Self::Method {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"));
        }
        response
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let (code, _, reason) = refusal.answer();
        let mut details = ErrorDetails::with_error_info(reason, "linju", []);
        if let Some(wait) = refusal.wait() {
            details.set_retry_info(Some(wait));
        }
        Self::with_error_details(code, refusal.to_string(), details)
    }
}
