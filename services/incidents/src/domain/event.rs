//! What happened to an incident. Ids, codes, dates and counts only: an event goes where no name may go.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::actor::{Actor, ActorKind, Subject, Unit};
use super::category::CategoryCode;
use super::codes::coded_enum;
use super::dispute::{Basis, Outcome};
use super::incident::IncidentId;
use super::matter::{MatterId, StepKind};
use super::promise::{Clock, Duty};
use super::status::{Channel, Satisfaction, Status, Urgency, Visibility};

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
    /// The reporter is told where the other stands: a duplicate without new facts is (接诉即办, Art. 11-3).
    JoinedDuplicate {
        duplicate_of: IncidentId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lead_state: Option<Status>,
    },
    /// Taken out of a problem again; it is a report of its own.
    SplitOff,
    /// The incident it was joined to has news for everybody who reported the problem.
    LeadTold {
        lead: IncidentId,
        what: EventKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected_at: Option<DateTime<Utc>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_look_on: Option<NaiveDate>,
        /// Who handled the problem, and so may not judge it; with a proposed solution only.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        worked_by: BTreeSet<Subject>,
    },
    /// Another incident leads the problem it belongs to.
    LeadChanged {
        lead: IncidentId,
        lead_state: Status,
    },
    /// It leads the problem from now on, and goes on where the one before it stood.
    LeadTaken {
        former: IncidentId,
        state: Status,
        category: Option<CategoryCode>,
        urgency: Option<Urgency>,
        endangers_building: bool,
        need_help: Option<u32>,
        unit: Option<Unit>,
        worked_by: BTreeSet<Subject>,
        proposed_by: Option<Subject>,
        next_look_on: Option<NaiveDate>,
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
    /// The days that count have changed, and with them the times that were promised.
    PromiseMoved {
        contact_by: Option<DateTime<Utc>>,
        expected_at: Option<DateTime<Utc>>,
        is_assumed: bool,
    },
    /// The reporter has not answered for as long as the clocks may stand still: they go on.
    PauseEnded,
    /// The unit says that it is not its business. It stays responsible until somebody else has decided.
    DispatchDisputed {
        basis: Basis,
    },
    DisputeDecided {
        outcome: Outcome,
        decided_as: Duty,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        shared_with: BTreeSet<Unit>,
    },
    /// The day of the next look has come: it waits to be dispatched again.
    TakenUp,
    /// Lifted into a matter that concerns many.
    Gathered {
        matter: MatterId,
    },
    /// That matter took a step.
    MatterMoved {
        matter: MatterId,
        step: StepKind,
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
        PromiseMoved = "promise_moved",
        DispatchDisputed = "dispatch_disputed",
        DisputeDecided = "dispute_decided",
        TakenUp = "taken_up",
        Gathered = "gathered",
        MatterMoved = "matter_moved",
        PauseEnded = "pause_ended",
        SplitOff = "split_off",
        LeadTold = "lead_told",
        LeadChanged = "lead_changed",
        LeadTaken = "lead_taken",
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
            Self::PromiseMoved { .. } => EventKind::PromiseMoved,
            Self::DispatchDisputed { .. } => EventKind::DispatchDisputed,
            Self::DisputeDecided { .. } => EventKind::DisputeDecided,
            Self::TakenUp => EventKind::TakenUp,
            Self::Gathered { .. } => EventKind::Gathered,
            Self::MatterMoved { .. } => EventKind::MatterMoved,
            Self::PauseEnded => EventKind::PauseEnded,
            Self::SplitOff => EventKind::SplitOff,
            Self::LeadTold { .. } => EventKind::LeadTold,
            Self::LeadChanged { .. } => EventKind::LeadChanged,
            Self::LeadTaken { .. } => EventKind::LeadTaken,
        }
    }

    /// Whether the reporter reads this entry of the timeline, text and all.
    pub const fn visibility(&self) -> Visibility {
        match self {
            Self::NoteAdded { visibility } => *visibility,
            // A unit's reason for not taking it is the office's own dispute; so is who needs help in a building.
            // Who is late, and who then has to act, is the office's too; the reporter sees the time itself.
            Self::Returned { .. }
            | Self::DispatchDisputed { .. }
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
            | Self::DisputeDecided { .. }
            | Self::TakenUp
            | Self::Gathered { .. }
            | Self::MatterMoved { .. }
            | Self::PromiseExtended { .. }
            | Self::PromiseMoved { .. }
            | Self::PauseEnded
            | Self::SplitOff
            | Self::LeadTold { .. }
            | Self::LeadChanged { .. }
            | Self::LeadTaken { .. } => Visibility::Public,
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
    /// solution, or the statement that it cannot be solved. "Dispatched" is no answer, and what the reporter adds is none
    /// either.
    pub const fn answers_reporter(&self) -> bool {
        let by_office = !matches!(self.actor.kind, ActorKind::Reporter);
        by_office
            && matches!(
                self.event,
                Event::NoteAdded { visibility: Visibility::Public }
                    | Event::ReporterAsked
                    | Event::SolutionProposed
                    | Event::DeclaredUnsolvable { .. }
                    | Event::LeadTold {
                        what: EventKind::NoteAdded | EventKind::SolutionProposed | EventKind::DeclaredUnsolvable,
                        ..
                    }
            )
    }
}
