//! Figures computed from timelines, and from nothing else: whoever doubts one can compute it again.
//!
//! The three rates are those by which Beijing's ordinance on handling complaints at once (北京市接诉即办工作条例, Art. 32)
//! assesses an office:
//! - response (响应率) = contacted within the limit / dispatched;
//! - resolution (解决率) = call-backs that say "solved" / valid call-backs;
//! - satisfaction (满意率) = call-backs that say satisfied or basically satisfied / valid call-backs.
//!
//! The ordinance names the rates and leaves the formulae to the office; [`Formulae`] are its choices. Each incident counts
//! once, with its last call-back or its first. A reopening is a call-back that says "not solved", and not satisfied. A call-back is
//! valid where the reporter was reached, by somebody who did not handle the incident (Art. 23: the hotline calls back, not the
//! handler). Closing alone is no call-back: where the reporter was not asked, the incident stands outside with that reason.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::actor::{ActorKind, Subject};
use super::codes::coded_enum;
use super::event::{ClosureBasis, Event, Recorded};
use super::incident::IncidentId;
use super::status::Satisfaction;

coded_enum! {
    /// Why an incident stands outside a rate.
    Exclusion, "reason of exclusion" {
        /// Never given to a unit, so no unit could answer.
        NotDispatched = "not_dispatched",
        /// The limit for the first contact has not run out.
        LimitRunning = "limit_running",
        /// Taken back before the limit ran out, or before a call-back.
        Withdrawn = "withdrawn",
        /// Answered with the incident it was joined to, which is counted instead.
        Joined = "joined",
        /// Closed by another system; whether anybody confirmed it is not known.
        Imported = "imported",
        /// Passed on to somebody else by another system.
        Referred = "referred",
        /// Nobody has been called back yet.
        NoCallBack = "no_call_back",
        /// Closed by a clerk without the reporter's word, because there was nobody to ask.
        ReporterNotReached = "reporter_not_reached",
        /// Declared unsolvable, and nobody has been called back since.
        Unsolvable = "unsolvable",
        /// Judged by somebody who had handled it. The rules let nobody do that; an older timeline might.
        NotIndependent = "not_independent",
        /// The reporter said "solved" and was not asked how satisfied.
        SatisfactionNotAsked = "satisfaction_not_asked",
    }
}

/// `counted` of `of`; `excluded` lists the incidents that stand outside, by reason. `of` and these are every incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rate {
    pub counted: u64,
    pub of: u64,
    pub excluded: BTreeMap<Exclusion, Vec<IncidentId>>,
}

impl Rate {
    fn take(&mut self, id: IncidentId, verdict: Verdict) {
        match verdict {
            Ok(counts) => {
                self.of += 1;
                self.counted += u64::from(counts);
            }
            Err(exclusion) => self.excluded.entry(exclusion).or_default().push(id),
        }
    }
}

/// How long something took, over the incidents where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Times {
    pub counted: u64,
    pub median: Option<TimeDelta>,
    /// Nine of ten took no longer.
    pub p90: Option<TimeDelta>,
}

/// All figures of a set of incidents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    pub incidents: u64,
    /// From the report to the office's first word to the reporter.
    pub first_answer: Times,
    /// From the report to the closing that stands. Imported closings count here: their times are facts.
    pub close: Times,
    pub response: Rate,
    pub resolution: Rate,
    pub satisfaction: Rate,
}

coded_enum! {
    /// Which call-back of an incident counts.
    WhichCallBack, "call-back" {
        First = "first",
        Last = "last",
    }
}

/// What an office may choose in the formulae. The ordinance says none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formulae {
    /// How long after the first dispatch the reporter must have been contacted.
    pub contact_limit: TimeDelta,
    pub call_back: WhichCallBack,
    /// Whether "basically satisfied" is satisfied.
    pub basically_counts: bool,
    /// Whether what was declared unsolvable is "not solved" while nobody was called back; otherwise it stands outside.
    pub unsolvable_counts: bool,
}

impl Default for Formulae {
    fn default() -> Self {
        Self {
            contact_limit: TimeDelta::hours(24),
            call_back: WhichCallBack::Last,
            basically_counts: true,
            unsolvable_counts: false,
        }
    }
}

/// What the rates depend on besides the timelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    pub formulae: Formulae,
    /// The figures are those of this time.
    pub as_of: DateTime<Utc>,
}

/// Where an incident stands in one rate: above the line or only below it, or outside.
pub type Verdict = Result<bool, Exclusion>;

coded_enum! {
    /// One of the three.
    RateKind, "rate" {
        Response = "response",
        Resolution = "resolution",
        Satisfaction = "satisfaction",
    }
}

coded_enum! {
    /// Where a case stands in a rate.
    Standing, "standing" {
        /// Above the line and below it.
        Counted = "counted",
        NotCounted = "not_counted",
        Excluded = "excluded",
    }
}

impl Standing {
    pub const fn of(verdict: Verdict) -> Self {
        match verdict {
            Ok(true) => Self::Counted,
            Ok(false) => Self::NotCounted,
            Err(_) => Self::Excluded,
        }
    }
}

impl RateKind {
    pub const fn of(self, verdicts: &Verdicts) -> Verdict {
        match self {
            Self::Response => verdicts.response,
            Self::Resolution => verdicts.resolution,
            Self::Satisfaction => verdicts.satisfaction,
        }
    }
}

/// Where an incident stands in each rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdicts {
    pub response: Verdict,
    pub resolution: Verdict,
    pub satisfaction: Verdict,
}

/// Judges one incident; its timeline is whole and in order.
pub fn verdicts(timeline: &[Recorded], measure: Measure) -> Verdicts {
    let formulae = measure.formulae;
    let call_back = call_back(timeline, formulae);
    Verdicts {
        response: responded(timeline, measure),
        resolution: call_back.map(|answer| answer.solved),
        satisfaction: call_back.and_then(|answer| answer.satisfied(formulae)),
    }
}

/// Figures in the making: timelines are added one after the other, so that no one has to hold them all.
#[derive(Debug)]
pub struct Tally {
    measure: Measure,
    figures: Figures,
    answers: Vec<TimeDelta>,
    closings: Vec<TimeDelta>,
}

impl Tally {
    pub fn new(measure: Measure) -> Self {
        Self { measure, figures: Figures::default(), answers: Vec::new(), closings: Vec::new() }
    }

    /// Adds an incident; its timeline is whole and in order.
    pub fn add(&mut self, id: IncidentId, timeline: &[Recorded]) {
        self.figures.incidents += 1;
        self.answers.extend(time_to_first_answer(timeline));
        self.closings.extend(time_to_close(timeline));
        let Verdicts { response, resolution, satisfaction } = verdicts(timeline, self.measure);
        self.figures.response.take(id, response);
        self.figures.resolution.take(id, resolution);
        self.figures.satisfaction.take(id, satisfaction);
    }

    pub fn finish(self) -> Figures {
        let Self { measure: _, figures, answers, closings } = self;
        Figures { first_answer: Times::of(answers), close: Times::of(closings), ..figures }
    }
}

/// The figures of the incidents with these timelines; each timeline is whole and in order.
pub fn figures<'a>(timelines: impl IntoIterator<Item = (IncidentId, &'a [Recorded])>, measure: Measure) -> Figures {
    let mut tally = Tally::new(measure);
    for (id, timeline) in timelines {
        tally.add(id, timeline);
    }
    tally.finish()
}

/// From the report to the office's first word to the reporter.
pub fn time_to_first_answer(timeline: &[Recorded]) -> Option<TimeDelta> {
    let reported = timeline.first()?;
    timeline.iter().find(|entry| entry.answers_reporter()).map(|entry| entry.at - reported.at)
}

/// From the report to the closing that stands; `None` while it is open, or open again.
pub fn time_to_close(timeline: &[Recorded]) -> Option<TimeDelta> {
    let reported = timeline.first()?;
    let ended = timeline.iter().rev().find(|entry| matches!(entry.event, Event::Closed { .. } | Event::Reopened))?;
    matches!(ended.event, Event::Closed { .. }).then(|| ended.at - reported.at)
}

/// Whether those who handle it spoke to the reporter in time. The word of a clerk, or of a worker who passes by, does not
/// count: the ordinance wants the handler to make contact (Art. 15).
fn responded(timeline: &[Recorded], measure: Measure) -> Verdict {
    let Some(dispatched) = timeline.iter().position(|entry| matches!(entry.event, Event::Dispatched { .. })) else {
        return Err(ended_otherwise(timeline).unwrap_or(Exclusion::NotDispatched));
    };
    let after = &timeline[dispatched..];
    let due = timeline[dispatched].at + measure.formulae.contact_limit;
    let of_unit = of_unit(timeline);
    let by_unit = |entry: &Recorded| entry.actor.kind.handles() && of_unit.contains(&entry.actor.id);
    if let Some(contact) = after.iter().find(|entry| entry.answers_reporter() && by_unit(entry)) {
        return Ok(contact.at <= due);
    }
    let gone_in_time = ended_otherwise(timeline).filter(|_| after.iter().all(|entry| ends_before(entry, due)));
    match gone_in_time {
        Some(exclusion) => Err(exclusion),
        None if measure.as_of <= due => Err(Exclusion::LimitRunning),
        None => Ok(false),
    }
}

/// Those who handled it for the unit it was given to. Anybody in the office may leave a note, which therefore says nothing
/// of the unit; what is listed here only the unit's own people may do as handlers.
fn of_unit(timeline: &[Recorded]) -> BTreeSet<&Subject> {
    let works = |event: &Event| {
        matches!(
            event,
            Event::Accepted
                | Event::WorkStarted
                | Event::ReporterAsked
                | Event::SolutionProposed
                | Event::DeclaredUnsolvable { .. }
        )
    };
    let handled = timeline.iter().filter(|entry| entry.actor.kind.handles() && works(&entry.event));
    handled.map(|entry| &entry.actor.id).collect()
}

/// Notes may follow an end; what ended it must not be later than `due`.
fn ends_before(entry: &Recorded, due: DateTime<Utc>) -> bool {
    beside_its_course(&entry.event) || entry.at <= due
}

/// What may be written at any time and neither ends an incident nor takes it up again.
const fn beside_its_course(event: &Event) -> bool {
    matches!(
        event,
        Event::NoteAdded { .. }
            | Event::CareListDrawn { .. }
            | Event::BuildingUnknown
            | Event::Corrected { .. }
            | Event::Promised { .. }
            | Event::PromiseExtended { .. }
            | Event::DispatchDisputed { .. }
            | Event::DisputeDecided { .. }
            | Event::Gathered { .. }
            | Event::MatterMoved { .. }
            | Event::PromiseMoved { .. }
            | Event::PauseEnded
            | Event::LeadTold { .. }
            | Event::LeadChanged { .. }
            | Event::PromiseWarned { .. }
            | Event::PromiseEscalated { .. }
    )
}

/// What the reporter said when last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CallBack {
    solved: bool,
    satisfaction: Satisfaction,
}

impl CallBack {
    fn satisfied(self, formulae: Formulae) -> Verdict {
        match self.satisfaction {
            Satisfaction::Satisfied => Ok(true),
            Satisfaction::BasicallySatisfied => Ok(formulae.basically_counts),
            Satisfaction::Dissatisfied => Ok(false),
            Satisfaction::NotAsked => Err(Exclusion::SatisfactionNotAsked),
        }
    }
}

fn call_back(timeline: &[Recorded], formulae: Formulae) -> Result<CallBack, Exclusion> {
    if let Some(exclusion) = ended_otherwise(timeline) {
        return Err(exclusion);
    }
    let mut answers = timeline.iter().enumerate().filter_map(|(at, entry)| match &entry.event {
        Event::Closed { .. } | Event::Reopened if handled(&timeline[..at], &entry.actor.id) => {
            Some(Err(Exclusion::NotIndependent))
        }
        Event::Closed { basis, satisfaction } => Some(closing(*basis, *satisfaction)),
        // Another system's file says that it is open again; nobody here was told "not solved".
        Event::Reopened if entry.actor.kind == ActorKind::System => Some(Err(Exclusion::NoCallBack)),
        Event::Reopened => Some(Ok(CallBack { solved: false, satisfaction: Satisfaction::Dissatisfied })),
        _ => None,
    });
    let answer = match formulae.call_back {
        WhichCallBack::Last => answers.next_back(),
        // An attempt that reached nobody is no first call-back.
        WhichCallBack::First => answers.clone().find(Result::is_ok).or_else(|| answers.next()),
    };
    match answer {
        Some(answer) => answer,
        None if is_unsolvable(timeline) && formulae.unsolvable_counts => {
            Ok(CallBack { solved: false, satisfaction: Satisfaction::NotAsked })
        }
        None if is_unsolvable(timeline) => Err(Exclusion::Unsolvable),
        None => Err(Exclusion::NoCallBack),
    }
}

fn handled(before: &[Recorded], who: &Subject) -> bool {
    before.iter().any(|entry| entry.actor.kind.handles() && entry.actor.id == *who)
}

/// Declared unsolvable, and not taken up again since.
fn is_unsolvable(timeline: &[Recorded]) -> bool {
    let last = timeline.iter().rev().find(|entry| !beside_its_course(&entry.event));
    last.is_some_and(|entry| matches!(entry.event, Event::DeclaredUnsolvable { .. }))
}

fn closing(basis: ClosureBasis, satisfaction: Satisfaction) -> Result<CallBack, Exclusion> {
    match (basis, satisfaction) {
        (ClosureBasis::Imported, _) => Err(Exclusion::Imported),
        (ClosureBasis::CallBack, Satisfaction::NotAsked) => Err(Exclusion::ReporterNotReached),
        (ClosureBasis::CallBack | ClosureBasis::Reporter, satisfaction) => Ok(CallBack { solved: true, satisfaction }),
    }
}

/// The way an incident left the office's hands without a call-back, if it is still gone.
fn ended_otherwise(timeline: &[Recorded]) -> Option<Exclusion> {
    timeline
        .iter()
        .rev()
        .find_map(|entry| match &entry.event {
            event if beside_its_course(event) => None,
            Event::Withdrawn => Some(Some(Exclusion::Withdrawn)),
            Event::JoinedDuplicate { .. } => Some(Some(Exclusion::Joined)),
            Event::ReferredElsewhere => Some(Some(Exclusion::Referred)),
            Event::Closed { basis: ClosureBasis::Imported, .. } => Some(Some(Exclusion::Imported)),
            _ => Some(None),
        })
        .flatten()
}

impl Times {
    fn of(mut times: Vec<TimeDelta>) -> Self {
        times.sort_unstable();
        Self { counted: times.len() as u64, median: nearest_rank(&times, 50), p90: nearest_rank(&times, 90) }
    }
}

/// The smallest value that `percent` of all do not exceed.
fn nearest_rank(sorted: &[TimeDelta], percent: usize) -> Option<TimeDelta> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}
