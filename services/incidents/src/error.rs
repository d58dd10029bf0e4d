//! What this service refuses, and how each refusal is told.

use std::time::Duration;

use chassis::{
    Fault, Refusal, Violation,
    data::{OpenError, SealError},
};
use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::{domain::Refused, requests::ReadError};

/// Why something was not done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the incident is with {}; let somebody of that unit do it", unit.as_deref().map_or("no unit".to_owned(), |unit| format!("unit `{unit}`")))]
    NotYourUnit { unit: Option<String> },
    #[error("somebody changed the incident at the same moment: read it again, then decide again")]
    Raced,
    #[error("{field} lies outside the areas granted to you: name a place within them")]
    AreaNotGranted { field: &'static str },
    #[error("the file cannot be imported: {0}")]
    Unreadable(#[from] ReadError),
    #[error("a sealed value cannot be sealed or opened")]
    Sealed(#[from] SealError),
    #[error("a sealed value cannot be opened")]
    Opened(#[from] OpenError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for Error {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::Refused(refused) => (refusal_code(refused), refused.reason()),
            Self::NotYourUnit { .. } => (Code::PermissionDenied, "NOT_YOUR_UNIT"),
            Self::Raced => (Code::Aborted, "READ_AGAIN"),
            Self::AreaNotGranted { .. } => (Code::PermissionDenied, "AREA_NOT_GRANTED"),
            Self::Unreadable(_) => (Code::InvalidArgument, "UNREADABLE_FILE"),
            Self::Sealed(_) | Self::Opened(_) => (Code::Internal, "INTERNAL"),
            Self::Fault(fault) => fault.answer(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let field = match self {
            Self::Fault(fault) => return fault.violations(),
            Self::AreaNotGranted { field } => field,
            Self::Refused(Refused::DuplicateOfItself) => "duplicate_of",
            Self::Refused(Refused::NextLookNotAfterToday { .. }) => "next_look_on",
            _ => return Vec::new(),
        };
        vec![Violation { field: field.to_owned(), rule: self.answer().1, message: self.to_string() }]
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fault(fault) => fault.retry_after(),
            _ => None,
        }
    }
}

/// Wrong for whatever incident: the request. Wrong for this caller: the permission. Wrong for now: the state.
fn refusal_code(refused: &Refused) -> Code {
    match refused {
        Refused::DuplicateOfItself | Refused::NextLookNotAfterToday { .. } => Code::InvalidArgument,
        Refused::WrongActor { .. } | Refused::NotTheReporter { .. } | Refused::NotIndependent { .. } => {
            Code::PermissionDenied
        }
        Refused::WrongState { .. }
        | Refused::AlreadyWithUnit { .. }
        | Refused::ReopenTooLate { .. }
        | Refused::DuplicateLoop { .. }
        | Refused::DuplicateOfDuplicate { .. }
        | Refused::DuplicateOfWithdrawn { .. } => Code::FailedPrecondition,
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        chassis::status(&error)
    }
}
