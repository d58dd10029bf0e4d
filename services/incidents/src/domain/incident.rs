//! An incident as the rules see it, folded from its timeline.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::actor::{Subject, Unit};
use super::category::CategoryCode;
use super::command::Report;
use super::dispute::{Dispute, Handing};
use super::event::{Event, EventKind, Recorded};
use super::status::{Action, Channel, Satisfaction, Status, Urgency};

/// The id of an incident: a `UUIDv7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Uuid);

impl std::fmt::Display for IncidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What the rules need to know. Place, description and names are the store's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    pub status: Status,
    pub channel: Channel,
    /// Who may confirm, answer, reopen and withdraw as the reporter; `None`: only a clerk can.
    pub reporter: Option<Subject>,
    pub category: Option<CategoryCode>,
    pub urgency: Option<Urgency>,
    pub endangers_building: bool,
    /// How many people need help in the endangered building, once residents has answered; `None` too where the register
    /// does not know the building.
    pub need_help: Option<u32>,
    /// The unit it was given to last; `None` again after a return.
    pub unit: Option<Unit>,
    /// How it came to that unit.
    pub handing: Handing,
    /// Everybody who handled it, ever. None of them may confirm, reopen or withdraw.
    pub worked_by: BTreeSet<Subject>,
    /// Who proposed the solution that stands, or stood last.
    pub proposed_by: Option<Subject>,
    pub satisfaction: Option<Satisfaction>,
    /// The incident that leads the problem it belongs to. Always set while the status is `Duplicate`; it stays once a solution
    /// of the problem was proposed to its reporter, once the reporter has confirmed that, and where it led the problem before
    /// it was withdrawn.
    pub duplicate_of: Option<IncidentId>,
    /// Set exactly while the status is `Unsolvable`.
    pub next_look_on: Option<NaiveDate>,
    pub reported_at: DateTime<Utc>,
    /// Set exactly while the status is `Closed`.
    pub closed_at: Option<DateTime<Utc>>,
    /// How many events the timeline has; the first event makes version 1.
    pub version: u32,
}

/// A timeline that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplayError {
    #[error("the timeline is empty or does not begin with `reported`; restore the missing rows")]
    NotReportedFirst,
}

impl Incident {
    /// An incident just reported.
    pub(super) fn reported(id: IncidentId, at: DateTime<Utc>, report: Report) -> Self {
        let Report { channel, reporter, category } = report;
        Self {
            id,
            status: Status::Reported,
            channel,
            reporter,
            category,
            urgency: None,
            endangers_building: false,
            need_help: None,
            unit: None,
            handing: Handing::default(),
            worked_by: BTreeSet::new(),
            proposed_by: None,
            satisfaction: None,
            duplicate_of: None,
            next_look_on: None,
            reported_at: at,
            closed_at: None,
            version: 1,
        }
    }

    /// The incident after one more event.
    #[must_use]
    pub fn apply(mut self, recorded: &Recorded) -> Self {
        let Recorded { at, actor, event } = recorded;
        self.version += 1;
        if actor.kind.handles() {
            self.worked_by.insert(actor.id.clone());
        }
        match event {
            // `replay` takes the first one; a second cannot say anything new.
            // The promise has a row of its own.
            Event::Reported { .. }
            | Event::NoteAdded { .. }
            | Event::Gathered { .. }
            | Event::MatterMoved { .. }
            | Event::Promised { .. }
            | Event::PromiseExtended { .. }
            | Event::PromiseMoved { .. }
            | Event::PauseEnded
            | Event::PromiseWarned { .. }
            | Event::PromiseEscalated { .. } => {}
            Event::Triaged { category, urgency, endangers_building } => {
                self.category = Some(category.clone());
                self.urgency = Some(*urgency);
                self.endangers_building = *endangers_building;
                if !endangers_building {
                    self.need_help = None;
                }
                if matches!(self.status, Status::Reported | Status::Duplicate | Status::Unsolvable | Status::Referred) {
                    self.rest_at(Status::Triaged);
                    self.unit = None;
                    self.handing = Handing::default();
                }
            }
            Event::DispatchDisputed { basis } => self.handing.dispute = Dispute::Open { basis: *basis, at: *at },
            Event::DisputeDecided { outcome, decided_as: _, shared_with } => {
                self.handing.dispute = Dispute::Decided { outcome: *outcome };
                self.handing.shared_with.clone_from(shared_with);
            }
            Event::Dispatched { unit } => {
                self.unit = Some(unit.clone());
                self.handing.dispatched(actor);
                self.rest_at(Status::Dispatched);
            }
            Event::Accepted => self.rest_at(Status::Accepted),
            Event::Returned { .. } | Event::TakenUp => {
                self.unit = None;
                self.handing = Handing::default();
                self.rest_at(Status::Triaged);
            }
            Event::WorkStarted | Event::Answered => self.rest_at(Status::InProgress),
            Event::ReporterAsked => self.rest_at(Status::WaitingReporter),
            Event::SolutionProposed => {
                self.proposed_by = Some(actor.id.clone());
                self.rest_at(Status::SolutionProposed);
            }
            Event::Closed { satisfaction, .. } => {
                self.rest_joined(Status::Closed);
                self.satisfaction = Some(*satisfaction);
                self.closed_at = Some(*at);
            }
            Event::Reopened => self.reopen(),
            Event::Withdrawn => self.rest_at(Status::Withdrawn),
            Event::JoinedDuplicate { duplicate_of, lead_state: _ } => {
                self.rest_at(Status::Duplicate);
                self.duplicate_of = Some(*duplicate_of);
            }
            Event::SplitOff => self.stand_alone(),
            Event::LeadTold { what, worked_by, .. } => self.hear(*what, worked_by, &actor.id),
            Event::LeadChanged { lead, lead_state: _ } => self.duplicate_of = Some(*lead),
            Event::LeadTaken { .. } => self.take_lead(event),
            Event::DeclaredUnsolvable { next_look_on } => {
                self.rest_at(Status::Unsolvable);
                self.next_look_on = Some(*next_look_on);
            }
            Event::ReferredElsewhere => self.rest_at(Status::Referred),
            Event::CareListDrawn { residents: _, need_help } => self.need_help = Some(*need_help),
            Event::BuildingUnknown => self.need_help = None,
            Event::Corrected { channel, category } => {
                self.channel = *channel;
                self.category = Some(category.clone());
            }
        }
        self
    }

    /// After a refused solution the same people go on; after an end, the unit has to take it again, and what never had a
    /// unit (an imported incident) waits to be dispatched.
    fn reopen(&mut self) {
        if self.duplicate_of.is_some() {
            return self.stand_alone();
        }
        let next = match (self.status, &self.unit) {
            (Status::SolutionProposed, _) => Status::InProgress,
            (_, Some(_)) => Status::Dispatched,
            (_, None) => Status::Triaged,
        };
        self.rest_at(next);
        self.satisfaction = None;
    }

    /// A report of its own again, to be looked at by a dispatcher: why what solves the problem for others does not solve it here
    /// is not the same work once more.
    fn stand_alone(&mut self) {
        let known = self.category.is_some() && self.urgency.is_some();
        self.rest_at(if known { Status::Triaged } else { Status::Reported });
        self.unit = None;
        self.handing = Handing::default();
        self.satisfaction = None;
    }

    /// What happened to the lead: its reporter may judge a solution that stands, and waits on when it was refused.
    fn hear(&mut self, what: EventKind, worked_by: &BTreeSet<Subject>, by: &Subject) {
        self.worked_by.extend(worked_by.iter().cloned());
        match (what, self.status) {
            (EventKind::SolutionProposed, Status::Duplicate) => {
                self.proposed_by = Some(by.clone());
                self.rest_joined(Status::SolutionProposed);
            }
            (EventKind::Reopened, Status::SolutionProposed) => self.rest_joined(Status::Duplicate),
            _ => {}
        }
    }

    fn take_lead(&mut self, taken: &Event) {
        let Event::LeadTaken {
            former: _,
            state,
            category,
            urgency,
            endangers_building,
            need_help,
            unit,
            worked_by,
            proposed_by,
            next_look_on,
        } = taken.clone()
        else {
            return;
        };
        self.rest_at(state);
        self.category = category;
        self.urgency = urgency;
        self.endangers_building = endangers_building;
        self.need_help = need_help;
        self.unit = unit;
        self.handing = Handing::default();
        self.worked_by.extend(worked_by);
        self.proposed_by = proposed_by;
        self.next_look_on = next_look_on;
    }

    /// Goes to a state and still belongs to its problem, if it belongs to one.
    fn rest_joined(&mut self, status: Status) {
        let lead = self.duplicate_of;
        self.rest_at(status);
        self.duplicate_of = lead;
    }

    /// Goes to a state and drops what only holds in another.
    fn rest_at(&mut self, status: Status) {
        if !status.allows(Action::DecideDispute) {
            self.handing.settle();
        }
        self.status = status;
        self.duplicate_of = None;
        self.next_look_on = None;
        self.closed_at = None;
    }
}

/// The incident that a timeline tells of.
pub fn replay<'a>(id: IncidentId, timeline: impl IntoIterator<Item = &'a Recorded>) -> Result<Incident, ReplayError> {
    let mut entries = timeline.into_iter();
    match entries.next() {
        Some(Recorded { at, actor: _, event: Event::Reported { channel, reporter, category } }) => {
            let report = Report { channel: *channel, reporter: reporter.clone(), category: category.clone() };
            Ok(entries.fold(Incident::reported(id, *at, report), Incident::apply))
        }
        _ => Err(ReplayError::NotReportedFirst),
    }
}
