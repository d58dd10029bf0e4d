//! What identity refuses, and how each refusal is told.

use std::time::Duration;

use chassis::{
    Fault, Refusal, Violation,
    data::{OpenError, SealError},
};
use sea_orm::DbErr;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{domain::password::Weak, oidc::OidcError};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also for names that nobody has, for locked accounts and for those that were not taken up.
    #[error("the name or the password is wrong")]
    SignInRefused,
    #[error("there were too many tries: wait {} s", .0.as_secs())]
    TooManyTries(Duration),
    #[error("too many people sign in at once")]
    Busy,
    #[error("this password serves once: send your own as `new_password` with the sign-in")]
    PasswordChangeNeeded,
    #[error("{0} {1}")]
    WeakPassword(&'static str, Weak),
    #[error("send the code of your second factor with the sign-in, as `code`")]
    SecondFactorNeeded,
    #[error("the code is wrong, was used already, or is over: wait for the next one")]
    WrongCode,
    #[error("this token belongs to no account: sign in at the door")]
    NoAccount,
    #[error("send the session's CSRF token as `x-csrf-token`")]
    CsrfMissing,
    #[error("the request comes from another site: begin on a page of this one")]
    CrossSite,
    #[error("only you yourself can do this, from a browser or app that you signed in with")]
    SessionNeeded,
    #[error("this code is wrong, was used already, or is over: ask for a new one")]
    CodeNotValid,
    #[error("this token is not valid, or no longer: sign in again")]
    SignInAgain,
    #[error("there is an account of this name already: choose another name")]
    NameTaken,
    #[error("this account signs in with its provider and has no password here")]
    NoPassword,
    #[error("people sign in with the provider here: use /auth/oidc/start")]
    NotLocal,
    #[error("no provider is configured here: sign in with name and password")]
    NoProvider,
    #[error("a second factor is set up already: remove it first")]
    FactorSet,
    #[error("no second factor is set up: start with StartSecondFactor")]
    FactorNotStarted,
    #[error("somebody else must do this with your own account")]
    Oneself,
    #[error("roles holds {0}, which you have not: leave it out")]
    RoleNotHeld(String),
    #[error("there are {0} tokens already: revoke those that are not used")]
    TooManyTokens(usize),
    #[error(transparent)]
    Oidc(#[from] OidcError),
    #[error("a password cannot be hashed: {0}")]
    Hash(String),
    #[error("the machine gave no random numbers")]
    NoRandomness,
    #[error("a sealed value cannot be sealed")]
    Sealed(#[from] SealError),
    #[error("a sealed value cannot be opened")]
    Opened(#[from] OpenError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for Error {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::SignInRefused => (Code::Unauthenticated, "SIGN_IN_REFUSED"),
            Self::TooManyTries(_) => (Code::ResourceExhausted, "TOO_MANY_TRIES"),
            Self::Busy => (Code::Unavailable, "SIGN_IN_BUSY"),
            Self::PasswordChangeNeeded => (Code::FailedPrecondition, "PASSWORD_CHANGE_NEEDED"),
            Self::WeakPassword(..) => (Code::InvalidArgument, "WEAK_PASSWORD"),
            Self::SecondFactorNeeded => (Code::FailedPrecondition, "SECOND_FACTOR_NEEDED"),
            Self::WrongCode => (Code::InvalidArgument, "WRONG_CODE"),
            Self::NoAccount => (Code::FailedPrecondition, "NO_ACCOUNT"),
            Self::CsrfMissing => (Code::PermissionDenied, "CSRF_TOKEN_NEEDED"),
            Self::CrossSite => (Code::PermissionDenied, "CROSS_SITE"),
            Self::SessionNeeded => (Code::PermissionDenied, "SESSION_NEEDED"),
            Self::CodeNotValid => (Code::Unauthenticated, "CODE_NOT_VALID"),
            Self::SignInAgain => (Code::Unauthenticated, "SIGN_IN_AGAIN"),
            Self::NameTaken => (Code::AlreadyExists, "NAME_TAKEN"),
            Self::NoPassword => (Code::FailedPrecondition, "NO_PASSWORD"),
            Self::NotLocal => (Code::FailedPrecondition, "USE_PROVIDER"),
            Self::NoProvider => (Code::FailedPrecondition, "NO_PROVIDER"),
            Self::FactorSet => (Code::FailedPrecondition, "SECOND_FACTOR_SET"),
            Self::FactorNotStarted => (Code::FailedPrecondition, "SECOND_FACTOR_NOT_STARTED"),
            Self::Oneself => (Code::FailedPrecondition, "NOT_YOURSELF"),
            Self::RoleNotHeld(_) => (Code::InvalidArgument, "ROLE_NOT_HELD"),
            Self::TooManyTokens(_) => (Code::FailedPrecondition, "TOO_MANY_TOKENS"),
            Self::Oidc(error) => error.answer(),
            Self::Hash(_) | Self::NoRandomness | Self::Sealed(_) | Self::Opened(_) => (Code::Internal, "INTERNAL"),
            Self::Fault(fault) => fault.answer(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let field = match self {
            Self::Fault(fault) => return fault.violations(),
            Self::WeakPassword(field, _) => field,
            Self::RoleNotHeld(_) => "roles",
            Self::NameTaken => "name",
            Self::WrongCode => "code",
            _ => return Vec::new(),
        };
        vec![Violation { field: field.to_owned(), rule: self.answer().1, message: self.to_string() }]
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyTries(wait) => Some(*wait),
            Self::Busy => Some(Duration::from_secs(2)),
            Self::Fault(fault) => fault.retry_after(),
            _ => None,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        if let Error::TooManyTries(wait) = &error {
            // The chassis means a full disk by this code, and logs it as such.
            let mut details = ErrorDetails::with_error_info(error.answer().1, "linju", []);
            details.set_retry_info(Some(*wait));
            return Status::with_error_details(error.answer().0, error.to_string(), details);
        }
        chassis::status(&error)
    }
}
