//! Who calls, as the rest of the gateway sees it.

use std::time::Duration;

use chassis::access::Principal;
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
    #[error("the server cannot look it up now: try again")]
    Unavailable(Duration),
}
