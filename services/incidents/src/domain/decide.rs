//! The rules: what a command does to an incident, or why it is refused.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

use super::actor::{Actor, ActorKind, Unit};
use super::command::{Command, Imported, ImportedOutcome, Parent, Report};
use super::dispute::{self, Dispute, Outcome};
use super::event::{ClosureBasis, Event, Recorded};
use super::incident::{Incident, IncidentId};
use super::promise::Reached;
use super::refused::Refused;
use super::status::{Action, Satisfaction, Status};

/// What an office may set differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many days after closing it can still be reopened. No statute names a number.
    pub reopen_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { reopen_days: 30 }
    }
}

/// What follows from a command: at least one event, and the incident after the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub next: Incident,
    pub events: Vec<Recorded>,
}

/// A new incident. Everybody may report; a contract says through which door.
pub fn report(id: IncidentId, report: Report, actor: Actor, now: DateTime<Utc>) -> Decision {
    let next = Incident::reported(id, now, report.clone());
    let Report { channel, reporter, category } = report;
    Decision { next, events: vec![Recorded { at: now, actor, event: Event::Reported { channel, reporter, category } }] }
}

/// An incident out of another system's export, with that system's times. The export proves no confirmation, so what was
/// closed there carries the basis [`ClosureBasis::Imported`] and counts in no rate.
pub fn import(id: IncidentId, imported: Imported, actor: Actor) -> Decision {
    let Imported { channel, category, reported_at, outcome } = imported;
    let as_report = Report { channel, reporter: None, category: Some(category) };
    let begun = report(id, as_report, actor.clone(), reported_at);
    let Some((at, event)) = ending(outcome) else { return begun };
    let ended = Recorded { at, actor, event };
    let Decision { next, mut events } = begun;
    let next = next.apply(&ended);
    events.push(ended);
    Decision { next, events }
}

/// What a later export says of an imported incident on which nobody has acted here since; `seen_at` is the export's own
/// time of the change. The export is known to say something new. Where that is nothing the rules look at (an address), it
/// is still a correction, so that every change of an incident makes a version.
pub fn import_again(incident: &Incident, imported: Imported, seen_at: DateTime<Utc>, actor: &Actor) -> Decision {
    let Imported { channel, category, reported_at: _, outcome } = imported;
    let is_corrected = incident.channel != channel || incident.category.as_ref() != Some(&category);
    let course = match ending(outcome) {
        None if matches!(incident.status, Status::Closed | Status::Withdrawn | Status::Referred) => {
            Some((seen_at, Event::Reopened))
        }
        Some((at, event)) if !already(incident, at, &event) => Some((at, event)),
        _ => None,
    };
    let correction = (is_corrected || course.is_none()).then_some((seen_at, Event::Corrected { channel, category }));
    let mut decision = Decision { next: incident.clone(), events: Vec::new() };
    for (at, event) in correction.into_iter().chain(course) {
        let recorded = Recorded { at, actor: actor.clone(), event };
        decision.next = decision.next.apply(&recorded);
        decision.events.push(recorded);
    }
    decision
}

/// Withdrawing and referring keep no time of their own beside the timeline, so only a later closing counts as news.
fn already(incident: &Incident, at: DateTime<Utc>, event: &Event) -> bool {
    match incident.status {
        Status::Closed => matches!(event, Event::Closed { .. }) && incident.closed_at == Some(at),
        Status::Withdrawn => matches!(event, Event::Withdrawn),
        Status::Referred => matches!(event, Event::ReferredElsewhere),
        _ => false,
    }
}

fn ending(outcome: ImportedOutcome) -> Option<(DateTime<Utc>, Event)> {
    match outcome {
        ImportedOutcome::Open => None,
        ImportedOutcome::Closed(at) => {
            Some((at, Event::Closed { basis: ClosureBasis::Imported, satisfaction: Satisfaction::NotAsked }))
        }
        ImportedOutcome::Withdrawn(at) => Some((at, Event::Withdrawn)),
        ImportedOutcome::Referred(at) => Some((at, Event::ReferredElsewhere)),
    }
}

/// What `command` does to `incident`. State first, then the actor, then the rule: the first answer is the one that
/// helps most.
pub fn decide(
    incident: &Incident,
    command: Command,
    actor: Actor,
    now: DateTime<Utc>,
    policy: Policy,
) -> Result<Decision, Refused> {
    let action = command.action();
    if !incident.status.allows(action) {
        return Err(Refused::WrongState { status: incident.status, action });
    }
    check_actor(incident, action, &actor)?;
    let event = match command {
        Command::DecideDispute { ruling, decided_as } => {
            let events = dispute::rule(incident, ruling, decided_as, &actor, now)?;
            let next = events.iter().fold(incident.clone(), Incident::apply);
            return Ok(Decision { next, events });
        }
        Command::DisputeDispatch { basis } => dispute::dispute(incident, basis)?,
        Command::TakeUp => Event::TakenUp,
        Command::Gather { matter } => Event::Gathered { matter },
        Command::RecordMatter { matter, step } => Event::MatterMoved { matter, step },
        Command::Triage { category, urgency, endangers_building } => {
            Event::Triaged { category, urgency, endangers_building }
        }
        Command::Dispatch { unit } => dispatch(incident, unit)?,
        Command::Accept => Event::Accepted,
        Command::Return => hand_back(incident)?,
        Command::StartWork => Event::WorkStarted,
        Command::AddNote { visibility } => Event::NoteAdded { visibility },
        Command::AskReporter => Event::ReporterAsked,
        Command::Answer => Event::Answered,
        Command::ProposeSolution => Event::SolutionProposed,
        Command::ConfirmSolution { satisfaction } => confirm(&actor, satisfaction),
        Command::Reopen => reopen(incident, now, policy)?,
        Command::Withdraw => Event::Withdrawn,
        Command::JoinDuplicate { parent } => join(incident.id, parent)?,
        Command::SplitOff => split_off(incident)?,
        Command::DeclareUnsolvable { next_look_on } => declare_unsolvable(next_look_on, now)?,
        Command::RecordCareList { residents, need_help } => Event::CareListDrawn { residents, need_help },
        Command::RecordBuildingUnknown => Event::BuildingUnknown,
        Command::ExtendPromise { expected_at, is_assumed } => Event::PromiseExtended { expected_at, is_assumed },
        Command::RecordPromise { reached } => told(reached),
        Command::RecordPauseEnd => Event::PauseEnded,
    };
    let recorded = Recorded { at: now, actor, event };
    Ok(Decision { next: incident.clone().apply(&recorded), events: vec![recorded] })
}

/// A step of a clock, as the timeline has it.
const fn told(reached: Reached) -> Event {
    let Reached { clock, percent, due_at, lies_with } = reached;
    match lies_with {
        None => Event::PromiseWarned { clock, percent, due_at },
        Some(lies_with) => Event::PromiseEscalated { clock, percent, due_at, lies_with },
    }
}

fn check_actor(incident: &Incident, action: Action, actor: &Actor) -> Result<(), Refused> {
    if !action.actors().contains(&actor.kind) {
        return Err(Refused::WrongActor { kind: actor.kind, action });
    }
    if actor.kind == ActorKind::Reporter && incident.reporter.as_ref() != Some(&actor.id) {
        return Err(Refused::NotTheReporter { action });
    }
    // Each of these judges the work or ends it. A worker may report what it then repairs itself, and a handler may sit at
    // the telephone too; so it is the person who counts, not the part.
    let judges = matches!(action, Action::ConfirmSolution | Action::Reopen | Action::Withdraw | Action::ExtendPromise);
    if judges && incident.worked_by.contains(&actor.id) {
        return Err(Refused::NotIndependent { action });
    }
    Ok(())
}

/// A unit may hand back what nobody has decided to be its business.
fn hand_back(incident: &Incident) -> Result<Event, Refused> {
    match incident.handing.dispute {
        Dispute::None | Dispute::Decided { outcome: Outcome::Moves | Outcome::Elsewhere | Outcome::Moot } => {
            Ok(Event::Returned { unit: incident.unit.clone() })
        }
        Dispute::Open { .. } => Err(Refused::DisputeOpen),
        Dispute::Decided { outcome: Outcome::Stays | Outcome::Shared } => Err(Refused::DecidedToStay),
    }
}

fn dispatch(incident: &Incident, unit: Unit) -> Result<Event, Refused> {
    if incident.handing.is_disputed() {
        return Err(Refused::DisputeOpen);
    }
    if incident.status == Status::Dispatched && incident.unit.as_ref() == Some(&unit) {
        return Err(Refused::AlreadyWithUnit { unit });
    }
    Ok(Event::Dispatched { unit })
}

fn confirm(actor: &Actor, satisfaction: Satisfaction) -> Event {
    let basis = if actor.kind == ActorKind::Reporter { ClosureBasis::Reporter } else { ClosureBasis::CallBack };
    Event::Closed { basis, satisfaction }
}

fn reopen(incident: &Incident, now: DateTime<Utc>, policy: Policy) -> Result<Event, Refused> {
    let days = policy.reopen_days;
    match incident.closed_at {
        Some(closed_at) if now - closed_at > TimeDelta::days(days.into()) => Err(Refused::ReopenTooLate { days }),
        _ => Ok(Event::Reopened),
    }
}

/// A parent is never itself a duplicate when something is joined to it, so no chain can come back to where it began.
fn join(id: IncidentId, parent: Parent) -> Result<Event, Refused> {
    let Parent { id: parent, status, duplicate_of } = parent;
    if parent == id {
        return Err(Refused::DuplicateOfItself);
    }
    match (status, duplicate_of) {
        (Status::Withdrawn, _) => Err(Refused::DuplicateOfWithdrawn { parent }),
        (_, Some(root)) if root == id => Err(Refused::DuplicateLoop { parent }),
        (_, Some(root)) => Err(Refused::DuplicateOfDuplicate { parent, root }),
        (status, None) => Ok(Event::JoinedDuplicate { duplicate_of: parent, lead_state: Some(status) }),
    }
}

fn split_off(incident: &Incident) -> Result<Event, Refused> {
    incident.duplicate_of.map(|_| Event::SplitOff).ok_or(Refused::NotJoined)
}

fn declare_unsolvable(next_look_on: NaiveDate, now: DateTime<Utc>) -> Result<Event, Refused> {
    let today = china_date(now);
    if next_look_on <= today {
        return Err(Refused::NextLookNotAfterToday { next_look_on, today });
    }
    Ok(Event::DeclaredUnsolvable { next_look_on })
}

/// The calendar day in China, which has one time zone and no summer time.
pub(super) fn china_date(at: DateTime<Utc>) -> NaiveDate {
    const EAST_8: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("eight hours are an offset");
    at.with_timezone(&EAST_8).date_naive()
}
