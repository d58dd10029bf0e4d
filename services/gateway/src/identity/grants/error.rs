//! What is refused about grants, and how it is said.

use chassis::{Fault, Refusal, Violation, access::role_code};
use sea_orm::DbErr;
use tonic::{Code, Status};

use super::rules::Clash;

/// Why a call about grants is refused.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("nobody grants anything to themselves: ask a colleague who may")]
    ToOneself,
    #[error(
        "your role may not give or take this role there: ask whoever holds the area above, or a security administrator"
    )]
    MayNotGrant,
    #[error(
        "the account holds {}, which excludes {} at the same time: take that away first, or use another account",
        role_code(.0.held),
        role_code(.0.wanted)
    )]
    Excluded(Clash),
    #[error("the account has a record of its own already: take that grant away first")]
    HasAnotherPerson,
    #[error("this record is the own one of another account: take that grant away first")]
    PersonTaken,
    #[error("this is the last security administrator who holds everywhere: give the role to somebody else first")]
    LastSecurityAdmin,
}

impl GrantError {
    pub(super) fn field(field: &'static str, rule: &'static str, message: impl Into<String>) -> Self {
        Self::Fault(Fault::field(field, rule, message))
    }

    /// Whether a unique key was broken.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_duplicate())
    }
}

impl From<DbErr> for GrantError {
    fn from(error: DbErr) -> Self {
        Self::Fault(error.into())
    }
}

impl Refusal for GrantError {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::Fault(fault) => fault.answer(),
            Self::ToOneself => (Code::PermissionDenied, "GRANT_TO_ONESELF"),
            Self::MayNotGrant => (Code::PermissionDenied, "MAY_NOT_GRANT"),
            Self::Excluded(_) => (Code::FailedPrecondition, "ROLES_EXCLUDE"),
            Self::HasAnotherPerson => (Code::FailedPrecondition, "HAS_ANOTHER_PERSON"),
            Self::PersonTaken => (Code::FailedPrecondition, "PERSON_IS_TAKEN"),
            Self::LastSecurityAdmin => (Code::FailedPrecondition, "LAST_SECURITY_ADMIN"),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Fault(fault) => fault.violations(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Fault(fault) => fault.retry_after(),
            _ => None,
        }
    }
}

impl From<GrantError> for Status {
    fn from(error: GrantError) -> Self {
        chassis::status(&error)
    }
}
