//! What may be done to a matter, by whom and when.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;
use thiserror::Error;

use super::{Conclusion, Matter, MeetingOutcome, Party, Stage, Step, StepKind, Taken};
use crate::domain::{Actor, ActorKind, IncidentId, Satisfaction, Unit, Visibility, china::midnight};

/// What an office may set differently. No law names any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatterRules {
    /// Days until a matter that was said is to have a meeting; also after a meeting that calls for another.
    pub meeting_days: u32,
    /// Days after a meeting until its decision is written down, and after the decision until tasks are set.
    pub record_days: u32,
    /// Days after the end of an evaluation until it is concluded.
    pub conclude_days: u32,
    /// How many of a hundred who rated must be satisfied or basically satisfied for the matter to be closed.
    pub satisfied_percent: u32,
}

impl Default for MatterRules {
    fn default() -> Self {
        Self { meeting_days: 30, record_days: 3, conclude_days: 7, satisfied_percent: 80 }
    }
}

impl MatterRules {
    /// The rules, if they make sense.
    pub fn checked(self) -> Result<Self, String> {
        let days = [self.meeting_days, self.record_days, self.conclude_days];
        if days.iter().any(|days| !(1..=365).contains(days)) {
            return Err("days must be 1 to 365".to_owned());
        }
        if !(1..=100).contains(&self.satisfied_percent) {
            return Err("`satisfied_percent` must be 1 to 100".to_owned());
        }
        Ok(self)
    }
}

/// What is to be done. Texts stay with the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    AddVoice {
        households: u32,
    },
    Gather {
        incident: IncidentId,
    },
    CallMeeting {
        at: DateTime<Utc>,
    },
    RecordMeeting {
        outcome: MeetingOutcome,
        present: Vec<Party>,
    },
    SetTask {
        unit: Unit,
        due_on: NaiveDate,
    },
    ReportTask {
        number: u32,
        done: bool,
    },
    StartEvaluation {
        until: DateTime<Utc>,
    },
    Rate {
        satisfaction: Satisfaction,
    },
    Conclude {
        conclusion: Conclusion,
    },
    Drop,
    AddNote {
        visibility: Visibility,
    },
    /// The time of the stage is over.
    RecordOverdue,
}

/// Why something was not done to a matter. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("`{step}` is not possible while the matter is in the stage {stage}; {}", next(*stage))]
    WrongStage { stage: Stage, step: StepKind },
    #[error("a {kind} may not do `{step}`")]
    WrongPart { kind: ActorKind, step: StepKind },
    #[error("whoever worked on the matter may not do `{step}`; let somebody else do it")]
    NotIndependent { step: StepKind },
    #[error("`{field}` is over already; give a later time")]
    NotAhead { field: &'static str },
    #[error("no meeting was called that could be recorded; call one first")]
    NoMeeting,
    #[error("the meeting is only at {at}; record it when it was held")]
    MeetingAhead { at: DateTime<Utc> },
    #[error("there is no task {number} that is not done; see `tasks`")]
    NoTask { number: u32 },
    #[error("not every task of this round is done, or none was set; have them done before those concerned are asked")]
    TasksOpen,
    #[error("those whom it concerns may rate until {until}; conclude it after that")]
    StillRating { until: DateTime<Utc> },
    #[error("rating has ended")]
    RatingOver,
    #[error("fewer than {percent} of a hundred who rated are satisfied; take it back to a meeting or to work")]
    NotSatisfied { percent: u32 },
    #[error("the matter has no public title yet; give it one in `title`")]
    NoTitle,
    #[error("a resident speaks for one household, once")]
    SaidBefore,
    #[error("you have rated this round already")]
    RatedBefore,
    #[error("the incident is in a matter already")]
    GatheredBefore,
    #[error("the task is of unit `{unit}`; let somebody of that unit report on it")]
    NotYourTask { unit: Unit },
}

impl Refused {
    /// The reason for programs: stable, in capitals.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::WrongStage { .. } => "WRONG_STAGE",
            Self::WrongPart { .. } => "WRONG_ACTOR",
            Self::NotIndependent { .. } => "NOT_INDEPENDENT",
            Self::NotAhead { .. } => "TIME_NOT_AHEAD",
            Self::NoMeeting => "NO_MEETING",
            Self::MeetingAhead { .. } => "MEETING_AHEAD",
            Self::NoTask { .. } => "NO_TASK",
            Self::TasksOpen => "TASKS_OPEN",
            Self::StillRating { .. } => "STILL_RATING",
            Self::RatingOver => "RATING_OVER",
            Self::NotSatisfied { .. } => "NOT_SATISFIED",
            Self::NoTitle => "NO_TITLE",
            Self::SaidBefore => "SAID_BEFORE",
            Self::RatedBefore => "RATED_BEFORE",
            Self::GatheredBefore => "GATHERED_BEFORE",
            Self::NotYourTask { .. } => "NOT_YOUR_UNIT",
        }
    }
}

const fn next(stage: Stage) -> &'static str {
    match stage {
        Stage::Say => "call a meeting, or drop it with a public reason",
        Stage::Deliberate => "call a meeting, or record the one that was held",
        Stage::Do => "set tasks and have them done, then start the evaluation",
        Stage::Evaluate => "let those rate whom it concerns, then conclude it",
        Stage::Closed | Stage::Dropped => "raise it anew if there is something new",
    }
}

/// Whether a step may be taken in a stage.
const fn allows(stage: Stage, step: StepKind) -> bool {
    match step {
        StepKind::Raised => false,
        StepKind::Voiced | StepKind::IncidentGathered => {
            matches!(stage, Stage::Say | Stage::Deliberate | Stage::Do | Stage::Evaluate)
        }
        StepKind::MeetingCalled => matches!(stage, Stage::Say | Stage::Deliberate),
        StepKind::MeetingRecorded => matches!(stage, Stage::Deliberate),
        StepKind::TaskSet | StepKind::TaskReported | StepKind::EvaluationStarted => matches!(stage, Stage::Do),
        StepKind::Rated | StepKind::Concluded => matches!(stage, Stage::Evaluate),
        StepKind::Dropped => matches!(stage, Stage::Say),
        StepKind::NoteAdded => true,
        StepKind::Overdue => !matches!(stage, Stage::Closed | Stage::Dropped),
    }
}

/// In which part one may take a step, whatever the door.
const fn actors(step: StepKind) -> &'static [ActorKind] {
    use ActorKind::{Clerk, Dispatcher, Handler, Reporter, Reviewer, System, Worker};
    match step {
        StepKind::Raised | StepKind::Voiced => &[Reporter, Worker, Clerk, Reviewer],
        StepKind::IncidentGathered => &[Clerk, Dispatcher, Reviewer],
        StepKind::MeetingCalled
        | StepKind::MeetingRecorded
        | StepKind::TaskSet
        | StepKind::EvaluationStarted
        | StepKind::Concluded
        | StepKind::Dropped => &[Reviewer],
        StepKind::TaskReported => &[Handler, Worker],
        StepKind::Rated => &[Reporter, Worker, Clerk],
        StepKind::NoteAdded => &[Worker, Clerk, Dispatcher, Handler, Reviewer],
        StepKind::Overdue => &[System],
    }
}

impl Command {
    pub const fn step(&self) -> StepKind {
        match self {
            Self::AddVoice { .. } => StepKind::Voiced,
            Self::Gather { .. } => StepKind::IncidentGathered,
            Self::CallMeeting { .. } => StepKind::MeetingCalled,
            Self::RecordMeeting { .. } => StepKind::MeetingRecorded,
            Self::SetTask { .. } => StepKind::TaskSet,
            Self::ReportTask { .. } => StepKind::TaskReported,
            Self::StartEvaluation { .. } => StepKind::EvaluationStarted,
            Self::Rate { .. } => StepKind::Rated,
            Self::Conclude { .. } => StepKind::Concluded,
            Self::Drop => StepKind::Dropped,
            Self::AddNote { .. } => StepKind::NoteAdded,
            Self::RecordOverdue => StepKind::Overdue,
        }
    }

    /// The parts in which it may be done.
    pub const fn actors(&self) -> &'static [ActorKind] {
        actors(self.step())
    }
}

/// A new matter.
pub fn raise(households: u32, actor: Actor, now: DateTime<Utc>, rules: MatterRules) -> (Matter, Taken) {
    let due_at = now + days(rules.meeting_days);
    let step = Step::Raised { households, due_at };
    (Matter::raised(households, due_at), Taken { at: now, actor, step })
}

/// What `command` does to `matter`. Stage first, then the actor, then the rule.
pub fn decide(
    matter: &Matter,
    command: Command,
    actor: Actor,
    now: DateTime<Utc>,
    rules: MatterRules,
) -> Result<(Matter, Taken), Refused> {
    let kind = command.step();
    if !allows(matter.stage, kind) {
        return Err(Refused::WrongStage { stage: matter.stage, step: kind });
    }
    if !actors(kind).contains(&actor.kind) {
        return Err(Refused::WrongPart { kind: actor.kind, step: kind });
    }
    if matches!(kind, StepKind::Rated | StepKind::Concluded) && matter.worked_by.contains(&actor.id) {
        return Err(Refused::NotIndependent { step: kind });
    }
    let step = match command {
        Command::AddVoice { households } => Step::Voiced { households },
        Command::Gather { incident } => Step::IncidentGathered { incident },
        Command::CallMeeting { at } => {
            ahead("at", at, now)?;
            Step::MeetingCalled { at, due_at: at + days(rules.record_days) }
        }
        Command::RecordMeeting { outcome, present } => record(matter, outcome, present, now, rules)?,
        Command::SetTask { unit, due_on } => set_task(matter, unit, due_on, now)?,
        Command::ReportTask { number, done } => report_task(matter, number, done, now, rules)?,
        Command::StartEvaluation { until } => {
            ahead("until", until, now)?;
            let mut of_round = matter.tasks.iter().filter(|task| task.round == matter.round).peekable();
            if of_round.peek().is_none() || matter.tasks.iter().any(|task| task.done_at.is_none()) {
                return Err(Refused::TasksOpen);
            }
            Step::EvaluationStarted { until, due_at: until + days(rules.conclude_days) }
        }
        Command::Rate { satisfaction } => match matter.until {
            Some(until) if now < until => Step::Rated { satisfaction },
            _ => return Err(Refused::RatingOver),
        },
        Command::Conclude { conclusion } => conclude(matter, conclusion, now, rules)?,
        Command::Drop => Step::Dropped,
        Command::AddNote { visibility } => Step::NoteAdded { visibility },
        Command::RecordOverdue => Step::Overdue { stage: matter.stage },
    };
    let taken = Taken { at: now, actor, step };
    Ok((matter.clone().apply(&taken), taken))
}

fn record(
    matter: &Matter,
    outcome: MeetingOutcome,
    present: Vec<Party>,
    now: DateTime<Utc>,
    rules: MatterRules,
) -> Result<Step, Refused> {
    let at = matter.meeting.ok_or(Refused::NoMeeting)?;
    if now < at {
        return Err(Refused::MeetingAhead { at });
    }
    let due_at = match outcome {
        MeetingOutcome::Act => Some(now + days(rules.record_days)),
        MeetingOutcome::MeetAgain => Some(now + days(rules.meeting_days)),
        MeetingOutcome::Drop => None,
    };
    Ok(Step::MeetingRecorded { outcome, present, due_at })
}

fn set_task(matter: &Matter, unit: Unit, due_on: NaiveDate, now: DateTime<Utc>) -> Result<Step, Refused> {
    ahead("due_on", midnight(due_on), now)?;
    let number = u32::try_from(matter.tasks.len()).unwrap_or(u32::MAX).saturating_add(1);
    let open = open_tasks(matter, None).min();
    let due_at = end_of(open.map_or(due_on, |soonest| soonest.min(due_on)));
    Ok(Step::TaskSet { number, unit, due_on, due_at })
}

/// What is due next is the soonest of the tasks that stay open; where none does, the evaluation is.
fn report_task(
    matter: &Matter,
    number: u32,
    done: bool,
    now: DateTime<Utc>,
    rules: MatterRules,
) -> Result<Step, Refused> {
    if !matter.tasks.iter().any(|task| task.number == number && task.done_at.is_none()) {
        return Err(Refused::NoTask { number });
    }
    let open = open_tasks(matter, done.then_some(number)).min();
    let due_at = open.map_or(now + days(rules.record_days), end_of);
    Ok(Step::TaskReported { number, done, due_at })
}

fn open_tasks(matter: &Matter, without: Option<u32>) -> impl Iterator<Item = NaiveDate> {
    let open = matter.tasks.iter().filter(move |task| task.done_at.is_none() && Some(task.number) != without);
    open.map(|task| task.due_on)
}

fn conclude(matter: &Matter, conclusion: Conclusion, now: DateTime<Utc>, rules: MatterRules) -> Result<Step, Refused> {
    if let Some(until) = matter.until.filter(|until| now < *until) {
        return Err(Refused::StillRating { until });
    }
    let ratings = matter.ratings;
    if conclusion == Conclusion::Close && !ratings.suffice(rules.satisfied_percent) {
        return Err(Refused::NotSatisfied { percent: rules.satisfied_percent });
    }
    let due_at = match conclusion {
        Conclusion::Close => None,
        Conclusion::Deliberate => Some(now + days(rules.meeting_days)),
        Conclusion::Do => Some(now + days(rules.record_days)),
    };
    Ok(Step::Concluded { conclusion, ratings, due_at })
}

fn ahead(field: &'static str, at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refused> {
    if at > now { Ok(()) } else { Err(Refused::NotAhead { field }) }
}

fn days(number: u32) -> TimeDelta {
    TimeDelta::days(number.into())
}

fn end_of(day: NaiveDate) -> DateTime<Utc> {
    midnight(day) + TimeDelta::days(1)
}
