//! What this service refuses, and how it says so.

use chassis::{Fault, Refusal, Violation};
use chrono::NaiveDate;

use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::domain::{minors::AccessRefused, standing::Refused};

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(
        "somebody with this ID number is registered already: search for the number; if nobody is found, the record lies \
         outside of your area, so ask the subdistrict office"
    )]
    NationalIdTaken,
    #[error("a household with this number is kept in this community already: search for it, or choose another number")]
    HouseholdNumberTaken,
    #[error(
        "no dwelling of this building is registered where you may look, so nothing is known of who lives there: check \
         area, compound and building"
    )]
    BuildingNotFound,
    #[error("what is kept of {group} was observed on {kept_on}, later than this: read the record again")]
    OlderThanKept { group: &'static str, kept_on: NaiveDate },
    #[error(
        "this is the record of somebody under 18: ask for leave with RequestMinorAccess, or read it masked, without a \
         purpose"
    )]
    MinorApprovalNeeded,
    #[error(transparent)]
    Access(#[from] AccessRefused),
    #[error("this person is of age: read the record under your purpose, no leave is needed")]
    NotAMinor,
    #[error(
        "you have {0} requests and approvals open, which is as many as this office allows: end those you do not need"
    )]
    MinorAccessInBulk(u64),
    #[error("no record of the register is known to be yours: ask your community office to link it to your account")]
    NoOwnRecord,
    #[error("this was answered before: read it again")]
    IsAnswered,
    #[error("{0} requests about this record are open already: wait until they are answered")]
    TooManyOpen(u64),
}

impl Error {
    /// A field breaks a rule that only the service can check.
    pub fn field(field: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self::Fault(Fault::field(field, rule, message))
    }

    /// Whether a unique key was broken.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_duplicate())
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Fault(error.into())
    }
}

impl Refusal for Error {
    fn answer(&self) -> (Code, &'static str) {
        match self {
            Self::Fault(fault) => fault.answer(),
            Self::Refused(refused) => (
                Code::FailedPrecondition,
                match refused {
                    Refused::IsMerged => "RECORD_IS_MERGED",
                    Refused::HasLeft => "HAS_LEFT",
                    Refused::HasDied => "HAS_DIED",
                    Refused::HasNotLeft => "HAS_NOT_LEFT",
                    Refused::IsNotMerged => "RECORD_IS_NOT_MERGED",
                    Refused::InFuture => "DATE_IN_FUTURE",
                    Refused::Reversed { .. } => "DATES_REVERSED",
                    Refused::IntoItself => "MERGE_INTO_ITSELF",
                    Refused::TargetIsMerged => "TARGET_IS_MERGED",
                },
            ),
            Self::NationalIdTaken => (Code::AlreadyExists, "NATIONAL_ID_TAKEN"),
            Self::HouseholdNumberTaken => (Code::AlreadyExists, "HOUSEHOLD_NUMBER_TAKEN"),
            Self::BuildingNotFound => (Code::NotFound, "BUILDING_NOT_FOUND"),
            Self::OlderThanKept { .. } => (Code::FailedPrecondition, "OLDER_THAN_KEPT"),
            Self::MinorApprovalNeeded => (Code::PermissionDenied, "MINOR_APPROVAL_NEEDED"),
            Self::Access(AccessRefused::OwnRequest) => (Code::PermissionDenied, "OWN_REQUEST"),
            Self::Access(AccessRefused::WrongState(_)) => (Code::FailedPrecondition, "MINOR_ACCESS_IS_DECIDED"),
            Self::NotAMinor => (Code::FailedPrecondition, "NOT_A_MINOR"),
            Self::MinorAccessInBulk(_) => (Code::FailedPrecondition, "MINOR_ACCESS_IN_BULK"),
            Self::NoOwnRecord => (Code::FailedPrecondition, "NO_RECORD_OF_YOUR_OWN"),
            Self::IsAnswered => (Code::FailedPrecondition, "REQUEST_IS_ANSWERED"),
            Self::TooManyOpen(_) => (Code::FailedPrecondition, "TOO_MANY_OPEN_REQUESTS"),
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

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        chassis::status(&error)
    }
}
