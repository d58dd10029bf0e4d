//! An incident as the rules see it, folded from its timeline.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::actor::{Subject, Unit};
use super::category::CategoryCode;
use super::command::Report;
use super::event::{Event, Recorded};
use super::status::{Channel, Satisfaction, Status, Urgency};

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
    /// Everybody who handled it, ever. None of them may confirm, reopen or withdraw.
    pub worked_by: BTreeSet<Subject>,
    /// Who proposed the solution that stands, or stood last.
    pub proposed_by: Option<Subject>,
    pub satisfaction: Option<Satisfaction>,
    /// Set exactly while the status is `Duplicate`.
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
            | Event::Promised { .. }
            | Event::PromiseExtended { .. }
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
                }
            }
            Event::Dispatched { unit } => {
                self.unit = Some(unit.clone());
                self.rest_at(Status::Dispatched);
            }
            Event::Accepted => self.rest_at(Status::Accepted),
            Event::Returned { .. } => {
                self.unit = None;
                self.rest_at(Status::Triaged);
            }
            Event::WorkStarted | Event::Answered => self.rest_at(Status::InProgress),
            Event::ReporterAsked => self.rest_at(Status::WaitingReporter),
            Event::SolutionProposed => {
                self.proposed_by = Some(actor.id.clone());
                self.rest_at(Status::SolutionProposed);
            }
            Event::Closed { satisfaction, .. } => {
                self.rest_at(Status::Closed);
                self.satisfaction = Some(*satisfaction);
                self.closed_at = Some(*at);
            }
            Event::Reopened => self.reopen(),
            Event::Withdrawn => self.rest_at(Status::Withdrawn),
            Event::JoinedDuplicate { duplicate_of } => {
                self.rest_at(Status::Duplicate);
                self.duplicate_of = Some(*duplicate_of);
            }
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
        let next = match (self.status, &self.unit) {
            (Status::SolutionProposed, _) => Status::InProgress,
            (_, Some(_)) => Status::Dispatched,
            (_, None) => Status::Triaged,
        };
        self.rest_at(next);
        self.satisfaction = None;
    }

    /// Goes to a state and drops what only holds in another.
    fn rest_at(&mut self, status: Status) {
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
