//! One problem, many reporters. The reports of one problem are joined to the incident that leads it; what happens to the lead
//! reaches every one of them at once.
//!
//! - What the office says to all (a public note, a proposed solution, that it cannot be solved, another time) is an entry of
//!   every joined report, in the office's words. What the lead's own reporter says stays between that person and the office.
//! - A proposed solution is put to every reporter. Each confirms it, or is not satisfied, for themselves: who is not has a report
//!   of their own again, and the others are not asked anew.
//! - A lead that is withdrawn passes leadership to the report that came in first of those that still wait; it goes on where the
//!   old one stood. A lead that is joined to another takes its reports along, so that no chain arises.
//!
//! All of it is decided here at once, for the app writes it in the transaction of what caused it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::actor::{Actor, ActorKind};
use super::decide::Decision;
use super::event::{Event, EventKind, Recorded};
use super::incident::Incident;
use super::status::{Status, Visibility};

/// What was done to an incident.
#[derive(Debug, Clone, Copy)]
pub struct Done<'d> {
    pub before: &'d Incident,
    pub after: &'d Incident,
    pub events: &'d [Recorded],
}

/// What follows for one incident of the problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    pub decision: Decision,
    /// For each event of the decision, what is said with it.
    pub words: Vec<Words>,
    /// It leads the problem now, and takes over what was promised and where people are in danger.
    pub leads: bool,
}

/// Whose words go with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    None,
    /// What was said with the lead's first event.
    Said,
    /// What the lead's last proposed solution said.
    Solution,
}

/// Whether something follows for others: so the joined reports must be read.
pub fn concerns_others(events: &[Recorded]) -> bool {
    events.iter().any(|recorded| {
        reaches_all(&recorded.event) || matches!(recorded.event, Event::Withdrawn | Event::JoinedDuplicate { .. })
    })
}

/// What follows from `done` for `joined`, all that were joined to the incident it was done to. `target` is the incident that
/// one was joined to, where that is what was done.
pub fn follow(done: Done<'_>, joined: &[Incident], target: Option<&Incident>, now: DateTime<Utc>) -> Vec<Follow> {
    let Done { before, after, events } = done;
    match (events.first().map(|recorded| &recorded.event), target) {
        (Some(Event::Withdrawn), _) => pass_on(before, after, joined, now),
        (Some(Event::JoinedDuplicate { .. }), Some(target)) => move_to(target, after, joined, now),
        _ => joined.iter().filter_map(|report| tell(report, after, events)).collect(),
    }
}

/// Whether a joined report still waits for what becomes of the problem.
pub fn waits(report: &Incident) -> bool {
    report.duplicate_of.is_some() && matches!(report.status, Status::Duplicate | Status::SolutionProposed)
}

/// Whether a solution of the problem stands.
const fn is_settled(lead: &Incident) -> bool {
    matches!(lead.status, Status::SolutionProposed | Status::Closed)
}

/// What of a lead's timeline is for everybody who reported the problem.
const fn reaches_all(event: &Event) -> bool {
    matches!(
        event,
        Event::NoteAdded { visibility: Visibility::Public }
            | Event::SolutionProposed
            | Event::Closed { .. }
            | Event::Reopened
            | Event::DeclaredUnsolvable { .. }
            | Event::Promised { .. }
            | Event::PromiseExtended { .. }
            | Event::PromiseMoved { .. }
    )
}

/// Whose words the entry of the lead carries to others.
const fn words_of(event: &Event) -> Words {
    match event {
        Event::NoteAdded { .. }
        | Event::SolutionProposed
        | Event::DeclaredUnsolvable { .. }
        | Event::PromiseExtended { .. } => Words::Said,
        _ => Words::None,
    }
}

fn tell(report: &Incident, lead: &Incident, events: &[Recorded]) -> Option<Follow> {
    if !waits(report) {
        return None;
    }
    let mut follow = Follow::of(report);
    for recorded in events.iter().filter(|recorded| reaches_all(&recorded.event)) {
        let expected_at = match recorded.event {
            Event::Promised { expected_at, .. } | Event::PromiseMoved { expected_at, .. } => expected_at,
            Event::PromiseExtended { expected_at, .. } => Some(expected_at),
            _ => None,
        };
        let next_look_on = match recorded.event {
            Event::DeclaredUnsolvable { next_look_on } => Some(next_look_on),
            _ => None,
        };
        let proposed = matches!(recorded.event, Event::SolutionProposed);
        let told = Event::LeadTold {
            lead: lead.id,
            what: recorded.event.kind(),
            expected_at,
            next_look_on,
            worked_by: if proposed { lead.worked_by.clone() } else { BTreeSet::new() },
        };
        follow.add(recorded.at, seen_by_others(&recorded.actor), told, words_of(&recorded.event));
    }
    (!follow.words.is_empty()).then_some(follow)
}

/// The lead was withdrawn: the problem is still there for the others.
fn pass_on(before: &Incident, after: &Incident, joined: &[Incident], now: DateTime<Utc>) -> Vec<Follow> {
    let waiting = joined.iter().filter(|report| waits(report));
    let Some(next) = waiting.min_by_key(|report| (report.reported_at, report.id)) else { return Vec::new() };
    let mut taking = Follow { leads: true, ..Follow::of(next) };
    taking.add(now, system(), taken(before), Words::None);
    let lead = taking.decision.next.clone();
    let others = joined.iter().filter(|report| report.id != next.id).chain([after]);
    let passed = others.map(|report| {
        let mut follow = Follow::of(report);
        follow.add(now, system(), Event::LeadChanged { lead: lead.id, lead_state: lead.status }, Words::None);
        follow
    });
    std::iter::once(taking).chain(passed).collect()
}

fn taken(former: &Incident) -> Event {
    Event::LeadTaken {
        former: former.id,
        // The one who leads now was asked nothing.
        state: if former.status == Status::WaitingReporter { Status::InProgress } else { former.status },
        category: former.category.clone(),
        urgency: former.urgency,
        endangers_building: former.endangers_building,
        need_help: former.need_help,
        unit: former.unit.clone(),
        worked_by: former.worked_by.clone(),
        proposed_by: former.proposed_by.clone(),
        next_look_on: former.next_look_on,
    }
}

/// The incident was joined to `target`, and everything that was joined to it goes along. Where a solution stands already, it
/// is put to those who come.
fn move_to(target: &Incident, moved: &Incident, joined: &[Incident], now: DateTime<Utc>) -> Vec<Follow> {
    let along = joined.iter().map(|report| {
        let mut follow = Follow::of(report);
        follow.add(now, system(), Event::LeadChanged { lead: target.id, lead_state: target.status }, Words::None);
        follow
    });
    std::iter::once(Follow::of(moved))
        .chain(along)
        .map(|follow| put_solution(follow, target, now))
        .filter(|follow| !follow.words.is_empty())
        .collect()
}

fn put_solution(mut follow: Follow, lead: &Incident, now: DateTime<Utc>) -> Follow {
    if is_settled(lead) && follow.decision.next.status == Status::Duplicate {
        let told = Event::LeadTold {
            lead: lead.id,
            what: EventKind::SolutionProposed,
            expected_at: None,
            next_look_on: None,
            worked_by: lead.worked_by.clone(),
        };
        let by = lead.proposed_by.clone().map(|id| Actor { id, kind: ActorKind::Handler });
        follow.add(now, by.unwrap_or_else(system), told, Words::Solution);
    }
    follow
}

impl Follow {
    fn of(report: &Incident) -> Self {
        Self { decision: Decision { next: report.clone(), events: Vec::new() }, words: Vec::new(), leads: false }
    }

    fn add(&mut self, at: DateTime<Utc>, actor: Actor, event: Event, words: Words) {
        let recorded = Recorded { at, actor, event };
        self.decision.next = self.decision.next.clone().apply(&recorded);
        self.decision.events.push(recorded);
        self.words.push(words);
    }
}

/// Reporters of one problem do not learn who the others are.
fn seen_by_others(actor: &Actor) -> Actor {
    if actor.kind == ActorKind::Reporter { system() } else { actor.clone() }
}

fn system() -> Actor {
    Actor::new("system", ActorKind::System)
}
