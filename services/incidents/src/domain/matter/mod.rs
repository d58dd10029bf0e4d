//! A matter that concerns many, by the four steps 说事、议事、办事、评事: pure rules over values.
//!
//! Who said what, took part, or rated how is no part of a matter: it knows counts. [`decide`] answers the step that follows from a
//! command, [`Matter::apply`] folds it in, and [`replay`] folds all of them.

mod decide;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::{
    actor::{Actor, Subject, Unit},
    codes::coded_enum,
    incident::IncidentId,
    status::{Satisfaction, Visibility},
};

pub use decide::{Command, MatterRules, Refused, decide, raise};

/// The id of a matter: a `UUIDv7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MatterId(pub Uuid);

impl std::fmt::Display for MatterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

coded_enum! {
    /// Where a matter stands.
    Stage, "stage" {
        /// 说事
        Say = "say",
        /// 议事
        Deliberate = "deliberate",
        /// 办事
        Do = "do",
        /// 评事
        Evaluate = "evaluate",
        Closed = "closed",
        Dropped = "dropped",
    }
}

coded_enum! {
    /// As what somebody takes part in a meeting.
    PartyRole, "role in a meeting" {
        Resident = "resident",
        BuildingHead = "building_head",
        OwnersCommittee = "owners_committee",
        PropertyCompany = "property_company",
        Community = "community",
        Subdistrict = "subdistrict",
        Unit = "unit",
        Expert = "expert",
    }
}

coded_enum! {
    /// What a meeting ends with.
    MeetingOutcome, "outcome of a meeting" {
        Act = "act",
        MeetAgain = "meet_again",
        Drop = "drop",
    }
}

coded_enum! {
    /// What an evaluation ends with.
    Conclusion, "conclusion" {
        Close = "close",
        Deliberate = "deliberate",
        Do = "do",
    }
}

/// How many took part in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub role: PartyRole,
    pub count: u32,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Counts from 1 within the matter.
    pub number: u32,
    pub unit: Unit,
    pub due_on: NaiveDate,
    /// The round in which it was set.
    pub round: u32,
    pub done_at: Option<DateTime<Utc>>,
}

/// How those whom it concerns have rated, in one round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratings {
    pub satisfied: u32,
    pub basically_satisfied: u32,
    pub dissatisfied: u32,
}

impl Ratings {
    pub const fn all(self) -> u32 {
        self.satisfied + self.basically_satisfied + self.dissatisfied
    }

    const fn take(&mut self, satisfaction: Satisfaction) {
        match satisfaction {
            Satisfaction::Satisfied => self.satisfied += 1,
            Satisfaction::BasicallySatisfied => self.basically_satisfied += 1,
            Satisfaction::Dissatisfied => self.dissatisfied += 1,
            Satisfaction::NotAsked => {}
        }
    }

    /// Whether at least `percent` of those who rated are satisfied or basically satisfied. Where nobody rated, nobody is.
    pub fn suffice(self, percent: u32) -> bool {
        let content = u64::from(self.satisfied) + u64::from(self.basically_satisfied);
        self.all() > 0 && content * 100 >= u64::from(self.all()) * u64::from(percent)
    }
}

/// What the rules need to know of a matter; its texts are the store's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    pub stage: Stage,
    /// Counts from 1; an evaluation that sends it back begins a new one.
    pub round: u32,
    /// How many households said that it concerns them.
    pub households: u32,
    pub incidents: u32,
    /// The meeting that was called and not yet recorded.
    pub meeting: Option<DateTime<Utc>>,
    pub tasks: Vec<Task>,
    pub ratings: Ratings,
    /// Until when one may rate.
    pub until: Option<DateTime<Utc>>,
    /// Everybody who worked on it. None of them may rate or conclude it.
    pub worked_by: BTreeSet<Subject>,
    /// By when the stage should have an end.
    pub due_at: Option<DateTime<Utc>>,
    pub overdue: bool,
    /// How many entries there are; the first makes version 1.
    pub version: u32,
}

/// What happened to a matter: codes, dates and counts only. Each names when the stage is due from then on, so that nothing has to be
/// worked out again from rules that may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    Raised {
        households: u32,
        due_at: DateTime<Utc>,
    },
    Voiced {
        households: u32,
    },
    IncidentGathered {
        incident: IncidentId,
    },
    MeetingCalled {
        at: DateTime<Utc>,
        due_at: DateTime<Utc>,
    },
    MeetingRecorded {
        outcome: MeetingOutcome,
        present: Vec<Party>,
        due_at: Option<DateTime<Utc>>,
    },
    TaskSet {
        number: u32,
        unit: Unit,
        due_on: NaiveDate,
        due_at: DateTime<Utc>,
    },
    TaskReported {
        number: u32,
        done: bool,
        due_at: DateTime<Utc>,
    },
    EvaluationStarted {
        until: DateTime<Utc>,
        due_at: DateTime<Utc>,
    },
    Rated {
        satisfaction: Satisfaction,
    },
    Concluded {
        conclusion: Conclusion,
        ratings: Ratings,
        due_at: Option<DateTime<Utc>>,
    },
    Dropped,
    NoteAdded {
        visibility: Visibility,
    },
    /// The stage should have had an end by now.
    Overdue {
        stage: Stage,
    },
}

coded_enum! {
    /// The word for a step.
    StepKind, "step" {
        Raised = "raised",
        Voiced = "voiced",
        IncidentGathered = "incident_gathered",
        MeetingCalled = "meeting_called",
        MeetingRecorded = "meeting_recorded",
        TaskSet = "task_set",
        TaskReported = "task_reported",
        EvaluationStarted = "evaluation_started",
        Rated = "rated",
        Concluded = "concluded",
        Dropped = "dropped",
        NoteAdded = "note_added",
        Overdue = "overdue",
    }
}

impl Step {
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::Raised { .. } => StepKind::Raised,
            Self::Voiced { .. } => StepKind::Voiced,
            Self::IncidentGathered { .. } => StepKind::IncidentGathered,
            Self::MeetingCalled { .. } => StepKind::MeetingCalled,
            Self::MeetingRecorded { .. } => StepKind::MeetingRecorded,
            Self::TaskSet { .. } => StepKind::TaskSet,
            Self::TaskReported { .. } => StepKind::TaskReported,
            Self::EvaluationStarted { .. } => StepKind::EvaluationStarted,
            Self::Rated { .. } => StepKind::Rated,
            Self::Concluded { .. } => StepKind::Concluded,
            Self::Dropped => StepKind::Dropped,
            Self::NoteAdded { .. } => StepKind::NoteAdded,
            Self::Overdue { .. } => StepKind::Overdue,
        }
    }

    /// Whether anybody may read of it; and whoever reported an incident in it is told.
    pub const fn is_public(&self) -> bool {
        match self {
            Self::MeetingCalled { .. }
            | Self::MeetingRecorded { .. }
            | Self::TaskSet { .. }
            | Self::TaskReported { .. }
            | Self::EvaluationStarted { .. }
            | Self::Concluded { .. }
            | Self::Dropped => true,
            Self::NoteAdded { visibility } => matches!(visibility, Visibility::Public),
            Self::Raised { .. }
            | Self::Voiced { .. }
            | Self::IncidentGathered { .. }
            | Self::Rated { .. }
            | Self::Overdue { .. } => false,
        }
    }

    /// Whether nobody may be named with it, also not in the office.
    pub const fn is_nameless(&self) -> bool {
        matches!(self, Self::Rated { .. })
    }
}

/// A step with its time and who took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub step: Step,
}

/// Entries that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the entries are empty or do not begin with `raised`; restore the missing rows")]
pub struct NotRaisedFirst;

impl Matter {
    fn raised(households: u32, due_at: DateTime<Utc>) -> Self {
        Self {
            stage: Stage::Say,
            round: 1,
            households,
            incidents: 0,
            meeting: None,
            tasks: Vec::new(),
            ratings: Ratings::default(),
            until: None,
            worked_by: BTreeSet::new(),
            due_at: Some(due_at),
            overdue: false,
            version: 1,
        }
    }

    /// The matter after one more step.
    #[must_use]
    pub fn apply(mut self, taken: &Taken) -> Self {
        let Taken { at, actor, step } = taken;
        self.version += 1;
        match step {
            // `replay` takes the first one; a second cannot say anything new.
            Step::Raised { .. } | Step::NoteAdded { .. } => {}
            Step::Voiced { households } => self.households = self.households.saturating_add(*households),
            Step::IncidentGathered { .. } => self.incidents += 1,
            Step::MeetingCalled { at, due_at } => {
                self.enter(Stage::Deliberate, Some(*due_at));
                self.meeting = Some(*at);
            }
            Step::MeetingRecorded { outcome, due_at, .. } => match outcome {
                MeetingOutcome::Act => self.enter(Stage::Do, *due_at),
                MeetingOutcome::MeetAgain => self.enter(Stage::Deliberate, *due_at),
                MeetingOutcome::Drop => self.enter(Stage::Dropped, None),
            },
            Step::TaskSet { number, unit, due_on, due_at } => {
                let (number, round) = (*number, self.round);
                self.tasks.push(Task { number, unit: unit.clone(), due_on: *due_on, round, done_at: None });
                self.wait_until(Some(*due_at));
            }
            Step::TaskReported { number, done, due_at } => {
                self.worked_by.insert(actor.id.clone());
                if let Some(task) = self.tasks.iter_mut().find(|task| task.number == *number) {
                    task.done_at = done.then_some(*at);
                }
                self.wait_until(Some(*due_at));
            }
            Step::EvaluationStarted { until, due_at } => {
                self.enter(Stage::Evaluate, Some(*due_at));
                self.until = Some(*until);
                self.ratings = Ratings::default();
            }
            Step::Rated { satisfaction } => self.ratings.take(*satisfaction),
            Step::Concluded { conclusion, ratings: _, due_at } => self.conclude(*conclusion, *due_at),
            Step::Dropped => self.enter(Stage::Dropped, None),
            Step::Overdue { .. } => self.overdue = true,
        }
        self
    }

    fn conclude(&mut self, conclusion: Conclusion, due_at: Option<DateTime<Utc>>) {
        let stage = match conclusion {
            Conclusion::Close => Stage::Closed,
            Conclusion::Deliberate => Stage::Deliberate,
            Conclusion::Do => Stage::Do,
        };
        self.enter(stage, due_at);
        if stage != Stage::Closed {
            self.round += 1;
        }
    }

    fn enter(&mut self, stage: Stage, due_at: Option<DateTime<Utc>>) {
        self.stage = stage;
        self.meeting = None;
        self.until = None;
        self.wait_until(due_at);
    }

    /// A new time makes nobody late.
    fn wait_until(&mut self, due_at: Option<DateTime<Utc>>) {
        if self.due_at != due_at {
            self.overdue = false;
        }
        self.due_at = due_at;
    }
}

/// The matter that its entries tell of.
pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Taken>) -> Result<Matter, NotRaisedFirst> {
    let mut entries = entries.into_iter();
    match entries.next() {
        Some(Taken { step: Step::Raised { households, due_at }, .. }) => {
            Ok(entries.fold(Matter::raised(*households, *due_at), Matter::apply))
        }
        _ => Err(NotRaisedFirst),
    }
}
