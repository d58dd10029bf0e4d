//! The rules as a table, as random sequences, and as figures.

mod figures;
mod problems;
mod rules;
mod sequences;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;

const REPORTER: &str = "u-reporter";

fn id(number: u128) -> IncidentId {
    IncidentId(Uuid::from_u128(number))
}

/// Minutes after a fixed morning, 2026-03-02 09:00 in China.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_413_200, 0).expect("a real time") + TimeDelta::minutes(minutes)
}

/// A person who has one part only.
fn actor(kind: ActorKind) -> Actor {
    Actor::new(format!("u-{kind}"), kind)
}

fn reported() -> Decision {
    let reporter = Some(Subject(REPORTER.to_owned()));
    report(id(1), Report { channel: Channel::App, reporter, category: None }, actor(ActorKind::Reporter), at(0))
}

/// A command of each action that breaks no rule by itself.
fn command(action: Action) -> Command {
    match action {
        Action::Triage => Command::Triage {
            category: "roads.surface".parse().expect("in the tree"),
            urgency: Urgency::Urgent,
            endangers_building: true,
        },
        Action::Dispatch => Command::Dispatch { unit: Unit("roads".to_owned()) },
        Action::Accept => Command::Accept,
        Action::Return => Command::Return,
        Action::StartWork => Command::StartWork,
        Action::AddNote => Command::AddNote { visibility: Visibility::Public },
        Action::AskReporter => Command::AskReporter,
        Action::Answer => Command::Answer,
        Action::ProposeSolution => Command::ProposeSolution,
        Action::ConfirmSolution => Command::ConfirmSolution { satisfaction: Satisfaction::Satisfied },
        Action::Reopen => Command::Reopen,
        Action::Withdraw => Command::Withdraw,
        Action::JoinDuplicate => {
            Command::JoinDuplicate { parent: Parent { id: id(2), status: Status::Triaged, duplicate_of: None } }
        }
        Action::SplitOff => Command::SplitOff,
        Action::DeclareUnsolvable => Command::DeclareUnsolvable { next_look_on: at(60 * 24 * 30).date_naive() },
        Action::RecordCareList => Command::RecordCareList { residents: 40, need_help: 7 },
        Action::DisputeDispatch => Command::DisputeDispatch { basis: dispute::Basis::DutyList },
        Action::DecideDispute => {
            Command::DecideDispute { ruling: dispute::Ruling::Stays, decided_as: promise::Duty::SubdistrictManager }
        }
        Action::TakeUp => Command::TakeUp,
        Action::Gather => Command::Gather { matter: matter::MatterId(Uuid::from_u128(7)) },
        Action::RecordMatter => {
            let step = matter::StepKind::MeetingCalled;
            Command::RecordMatter { matter: matter::MatterId(Uuid::from_u128(7)), step }
        }
        Action::ExtendPromise => Command::ExtendPromise { expected_at: at(60 * 24), is_assumed: false },
        Action::RecordPromise => Command::RecordPromise {
            reached: promise::Reached {
                clock: promise::Clock::Resolution,
                percent: 100,
                due_at: at(60),
                lies_with: Some(promise::Duty::Dispatcher),
            },
        },
    }
}

/// An incident and its timeline after these actions, each by the first kind of actor who may do it, a minute apart.
fn course(actions: &[Action]) -> (Incident, Vec<Recorded>) {
    let Decision { next, events } = reported();
    let mut state = (next, events);
    for (minutes, action) in (1..).zip(actions) {
        let kind = action.actors().first().copied().expect("somebody may do it");
        state = step(state, command(*action), actor(kind), at(minutes)).expect("a course that the rules allow");
    }
    state
}

fn step(
    (incident, mut timeline): (Incident, Vec<Recorded>),
    command: Command,
    actor: Actor,
    now: DateTime<Utc>,
) -> Result<(Incident, Vec<Recorded>), Refused> {
    let Decision { next, events } = decide(&incident, command, actor, now, Policy::default())?;
    timeline.extend(events);
    Ok((next, timeline))
}

/// The shortest way to each state.
fn way_to(status: Status) -> Vec<Action> {
    use Action::{Accept, ConfirmSolution, Dispatch, ProposeSolution, StartWork, Triage};
    let main = [Triage, Dispatch, Accept, StartWork, ProposeSolution, ConfirmSolution];
    let first = |count: usize| main[..count].to_vec();
    let then = |count: usize, last: Action| [&main[..count], &[last]].concat();
    match status {
        // Only an import makes the last.
        Status::Reported | Status::Referred => first(0),
        Status::Triaged => first(1),
        Status::Dispatched => first(2),
        Status::Accepted => first(3),
        Status::InProgress => first(4),
        Status::WaitingReporter => then(4, Action::AskReporter),
        Status::SolutionProposed => first(5),
        Status::Closed => first(6),
        Status::Withdrawn => then(0, Action::Withdraw),
        Status::Duplicate => then(0, Action::JoinDuplicate),
        Status::Unsolvable => then(1, Action::DeclareUnsolvable),
    }
}

fn in_status(status: Status) -> Incident {
    if status == Status::Referred {
        return imported(ImportedOutcome::Referred(at(5))).next;
    }
    course(&way_to(status)).0
}

fn imported(outcome: ImportedOutcome) -> Decision {
    import(id(9), export("roads.street_light", outcome), importer())
}

fn importer() -> Actor {
    actor(ActorKind::System)
}

fn export(category: &str, outcome: ImportedOutcome) -> Imported {
    let category = category.parse().expect("in the tree");
    Imported { channel: Channel::Phone, category, reported_at: at(0), outcome }
}
