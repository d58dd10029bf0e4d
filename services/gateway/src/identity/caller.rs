//! Who calls, as the rest of the gateway sees it.

use std::time::Duration;

use chassis::access::Principal;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

/// Who calls, found by the credential that came with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub principal: Principal,
    pub credential: Credential,
}

/// What the caller showed. The id names it in limits, logs and revocations; it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Nothing: somebody who is not signed in.
    None,
    /// The cookie of a browser's session; what changes something must bring its CSRF token.
    Session(Uuid),
    /// An access token of an app.
    Access(Uuid),
    /// A personal access token of a program.
    Personal(Uuid),
}

/// Why a credential is not taken. The texts are the same whatever was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the credential is not valid, or no longer: sign in again")]
    NotValid,
    #[error("send the session's CSRF token as `x-csrf-token`")]
    CsrfMissing,
    #[error("this needs the second factor: enter it first")]
    SecondFactorNeeded,
    #[error("no mandate lets you act for this person now")]
    NoMandate,
    #[error("the server cannot look it up now: try again")]
    Unavailable(Duration),
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        let (code, reason) = match refused {
            Refused::NotValid => (Code::Unauthenticated, "NOT_SIGNED_IN"),
            Refused::CsrfMissing => (Code::PermissionDenied, "CSRF_TOKEN_NEEDED"),
            Refused::SecondFactorNeeded => (Code::PermissionDenied, "SECOND_FACTOR_NEEDED"),
            Refused::NoMandate => (Code::PermissionDenied, "NO_MANDATE"),
            Refused::Unavailable(_) => (Code::Unavailable, "DATABASE_BUSY"),
        };
        let mut details = ErrorDetails::with_error_info(reason, "linju", []);
        if let Refused::Unavailable(wait) = refused {
            details.set_retry_info(Some(wait));
        }
        Status::with_error_details(code, refused.to_string(), details)
    }
}
