//! What the transcoder itself refuses, before or after a service is called.

use chassis::{Refusal, Violation};
use http::StatusCode;
use tonic::Code;

/// Why a request was not passed on, or an answer was not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is nothing at this path: see /openapi.json for what there is")]
    NoSuchPath,
    #[error("this path takes {allow}")]
    WrongMethod { allow: String },
    #[error("this answers {offers} only: put that in `Accept`")]
    NotAcceptable { offers: &'static str },
    #[error("the body is {given}: send JSON in UTF-8, with `content-type: application/json`")]
    WrongContent { given: String },
    #[error("the body is larger than {most} bytes: send less at a time")]
    BodyTooLarge { most: usize },
    #[error("the body broke off: send the request again")]
    BodyBrokeOff,
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("{}", first(.0))]
    Fields(Vec<Violation>),
    #[error("the answer is larger than {most} bytes: ask for less at a time")]
    AnswerTooLarge { most: usize },
    #[error("the service broke off its answer")]
    AnswerBrokeOff,
    #[error("the answer cannot be read: {0}")]
    UnreadableAnswer(String),
}

impl Refused {
    /// One field that is wrong.
    pub(crate) fn field(field: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self::Fields(vec![Violation { field: field.into(), rule, message: message.into() }])
    }

    /// The code of HTTP, which is finer than that of gRPC.
    pub(crate) fn http(&self) -> StatusCode {
        match self {
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
            Self::WrongContent { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBrokeOff | Self::NotJson(_) | Self::Fields(_) | Self::AnswerTooLarge { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::AnswerBrokeOff => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnreadableAnswer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Refusal for Refused {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::NoSuchPath => (Code::NotFound, "NO_SUCH_PATH"),
            Self::WrongMethod { .. } => (Code::Unimplemented, "METHOD_NOT_ALLOWED"),
            Self::NotAcceptable { .. } => (Code::InvalidArgument, "NOT_ACCEPTABLE"),
            Self::WrongContent { .. } => (Code::InvalidArgument, "WRONG_CONTENT_TYPE"),
            Self::BodyTooLarge { .. } => (Code::OutOfRange, "BODY_TOO_LARGE"),
            Self::BodyBrokeOff => (Code::InvalidArgument, "BODY_BROKE_OFF"),
            Self::NotJson(_) => (Code::InvalidArgument, "MALFORMED_JSON"),
            Self::Fields(_) => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::AnswerTooLarge { .. } => (Code::OutOfRange, "ANSWER_TOO_LARGE"),
            Self::AnswerBrokeOff => (Code::Unavailable, "ANSWER_BROKE_OFF"),
            Self::UnreadableAnswer(_) => (Code::Internal, "INTERNAL"),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Fields(violations) => violations.clone(),
            _ => Vec::new(),
        }
    }
}

/// The first three, as the services tell theirs.
fn first(violations: &[Violation]) -> String {
    let told: Vec<_> = violations.iter().take(3).map(|v| format!("{} {}", v.field, v.message)).collect();
    let more = violations.len().saturating_sub(told.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", told.join("; "))
}
