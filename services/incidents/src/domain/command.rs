//! What is asked of an incident. Texts (a note, a reason, a question) stay with the timeline row and are not judged here.

use chrono::{DateTime, NaiveDate, Utc};

use super::actor::{Subject, Unit};
use super::category::CategoryCode;
use super::dispute::{Basis, Ruling};
use super::incident::IncidentId;
use super::matter::{MatterId, StepKind};
use super::promise::{Duty, Reached};
use super::status::{Action, Channel, Satisfaction, Status, Urgency, Visibility};

/// A new report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub channel: Channel,
    /// Who may confirm it later; `None` where the reporter has no account or does not want to be known.
    pub reporter: Option<Subject>,
    /// Where the reporter already chose one.
    pub category: Option<CategoryCode>,
}

/// An incident as another system's export has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub channel: Channel,
    pub category: CategoryCode,
    pub reported_at: DateTime<Utc>,
    pub outcome: ImportedOutcome,
}

/// What became of an imported incident, as far as the export says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportedOutcome {
    Open,
    /// Closed there. Whether the reporter agreed is not known.
    Closed(DateTime<Utc>),
    Withdrawn(DateTime<Utc>),
    /// Passed on to somebody else there.
    Referred(DateTime<Utc>),
}

impl ImportedOutcome {
    pub const fn ended_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Open => None,
            Self::Closed(at) | Self::Withdrawn(at) | Self::Referred(at) => Some(at),
        }
    }
}

/// The incident that another one is to be joined to, as it is in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    pub id: IncidentId,
    pub status: Status,
    pub duplicate_of: Option<IncidentId>,
}

/// What is to be done to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Also takes up again what was unsolvable, referred or a duplicate, and assesses anew what is being worked on.
    Triage {
        category: CategoryCode,
        urgency: Urgency,
        endangers_building: bool,
    },
    /// Also moves it from a unit that has not accepted to another.
    Dispatch {
        unit: Unit,
    },
    Accept,
    Return,
    StartWork,
    AddNote {
        visibility: Visibility,
    },
    AskReporter,
    Answer,
    ProposeSolution,
    ConfirmSolution {
        satisfaction: Satisfaction,
    },
    /// "Not solved": refuses a proposed solution, or opens again what was closed.
    Reopen,
    Withdraw,
    JoinDuplicate {
        parent: Parent,
    },
    SplitOff,
    DeclareUnsolvable {
        next_look_on: NaiveDate,
    },
    /// The answer of residents to a building in danger.
    RecordCareList {
        residents: u32,
        need_help: u32,
    },
    /// The other answer: the register knows no such building, so nobody has counted.
    RecordBuildingUnknown,
    /// More time, with its reason; [`super::promise::Promise::extend`] has found it possible.
    ExtendPromise {
        expected_at: DateTime<Utc>,
        is_assumed: bool,
    },
    /// "Not our business", by the unit that it was dispatched to.
    DisputeDispatch {
        basis: Basis,
    },
    DecideDispute {
        ruling: Ruling,
        /// The rung of the ladder on which whoever decides stands.
        decided_as: Duty,
    },
    /// The day of the next look at what could not be solved has come.
    TakeUp,
    /// Lifts it into a matter that concerns many.
    Gather {
        matter: MatterId,
    },
    /// The matter that it was lifted into took a step that everybody may know of.
    RecordMatter {
        matter: MatterId,
        step: StepKind,
    },
    /// A clock reached a step.
    RecordPromise {
        reached: Reached,
    },
    /// A pause has lasted as long as it may.
    RecordPauseEnd,
}

impl Command {
    pub const fn action(&self) -> Action {
        match self {
            Self::Triage { .. } => Action::Triage,
            Self::Dispatch { .. } => Action::Dispatch,
            Self::Accept => Action::Accept,
            Self::Return => Action::Return,
            Self::StartWork => Action::StartWork,
            Self::AddNote { .. } => Action::AddNote,
            Self::AskReporter => Action::AskReporter,
            Self::Answer => Action::Answer,
            Self::ProposeSolution => Action::ProposeSolution,
            Self::ConfirmSolution { .. } => Action::ConfirmSolution,
            Self::Reopen => Action::Reopen,
            Self::Withdraw => Action::Withdraw,
            Self::JoinDuplicate { .. } => Action::JoinDuplicate,
            Self::SplitOff => Action::SplitOff,
            Self::DeclareUnsolvable { .. } => Action::DeclareUnsolvable,
            Self::RecordCareList { .. } | Self::RecordBuildingUnknown => Action::RecordCareList,
            Self::DisputeDispatch { .. } => Action::DisputeDispatch,
            Self::DecideDispute { .. } => Action::DecideDispute,
            Self::TakeUp => Action::TakeUp,
            Self::Gather { .. } => Action::Gather,
            Self::RecordMatter { .. } => Action::RecordMatter,
            Self::ExtendPromise { .. } => Action::ExtendPromise,
            Self::RecordPromise { .. } | Self::RecordPauseEnd => Action::RecordPromise,
        }
    }
}
