//! Why a command was not carried out, and what to do instead.

use chrono::{DateTime, NaiveDate, Utc};
use thiserror::Error;

use super::actor::{ActorKind, Unit};
use super::incident::IncidentId;
use super::status::{Action, Status};

/// A refused command. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("`{action}` is not possible while the incident is {status}; {}; possible now: {}", .status.next_step(), codes(.status.actions()))]
    WrongState { status: Status, action: Action },
    #[error("a {kind} may not do `{action}`; let one of these do it: {}", kinds(.action.actors()))]
    WrongActor { kind: ActorKind, action: Action },
    #[error(
        "only the person who reported it may do `{action}` as the reporter; let that person or a call-back clerk do it"
    )]
    NotTheReporter { action: Action },
    #[error(
        "whoever worked on the incident may not do `{action}`; let somebody else do it who had no part in the work"
    )]
    NotIndependent { action: Action },
    #[error("the incident is already with unit `{unit}`; name another unit, or wait until it accepts or returns it")]
    AlreadyWithUnit { unit: Unit },
    #[error("it was closed more than {days} days ago; report it anew and mention the old number")]
    ReopenTooLate { days: u32 },
    #[error("an incident cannot repeat itself; name the other incident in `duplicate_of`")]
    DuplicateOfItself,
    #[error("{parent} is itself joined to this incident; act on this one, or take {parent} apart first by triaging it")]
    DuplicateLoop { parent: IncidentId },
    #[error("{parent} is itself a duplicate; join to {root} instead")]
    DuplicateOfDuplicate { parent: IncidentId, root: IncidentId },
    #[error("{parent} was withdrawn and will not be answered; join to another incident, or go on with this one")]
    DuplicateOfWithdrawn { parent: IncidentId },
    #[error("it is joined to no other incident, so there is nothing to split it off from")]
    NotJoined,
    #[error("`next_look_on` is {next_look_on}, which is not after today ({today}); give a later day")]
    NextLookNotAfterToday { next_look_on: NaiveDate, today: NaiveDate },
    #[error("the unit disputes the dispatch; let a reviewer decide that first")]
    DisputeOpen,
    #[error("this dispatch was disputed and decided before; do what was decided")]
    DisputedBefore,
    #[error("it was decided that the incident stays with the unit; work on it, or declare it unsolvable")]
    DecidedToStay,
    #[error("nobody disputes the dispatch, so there is nothing to decide")]
    NotDisputed,
    #[error("whoever dispatched the incident may not decide its dispute; let another reviewer do it")]
    OwnDispatch,
    #[error("a member of the unit that disputes may not decide it; let a reviewer from outside do it")]
    OfTheUnit,
    #[error("`shared_with` names no other unit than the main handler; name the units that help")]
    NotShared,
    #[error("no time runs that could be made longer: nothing was promised, or it was met or has ended")]
    NoPromise,
    #[error("it was given more time before, at {at}, and that is done once; solve it, or declare it unsolvable")]
    ExtendedBefore { at: DateTime<Utc> },
    #[error("the deadline {deadline} was set by who passed it on; ask them for more time")]
    DeadlineOfAnother { deadline: DateTime<Utc> },
    #[error("`expected_at` gives no more time: it is expected at {expected_at} now; give a later time")]
    ExpectedNotLater { expected_at: DateTime<Utc> },
}

impl Refused {
    /// The reason for programs: stable, in capitals.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::WrongState { .. } => "WRONG_STATE",
            Self::WrongActor { .. } => "WRONG_ACTOR",
            Self::NotTheReporter { .. } => "NOT_THE_REPORTER",
            Self::NotIndependent { .. } => "NOT_INDEPENDENT",
            Self::AlreadyWithUnit { .. } => "ALREADY_WITH_UNIT",
            Self::ReopenTooLate { .. } => "REOPEN_TOO_LATE",
            Self::DuplicateOfItself => "DUPLICATE_OF_ITSELF",
            Self::DuplicateLoop { .. } => "DUPLICATE_LOOP",
            Self::DuplicateOfDuplicate { .. } => "DUPLICATE_OF_DUPLICATE",
            Self::DuplicateOfWithdrawn { .. } => "DUPLICATE_OF_WITHDRAWN",
            Self::NotJoined => "NOT_JOINED",
            Self::DisputeOpen => "DISPUTE_OPEN",
            Self::DisputedBefore => "DISPUTED_BEFORE",
            Self::DecidedToStay => "DECIDED_TO_STAY",
            Self::NotDisputed => "NOT_DISPUTED",
            Self::OwnDispatch => "OWN_DISPATCH",
            Self::OfTheUnit => "OF_THE_UNIT",
            Self::NotShared => "NOT_SHARED",
            Self::NextLookNotAfterToday { .. } => "NEXT_LOOK_NOT_AFTER_TODAY",
            Self::NoPromise => "NO_PROMISE",
            Self::ExtendedBefore { .. } => "EXTENDED_BEFORE",
            Self::DeadlineOfAnother { .. } => "DEADLINE_OF_ANOTHER",
            Self::ExpectedNotLater { .. } => "EXPECTED_NOT_LATER",
        }
    }

    /// What could be done in the incident's state, where the state was the trouble.
    pub const fn allowed(&self) -> &'static [Action] {
        match self {
            Self::WrongState { status, .. } => status.actions(),
            _ => &[],
        }
    }
}

fn codes(actions: &[Action]) -> String {
    actions.iter().map(|action| action.code()).collect::<Vec<_>>().join(", ")
}

fn kinds(kinds: &[ActorKind]) -> String {
    kinds.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(", ")
}
