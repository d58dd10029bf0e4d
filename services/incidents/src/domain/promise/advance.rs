//! What an entry of the timeline does to the promise.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Clock, Limit, Pause, Promise, Rules, Track};
use crate::domain::{Event, Incident, Recorded, Status, calendar::WorkingCalendar};

/// What the category, its urgency and the sender give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    pub contact: Option<Limit>,
    pub resolve: Option<Limit>,
    /// The time runs from the report.
    pub from_report: bool,
    /// A deadline that came with the report.
    pub deadline: Option<DateTime<Utc>>,
}

/// One entry, and the incident before and after it.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'m> {
    pub before: &'m Incident,
    pub after: &'m Incident,
    pub recorded: &'m Recorded,
    /// Whoever acts does so for the unit that has it.
    pub by_unit: bool,
}

/// What has become of the promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    Unchanged,
    /// Something moved that the reporter need not be told anew.
    Moved(Promise),
    /// It was made, or made shorter: the reporter is told.
    Promised(Promise),
}

impl Promise {
    /// What `moment` does to the promise that stands. `terms` are those of the incident after it.
    pub fn advance(
        standing: Option<&Self>,
        moment: Moment<'_>,
        terms: Terms,
        rules: &Rules,
        calendar: &WorkingCalendar,
    ) -> Advance {
        let Moment { before, after, recorded, by_unit: _ } = moment;
        let running = standing.filter(|promise| promise.ended_at.is_none());
        let Some(promise) = running else {
            return match begins(moment, terms, standing.is_some()) {
                Some(at) => Self::begin(at, terms, calendar).map_or(Advance::Unchanged, Advance::Promised),
                None => Advance::Unchanged,
            };
        };
        let mut next = promise.clone();
        if let Event::Triaged { .. } = recorded.event
            && next.tighten(terms, calendar)
        {
            next.close_pause(before, after, recorded.at);
            next.plan(calendar);
            return Advance::Promised(next);
        }
        next.follow(moment, rules);
        if next == *promise {
            return Advance::Unchanged;
        }
        next.plan(calendar);
        Advance::Moved(next)
    }

    fn begin(at: DateTime<Utc>, terms: Terms, calendar: &WorkingCalendar) -> Option<Self> {
        let Terms { contact, resolve, from_report: _, deadline } = terms;
        let track = |limit, no_later| Track { limit, no_later, due_at: at, met_at: None, step: 0 };
        // Without a promise of one's own the deadline of whoever sent it is the whole time.
        let outside = deadline.map(|deadline| Limit { amount: (deadline - at).max(TimeDelta::zero()), working: false });
        let resolution = resolve.or(outside).map(|limit| track(limit, deadline));
        let contact = contact.map(|limit| track(limit, None));
        if contact.is_none() && resolution.is_none() {
            return None;
        }
        let mut promise = Self {
            started_at: at,
            contact,
            resolution,
            pauses: Vec::new(),
            extended_at: None,
            ended_at: None,
            lies_with: None,
            is_assumed: false,
        };
        promise.plan(calendar);
        Some(promise)
    }

    /// Takes what a new assessment promises where that is sooner; to promise more time takes an extension. Says whether
    /// anything became sooner.
    fn tighten(&mut self, terms: Terms, calendar: &WorkingCalendar) -> bool {
        let mut sooner = false;
        for (clock, limit) in [(Clock::Contact, terms.contact), (Clock::Resolution, terms.resolve)] {
            let Some(limit) = limit else { continue };
            let Some(mut track) = self.running(clock).cloned() else { continue };
            track.limit = limit;
            track.due_at = self.at(&track, calendar, 100);
            if self.track(clock).is_some_and(|standing| track.due_at < standing.due_at) {
                sooner = true;
                match clock {
                    Clock::Contact => self.contact = Some(track),
                    Clock::Resolution => self.resolution = Some(track),
                }
            }
        }
        sooner
    }

    fn follow(&mut self, moment: Moment<'_>, rules: &Rules) {
        let Moment { before, after, recorded, by_unit } = moment;
        let at = recorded.at;
        self.close_pause(before, after, at);
        if by_unit && recorded.answers_reporter() {
            self.meet(Clock::Contact, at);
        }
        match &recorded.event {
            Event::ReporterAsked => self.open_pause(rules, at),
            Event::SolutionProposed => self.meet(Clock::Resolution, at),
            Event::Reopened => self.take_up(at),
            Event::Closed { .. }
            | Event::Withdrawn
            | Event::JoinedDuplicate { .. }
            | Event::DeclaredUnsolvable { .. }
            | Event::ReferredElsewhere => {
                self.ended_at = Some(at);
                self.lies_with = None;
            }
            Event::Reported { .. }
            | Event::Triaged { .. }
            | Event::Dispatched { .. }
            | Event::Accepted
            | Event::Returned { .. }
            | Event::WorkStarted
            | Event::NoteAdded { .. }
            | Event::Answered
            | Event::CareListDrawn { .. }
            | Event::BuildingUnknown
            | Event::Corrected { .. }
            | Event::Promised { .. }
            | Event::PromiseExtended { .. }
            | Event::DispatchDisputed { .. }
            | Event::DisputeDecided { .. }
            | Event::TakenUp
            | Event::Gathered { .. }
            | Event::MatterMoved { .. }
            | Event::PromiseMoved { .. }
            | Event::PauseEnded
            | Event::SplitOff
            | Event::LeadTold { .. }
            | Event::LeadChanged { .. }
            | Event::LeadTaken { .. }
            | Event::PromiseWarned { .. }
            | Event::PromiseEscalated { .. } => {}
        }
    }

    fn meet(&mut self, clock: Clock, at: DateTime<Utc>) {
        if let Some(track) = self.track_mut(clock).filter(|track| track.met_at.is_none()) {
            track.met_at = Some(at);
        }
        // Nobody is behind any more once every clock has stopped.
        if [&self.contact, &self.resolution].into_iter().flatten().all(|track| track.met_at.is_some()) {
            self.lies_with = None;
        }
    }

    /// A solution was refused: the clock goes on where it stopped.
    fn take_up(&mut self, at: DateTime<Utc>) {
        let Some(track) = &mut self.resolution else { return };
        let Some(met_at) = track.met_at.take() else { return };
        // After a clock went back the last pause may lie ahead of the solution.
        let from = self.pauses.last().map_or(met_at, |last| met_at.max(last.until));
        if from < at {
            self.pauses.push(Pause { from, until: at, asked: false, open: false });
        }
    }

    fn open_pause(&mut self, rules: &Rules, at: DateTime<Utc>) {
        let asked = self.pauses.iter().filter(|pause| pause.asked);
        let used: TimeDelta = asked.map(|pause| pause.until - pause.from).sum();
        let begins_after_others = self.pauses.last().is_none_or(|pause| pause.until <= at);
        if used < rules.pause && begins_after_others {
            self.pauses.push(Pause { from: at, until: at + (rules.pause - used), asked: true, open: true });
        }
    }

    /// The reporter has answered, or nobody waits for that any more.
    fn close_pause(&mut self, before: &Incident, after: &Incident, at: DateTime<Utc>) {
        if before.status != Status::WaitingReporter || after.status == Status::WaitingReporter {
            return;
        }
        if let Some(last) = self.pauses.last_mut().filter(|pause| pause.asked) {
            last.until = last.until.min(at);
            last.open = false;
        }
        self.pauses.retain(|pause| pause.from < pause.until);
    }
}

/// Whether a promise begins with this entry, and from when its time runs.
fn begins(moment: Moment<'_>, terms: Terms, had_one: bool) -> Option<DateTime<Utc>> {
    let Moment { before: _, after, recorded, by_unit: _ } = moment;
    match recorded.event {
        Event::Dispatched { .. } => Some(recorded.at),
        Event::Triaged { .. } if terms.from_report => Some(if had_one { recorded.at } else { after.reported_at }),
        Event::Reopened if after.status == Status::Dispatched => Some(recorded.at),
        _ => None,
    }
}
