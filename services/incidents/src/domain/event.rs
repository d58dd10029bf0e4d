//! What happened to an incident. Ids, codes, dates and counts only: an event goes where no name may go.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::actor::{Actor, Subject, Unit};
use super::category::CategoryCode;
use super::codes::coded_enum;
use super::incident::IncidentId;
use super::promise::{Clock, Duty};
use super::status::{Channel, Satisfaction, Urgency, Visibility};

coded_enum! {
    /// On whose word an incident was closed.
    ClosureBasis, "basis of closing" {
        /// The reporter said that it is solved.
        Reporter = "reporter",
        /// A clerk who did not work on it called the reporter back, or looked where there is nobody to call.
        CallBack = "call_back",
        /// Another system's export says closed; whether anybody confirmed it is not known.
        Imported = "imported",
    }
}

/// One thing that happened. The JSON form (`{"kind": "dispatched", "unit": "sanitation"}`) is what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    Reported {
        channel: Channel,
        reporter: Option<Subject>,
        category: Option<CategoryCode>,
    },
    Triaged {
        category: CategoryCode,
        urgency: Urgency,
        endangers_building: bool,
    },
    Dispatched {
        unit: Unit,
    },
    Accepted,
    Returned {
        unit: Option<Unit>,
    },
    WorkStarted,
    NoteAdded {
        visibility: Visibility,
    },
    ReporterAsked,
    Answered,
    SolutionProposed,
    Closed {
        basis: ClosureBasis,
        satisfaction: Satisfaction,
    },
    Reopened,
    Withdrawn,
    JoinedDuplicate {
        duplicate_of: IncidentId,
    },
    DeclaredUnsolvable {
        next_look_on: NaiveDate,
    },
    ReferredElsewhere,
    /// Residents' answer: how many are registered in the endangered building, and how many of them need help.
    CareListDrawn {
        residents: u32,
        need_help: u32,
    },
    /// Residents' other answer: the endangered building is not in the register. How many people need help is not known;
    /// triage asks again, also with the same name.
    BuildingUnknown,
    /// The other system's export now says something else about an imported incident.
    Corrected {
        channel: Channel,
        category: CategoryCode,
    },
    /// By when the reporter hears from the unit, and by when it is to be solved; said anew where it becomes sooner.
    Promised {
        contact_by: Option<DateTime<Utc>>,
        expected_at: Option<DateTime<Utc>>,
        /// The holidays of a year in between were not known.
        is_assumed: bool,
    },
    PromiseExtended {
        expected_at: DateTime<Utc>,
        is_assumed: bool,
    },
    /// So many percent of the time have gone.
    PromiseWarned {
        clock: Clock,
        percent: u16,
        due_at: DateTime<Utc>,
    },
    /// The time is over by so much that somebody else has to act.
    PromiseEscalated {
        clock: Clock,
        percent: u16,
        due_at: DateTime<Utc>,
        lies_with: Duty,
    },
}

coded_enum! {
    /// The timeline's word for an event.
    EventKind, "kind of event" {
        Reported = "reported",
        Triaged = "triaged",
        Dispatched = "dispatched",
        Accepted = "accepted",
        Returned = "returned",
        WorkStarted = "work_started",
        NoteAdded = "note_added",
        ReporterAsked = "reporter_asked",
        Answered = "answered",
        SolutionProposed = "solution_proposed",
        Closed = "closed",
        Reopened = "reopened",
        Withdrawn = "withdrawn",
        JoinedDuplicate = "joined_duplicate",
        DeclaredUnsolvable = "declared_unsolvable",
        ReferredElsewhere = "referred_elsewhere",
        CareListDrawn = "care_list_drawn",
        BuildingUnknown = "building_unknown",
        Corrected = "corrected",
        Promised = "promised",
        PromiseExtended = "promise_extended",
        PromiseWarned = "promise_warned",
        PromiseEscalated = "promise_escalated",
    }
}

impl Event {
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Reported { .. } => EventKind::Reported,
            Self::Triaged { .. } => EventKind::Triaged,
            Self::Dispatched { .. } => EventKind::Dispatched,
            Self::Accepted => EventKind::Accepted,
            Self::Returned { .. } => EventKind::Returned,
            Self::WorkStarted => EventKind::WorkStarted,
            Self::NoteAdded { .. } => EventKind::NoteAdded,
            Self::ReporterAsked => EventKind::ReporterAsked,
            Self::Answered => EventKind::Answered,
            Self::SolutionProposed => EventKind::SolutionProposed,
            Self::Closed { .. } => EventKind::Closed,
            Self::Reopened => EventKind::Reopened,
            Self::Withdrawn => EventKind::Withdrawn,
            Self::JoinedDuplicate { .. } => EventKind::JoinedDuplicate,
            Self::DeclaredUnsolvable { .. } => EventKind::DeclaredUnsolvable,
            Self::ReferredElsewhere => EventKind::ReferredElsewhere,
            Self::CareListDrawn { .. } => EventKind::CareListDrawn,
            Self::BuildingUnknown => EventKind::BuildingUnknown,
            Self::Corrected { .. } => EventKind::Corrected,
            Self::Promised { .. } => EventKind::Promised,
            Self::PromiseExtended { .. } => EventKind::PromiseExtended,
            Self::PromiseWarned { .. } => EventKind::PromiseWarned,
            Self::PromiseEscalated { .. } => EventKind::PromiseEscalated,
        }
    }

    /// Whether the reporter reads this entry of the timeline, text and all.
    pub const fn visibility(&self) -> Visibility {
        match self {
            Self::NoteAdded { visibility } => *visibility,
            // A unit's reason for not taking it is the office's own dispute; so is who needs help in a building.
            // Who is late, and who then has to act, is the office's too; the reporter sees the time itself.
            Self::Returned { .. }
            | Self::CareListDrawn { .. }
            | Self::BuildingUnknown
            | Self::Corrected { .. }
            | Self::PromiseWarned { .. }
            | Self::PromiseEscalated { .. } => Visibility::Internal,
            Self::Reported { .. }
            | Self::Triaged { .. }
            | Self::Dispatched { .. }
            | Self::Accepted
            | Self::WorkStarted
            | Self::ReporterAsked
            | Self::Answered
            | Self::SolutionProposed
            | Self::Closed { .. }
            | Self::Reopened
            | Self::Withdrawn
            | Self::JoinedDuplicate { .. }
            | Self::DeclaredUnsolvable { .. }
            | Self::ReferredElsewhere
            | Self::Promised { .. }
            | Self::PromiseExtended { .. } => Visibility::Public,
        }
    }
}

/// An event with its time and who caused it: one entry of the timeline, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub event: Event,
}

impl Recorded {
    /// Whether this is the office speaking to the reporter about the matter: a public note, a question, a proposed
    /// solution, or the statement that it cannot be solved. "Dispatched" is no answer.
    pub const fn answers_reporter(&self) -> bool {
        matches!(
            self.event,
            Event::NoteAdded { visibility: Visibility::Public }
                | Event::ReporterAsked
                | Event::SolutionProposed
                | Event::DeclaredUnsolvable { .. }
        )
    }
}
