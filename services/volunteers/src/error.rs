//! What this service refuses, and how each refusal is told.

use chassis::{
    Fault, Refusal, Violation,
    data::{OpenError, SealError},
};
use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::domain::{Refused, RefusedKind, catalogue, organisation};

/// Why something was not done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Catalogue(#[from] catalogue::Refused),
    #[error(transparent)]
    Organisation(#[from] organisation::Refused),
    #[error("{field} lies outside the areas granted to you: name a place within them")]
    AreaNotGranted { field: &'static str },
    #[error("a volunteer of this name and phone number is registered already")]
    VolunteerKnown,
    #[error("this account belongs to another volunteer")]
    AccountTaken,
    #[error("the volunteer is in this team, or asked, already")]
    MembershipKnown,
    #[error("only leaders of the team may do this")]
    NotYourTeam,
    #[error("you are no volunteer yet: apply first")]
    NoVolunteer,
    #[error("a sealed value cannot be sealed")]
    Sealed(#[from] SealError),
    #[error("a sealed value cannot be opened")]
    Opened(#[from] OpenError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// Whether a unique key was broken.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_duplicate())
    }
}

impl Refusal for Error {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::Refused(refused) => (code(refused.kind()), refused.reason()),
            Self::Catalogue(refused) => (code(refused.kind()), refused.reason()),
            Self::Organisation(refused) => (code(refused.kind()), refused.reason()),
            Self::AreaNotGranted { .. } => (Code::PermissionDenied, "AREA_NOT_GRANTED"),
            Self::VolunteerKnown => (Code::AlreadyExists, "VOLUNTEER_KNOWN"),
            Self::AccountTaken => (Code::AlreadyExists, "ACCOUNT_TAKEN"),
            Self::MembershipKnown => (Code::AlreadyExists, "MEMBERSHIP_KNOWN"),
            Self::NotYourTeam => (Code::PermissionDenied, "NOT_YOUR_TEAM"),
            Self::NoVolunteer => (Code::FailedPrecondition, "NO_VOLUNTEER"),
            Self::Sealed(_) | Self::Opened(_) => (Code::Internal, "INTERNAL"),
            Self::Fault(fault) => fault.answer(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let field = match self {
            Self::Fault(fault) => return fault.violations(),
            Self::AreaNotGranted { field } => Some(*field),
            Self::Refused(refused) => refused.about(),
            Self::Catalogue(refused) => refused.about(),
            Self::Organisation(refused) => refused.about(),
            _ => None,
        };
        let rule = self.answer().1;
        field.map(|field| Violation { field: field.to_owned(), rule, message: self.to_string() }).into_iter().collect()
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Fault(fault) => fault.retry_after(),
            _ => None,
        }
    }
}

const fn code(kind: RefusedKind) -> Code {
    match kind {
        RefusedKind::Invalid => Code::InvalidArgument,
        RefusedKind::State => Code::FailedPrecondition,
        RefusedKind::Permission => Code::PermissionDenied,
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
