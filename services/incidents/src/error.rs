//! What this service refuses, and how each refusal is told.

use std::time::Duration;

use chassis::{
    Fault, Refusal, Violation,
    data::{OpenError, SealError},
};
use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::{
    domain::{CategoryCode, Refused, alarm::NotTaken, emergency, matter, warning::NotAWarning},
    requests::ReadError,
};

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
    #[error(transparent)]
    Warning(#[from] NotAWarning),
    #[error(transparent)]
    Emergency(#[from] emergency::Refused),
    #[error("the incident is an emergency already: file its reports")]
    EmergencyDeclared,
    #[error("the catalogue names no unit for {}; name one in `unit`", category.as_ref().map_or("what has no category".to_owned(), |code| format!("`{code}` here")))]
    NoRoute { category: Option<CategoryCode> },
    #[error("the mapping names categories that are not in the catalogue or cannot be reported: {0}")]
    UnusableCategories(String),
    #[error(transparent)]
    Matter(#[from] matter::Refused),
    #[error("the pattern was accepted or dismissed before; read it again")]
    PatternDecided,
    #[error(transparent)]
    NotTaken(NotTaken),
    #[error("`{by}` has looked at this situation already, and saw something else: read it again")]
    SituationVerified { by: String },
    #[error("no report has this number and a phone number that ends so: compare both with what you were told")]
    NoSuchReport,
    #[error("it was tried too often for this number: wait {} hours, or call the office", wait.as_secs().div_ceil(3_600))]
    TriedTooOften { wait: Duration },
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
            Self::Emergency(refused) => emergency_answer(refused),
            Self::EmergencyDeclared => (Code::AlreadyExists, "EMERGENCY_DECLARED"),
            Self::Warning(NotAWarning::Field { .. }) => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::Warning(NotAWarning::Cancelled) => (Code::FailedPrecondition, "WARNING_CANCELLED"),
            Self::Warning(NotAWarning::Expired) => (Code::FailedPrecondition, "WARNING_EXPIRED"),
            Self::Warning(NotAWarning::Followed) => (Code::FailedPrecondition, "WARNING_FOLLOWED"),
            Self::NoRoute { .. } => (Code::FailedPrecondition, "NO_ROUTE"),
            Self::UnusableCategories(_) => (Code::InvalidArgument, "UNUSABLE_CATEGORIES"),
            Self::Matter(refused) => (matter_code(refused), refused.reason()),
            Self::PatternDecided => (Code::FailedPrecondition, "PATTERN_DECIDED"),
            Self::NotTaken(refused) => (alarm_code(refused), refused.reason()),
            Self::SituationVerified { .. } => (Code::FailedPrecondition, "SITUATION_VERIFIED"),
            Self::NoSuchReport => (Code::NotFound, "NO_SUCH_REPORT"),
            // `ResourceExhausted` is a full disk here; this is a door that stays shut for a while.
            Self::TriedTooOften { .. } => (Code::PermissionDenied, "TRIED_TOO_OFTEN"),
            Self::Unreadable(_) => (Code::InvalidArgument, "UNREADABLE_FILE"),
            Self::Sealed(_) | Self::Opened(_) => (Code::Internal, "INTERNAL"),
            Self::Fault(fault) => fault.answer(),
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let field = match self {
            Self::Fault(fault) => return fault.violations(),
            Self::Emergency(refused) => {
                let violation =
                    |field| Violation { field, rule: emergency_answer(refused).1, message: self.to_string() };
                return emergency_field(refused).map(violation).into_iter().collect();
            }
            Self::AreaNotGranted { field }
            | Self::Warning(NotAWarning::Field { field, .. })
            | Self::Matter(matter::Refused::NotAhead { field }) => field,
            Self::Matter(matter::Refused::NoTitle) => "title",
            Self::Matter(matter::Refused::NoTask { .. }) => "number",
            Self::Refused(Refused::NotShared) => "shared_with",
            Self::NotTaken(refused) if alarm_code(refused) == Code::InvalidArgument => refused.field(),
            Self::Refused(Refused::DuplicateOfItself) => "duplicate_of",
            Self::Refused(Refused::NextLookNotAfterToday { .. }) => "next_look_on",
            Self::Refused(Refused::ExpectedNotLater { .. }) => "expected_at",
            _ => return Vec::new(),
        };
        vec![Violation { field: field.to_owned(), rule: self.answer().1, message: self.to_string() }]
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fault(fault) => fault.retry_after(),
            Self::TriedTooOften { wait } => Some(*wait),
            Self::NotTaken(NotTaken::TooFast { .. }) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

fn emergency_answer(refused: &emergency::Refused) -> (Code, &'static str) {
    use emergency::Refused;
    match refused {
        Refused::LevelMissing | Refused::NoLevels => (Code::InvalidArgument, "LEVEL"),
        Refused::PartMissing { .. } => (Code::InvalidArgument, "PART_MISSING"),
        Refused::NotYet => (Code::InvalidArgument, "DATE_IN_FUTURE"),
        Refused::KeptForTooLong => (Code::InvalidArgument, "KEPT_FOR_TOO_LONG"),
        Refused::GoesOn | Refused::NothingToKeep => (Code::FailedPrecondition, "EMERGENCY_GOES_ON"),
        Refused::IsOver => (Code::FailedPrecondition, "EMERGENCY_IS_OVER"),
        Refused::Reported => (Code::FailedPrecondition, "FINAL_REPORT_GIVEN"),
        Refused::Destroyed => (Code::FailedPrecondition, "RECORDS_DESTROYED"),
    }
}

fn emergency_field(refused: &emergency::Refused) -> Option<String> {
    use emergency::Refused;
    match refused {
        Refused::LevelMissing | Refused::NoLevels => Some("level".to_owned()),
        Refused::PartMissing { field } => Some(format!("contents.{field}")),
        Refused::NotYet => Some("contents.occurred_at".to_owned()),
        Refused::KeptForTooLong => Some("until".to_owned()),
        _ => None,
    }
}

/// Wrong for whatever incident: the request. Wrong for this caller: the permission. Wrong for now: the state.
fn refusal_code(refused: &Refused) -> Code {
    match refused {
        Refused::DuplicateOfItself
        | Refused::NotShared
        | Refused::NextLookNotAfterToday { .. }
        | Refused::ExpectedNotLater { .. } => Code::InvalidArgument,
        Refused::WrongActor { .. }
        | Refused::NotTheReporter { .. }
        | Refused::NotIndependent { .. }
        | Refused::OwnDispatch
        | Refused::OfTheUnit => Code::PermissionDenied,
        Refused::WrongState { .. }
        | Refused::AlreadyWithUnit { .. }
        | Refused::ReopenTooLate { .. }
        | Refused::DuplicateLoop { .. }
        | Refused::DuplicateOfDuplicate { .. }
        | Refused::DuplicateOfWithdrawn { .. }
        | Refused::NotJoined
        | Refused::DisputeOpen
        | Refused::DisputedBefore
        | Refused::DecidedToStay
        | Refused::NotDisputed
        | Refused::NoPromise
        | Refused::ExtendedBefore { .. }
        | Refused::DeadlineOfAnother { .. } => Code::FailedPrecondition,
    }
}

/// As with incidents.
fn matter_code(refused: &matter::Refused) -> Code {
    use matter::Refused;
    match refused {
        Refused::NotAhead { .. } | Refused::NoTitle | Refused::NoTask { .. } => Code::InvalidArgument,
        Refused::WrongPart { .. } | Refused::NotIndependent { .. } | Refused::NotYourTask { .. } => {
            Code::PermissionDenied
        }
        Refused::SaidBefore | Refused::RatedBefore | Refused::GatheredBefore => Code::AlreadyExists,
        Refused::WrongStage { .. }
        | Refused::NoMeeting
        | Refused::MeetingAhead { .. }
        | Refused::TasksOpen
        | Refused::StillRating { .. }
        | Refused::RatingOver
        | Refused::NotSatisfied { .. } => Code::FailedPrecondition,
    }
}

/// Wrong in the message: the request. Not agreed: the permission. Not now: come again.
fn alarm_code(refused: &NotTaken) -> Code {
    match refused {
        NotTaken::TooLarge { .. }
        | NotTaken::Encoding(_)
        | NotTaken::Malformed(_)
        | NotTaken::Field { .. }
        | NotTaken::AboutPersons { .. }
        | NotTaken::UnknownKind { .. }
        | NotTaken::Ahead { .. }
        | NotTaken::Behind { .. }
        | NotTaken::Elsewhere { .. }
        | NotTaken::VideoHost => Code::InvalidArgument,
        NotTaken::NoPartner
        | NotTaken::NotAgreed { .. }
        | NotTaken::NotRestricted { .. }
        | NotTaken::OutsideAreas { .. } => Code::PermissionDenied,
        NotTaken::UnknownDevice { .. } | NotTaken::Retired { .. } => Code::FailedPrecondition,
        // The text of RESOURCE_EXHAUSTED speaks of our storage.
        NotTaken::TooFast { .. } => Code::Unavailable,
        NotTaken::OurFault => Code::Internal,
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
