//! What this service refuses, and how it says so.

use chassis::{Fault, Refusal, Violation};
use chrono::NaiveDate;

use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::domain::standing::Refused;

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
