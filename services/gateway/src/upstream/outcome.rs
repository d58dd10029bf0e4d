//! What became of a call that a copy did not answer.

use std::error::Error;

use http::HeaderMap;
use http_body_util::LengthLimitError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How a call ended without an answer of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nobody was reached: the copy is away.
    NotConnected,
    /// The copy has said that it will not look at it: it stops, or has too much to do.
    NotTaken,
    /// It was sent; whether anything happened nobody knows.
    Unknown,
}

impl Lost {
    /// Reads it off the chain of causes.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<tonic::ConnectError>() {
                return Self::NotConnected;
            }
            if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
                return Self::NotTaken;
            }
            if let Some(h2) = error.downcast_ref::<h2::Error>() {
                let refused = h2.reason() == Some(h2::Reason::REFUSED_STREAM);
                // A stream that ends with this is above the last one that the copy says it takes (RFC 9113, 6.8).
                let went = h2.is_go_away() && h2.is_remote() && h2.reason() == Some(h2::Reason::NO_ERROR);
                return if refused || went { Self::NotTaken } else { Self::Unknown };
            }
            cause = error.source();
        }
        Self::Unknown
    }

    /// Whether the call has certainly done nothing.
    pub(super) fn is_harmless(self) -> bool {
        match self {
            Self::NotConnected | Self::NotTaken => true,
            Self::Unknown => false,
        }
    }
}

/// What an answer says of the copy that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Well,
    /// The gate let nothing in: `OVERLOADED`.
    Shed,
    /// The service could not; `UNAVAILABLE`, `INTERNAL`, `UNKNOWN`, `DATA_LOSS`.
    Badly(Code),
}

impl Answered {
    /// Reads it off an answer's headers; an answer that begins with data has begun well.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(status) = Status::from_header_map(headers) else { return Self::Well };
        match status.code() {
            Code::Unavailable if status.get_details_error_info().is_some_and(|info| info.reason == "OVERLOADED") => {
                Self::Shed
            }
            code @ (Code::Unavailable | Code::Internal | Code::Unknown | Code::DataLoss) => Self::Badly(code),
            _ => Self::Well,
        }
    }
}

/// What a caller hears where no copy has answered.
pub(super) fn unavailable(message: String, done_nothing: bool) -> Status {
    let reason = if done_nothing { "SERVICE_AWAY" } else { "OUTCOME_UNKNOWN" };
    let mut details = ErrorDetails::with_error_info(reason, "linju", []);
    details.set_retry_info(Some(std::time::Duration::from_secs(1)));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// What a caller hears of a body that did not come whole.
pub(super) fn of_body(error: Box<dyn Error + Send + Sync>) -> Status {
    if error.is::<LengthLimitError>() {
        let details = ErrorDetails::with_error_info("MESSAGE_TOO_LARGE", "linju", []);
        return Status::with_error_details(
            Code::ResourceExhausted,
            "the message is too large: send less at once",
            details,
        );
    }
    match error.downcast::<Status>() {
        Ok(status) => *status,
        Err(_) => Status::cancelled("the request's body did not come whole"),
    }
}
