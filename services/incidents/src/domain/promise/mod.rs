//! What the reporter was promised, and how far its time has gone.
//!
//! A promise has up to two clocks: the unit speaks to the reporter; the matter is solved. Each runs in working or in calendar
//! time from one beginning. While the reporter is asked something both stand still, together no longer than
//! [`Rules::pause`]; so does the second while a proposed solution waits for its judgement. Everything else is arithmetic over
//! what is kept here: any due time can be computed again.

mod advance;
mod ladder;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use advance::{Advance, Moment, Terms};
pub use ladder::{BadLadder, Duty, Rules, Rung};

use super::calendar::WorkingCalendar;
use super::codes::coded_enum;
use super::refused::Refused;

coded_enum! {
    /// Which of the two.
    Clock, "clock" {
        /// The unit speaks to the reporter.
        Contact = "contact",
        /// The matter is solved.
        Resolution = "resolution",
    }
}

/// An incident's promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub started_at: DateTime<Utc>,
    pub contact: Option<Track>,
    pub resolution: Option<Track>,
    /// In order and apart.
    pub pauses: Vec<Pause>,
    /// When somebody gave it more time; that happens once.
    pub extended_at: Option<DateTime<Utc>>,
    /// When the incident went an end; no clock runs then.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who has to act since the last escalation.
    pub lies_with: Option<Duty>,
    /// A due time counts days of a year whose holidays nobody has loaded.
    pub is_assumed: bool,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    pub limit: Limit,
    /// A deadline from outside (the 12345 desk's), which no pause moves.
    pub no_later: Option<DateTime<Utc>>,
    pub due_at: DateTime<Utc>,
    pub met_at: Option<DateTime<Utc>>,
    /// The highest step that was told, in percent of the limit; 0: none.
    pub step: u16,
}

/// How much time there is, and which time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub amount: TimeDelta,
    pub working: bool,
}

/// A time that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub from: DateTime<Utc>,
    /// Of a pause that still lasts: its latest end.
    pub until: DateTime<Utc>,
    /// The reporter was asked; else a solution waited for its judgement.
    pub asked: bool,
    /// The answer is still waited for; after the latest end, until that was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

/// A step that has been reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    pub clock: Clock,
    pub percent: u16,
    /// When the clock runs out, or ran out.
    pub due_at: DateTime<Utc>,
    /// None: a warning only.
    pub lies_with: Option<Duty>,
}

impl Promise {
    /// When the matter should be solved.
    pub fn expected_at(&self) -> Option<DateTime<Utc>> {
        self.resolution.as_ref().map(|track| track.due_at)
    }

    /// Whether the clocks stand still at this time.
    pub fn is_paused(&self, now: DateTime<Utc>) -> bool {
        self.pauses.iter().any(|pause| pause.from <= now && now < pause.until)
    }

    /// How long they have stood still until `now`.
    pub fn paused(&self, now: DateTime<Utc>) -> TimeDelta {
        self.pauses.iter().map(|pause| (pause.until.min(now) - pause.from).max(TimeDelta::zero())).sum()
    }

    /// When the clocks go on by themselves after a question that nobody has answered; `None`: nobody waits, or it was told.
    pub fn pause_ends_at(&self) -> Option<DateTime<Utc>> {
        let runs = self.ended_at.is_none();
        self.pauses.last().filter(|pause| runs && pause.open).map(|pause| pause.until)
    }

    /// Whether the clocks have gone on by themselves since this was last asked.
    pub fn end_pause(&mut self, now: DateTime<Utc>) -> bool {
        let ended = self.pause_ends_at().is_some_and(|at| at <= now);
        if ended && let Some(pause) = self.pauses.last_mut() {
            pause.open = false;
        }
        ended
    }

    /// The same for another incident, where it ran until `now`; those who had to act still have.
    pub fn handed_on(mut self, rules: &Rules, now: DateTime<Utc>) -> Option<Self> {
        self.ended_at.filter(|at| *at == now)?;
        self.ended_at = None;
        let steps = [&self.contact, &self.resolution].into_iter().flatten().filter(|track| track.met_at.is_none());
        self.lies_with = steps.filter_map(|track| rules.duty_at(track.step)).max();
        Some(self)
    }

    /// Takes the highest step of each clock that has been reached and not told; of these the highest is to be told. One call
    /// after a long silence so gives one answer, whatever was missed. `None`: nothing new.
    pub fn reach(&mut self, rules: &Rules, calendar: &WorkingCalendar, now: DateTime<Utc>) -> Option<Reached> {
        let mut highest: Option<Reached> = None;
        for clock in [Clock::Resolution, Clock::Contact] {
            let Some(percent) = self.newly(clock, rules, calendar, now) else { continue };
            let Some(track) = self.track_mut(clock) else { continue };
            track.step = percent;
            let reached = Reached { clock, percent, due_at: track.due_at, lies_with: rules.duty_at(percent) };
            if highest.is_none_or(|other| other.percent < percent) {
                highest = Some(reached);
            }
        }
        if let Some(Reached { lies_with: Some(duty), .. }) = highest {
            self.lies_with = self.lies_with.max(Some(duty));
        }
        highest
    }

    fn newly(&self, clock: Clock, rules: &Rules, calendar: &WorkingCalendar, now: DateTime<Utc>) -> Option<u16> {
        let track = self.running(clock)?;
        rules.steps().rev().take_while(|percent| *percent > track.step).find(|p| self.at(track, calendar, *p) <= now)
    }

    /// When the next step of either clock is reached.
    pub fn next_at(&self, rules: &Rules, calendar: &WorkingCalendar) -> Option<DateTime<Utc>> {
        let next = |clock| {
            let track = self.running(clock)?;
            let percent = rules.steps().find(|percent| *percent > track.step)?;
            Some(self.at(track, calendar, percent))
        };
        [Clock::Contact, Clock::Resolution].into_iter().filter_map(next).min()
    }

    /// Gives more time, once: the matter is expected at `until`, or at the last working moment before it. A deadline of
    /// somebody else's is not this office's to move.
    pub fn extend(
        mut self,
        until: DateTime<Utc>,
        rules: &Rules,
        calendar: &WorkingCalendar,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        if let Some(at) = self.extended_at {
            return Err(Refused::ExtendedBefore { at });
        }
        let Some(track) = self.running(Clock::Resolution).cloned() else { return Err(Refused::NoPromise) };
        if let Some(deadline) = track.no_later {
            return Err(Refused::DeadlineOfAnother { deadline });
        }
        let amount = self.active(calendar, track.limit.working, until);
        if until <= now || amount <= track.limit.amount {
            return Err(Refused::ExpectedNotLater { expected_at: track.due_at });
        }
        self.extended_at = Some(now);
        if let Some(track) = &mut self.resolution {
            track.limit.amount = amount;
            track.step = 0;
        }
        self.lies_with = None;
        self.plan(calendar);
        // What the new time has already reached is not told again.
        let reached = self.newly(Clock::Resolution, rules, calendar, now).unwrap_or(0);
        if let Some(track) = &mut self.resolution {
            track.step = reached;
        }
        Ok(self)
    }

    /// Counts the days anew where other days count than before; answers whether a time moved that still matters. What was met
    /// or is over keeps the times by which it is judged.
    pub fn recount(&mut self, calendar: &WorkingCalendar) -> bool {
        let before = self.clone();
        for clock in [Clock::Contact, Clock::Resolution] {
            let due = self.running(clock).map(|track| self.at(track, calendar, 100));
            if let (Some(due), Some(track)) = (due, self.track_mut(clock)) {
                track.due_at = due;
            }
        }
        self.assume(calendar);
        *self != before
    }

    /// Computes the due times anew.
    fn plan(&mut self, calendar: &WorkingCalendar) {
        for clock in [Clock::Contact, Clock::Resolution] {
            let due = self.track(clock).map(|track| self.at(track, calendar, 100));
            if let (Some(due), Some(track)) = (due, self.track_mut(clock)) {
                track.due_at = due;
            }
        }
        self.assume(calendar);
    }

    fn assume(&mut self, calendar: &WorkingCalendar) {
        let working = |track: &&Track| track.limit.working;
        let tracks = [&self.contact, &self.resolution];
        let last = tracks.into_iter().flatten().filter(working).map(|track| track.due_at).max();
        self.is_assumed = last.is_some_and(|last| calendar.is_assumed(self.started_at, last));
    }

    /// When so many percent of a clock's time have passed.
    fn at(&self, track: &Track, calendar: &WorkingCalendar, percent: u16) -> DateTime<Utc> {
        let part = |whole: TimeDelta| whole * i32::from(percent) / 100;
        let own = self.after(calendar, track.limit.working, part(track.limit.amount));
        match track.no_later {
            None => own,
            Some(deadline) => own.min(self.started_at + part((deadline - self.started_at).max(TimeDelta::zero()))),
        }
    }

    /// The moment by which so much time has counted since the beginning.
    fn after(&self, calendar: &WorkingCalendar, working: bool, amount: TimeDelta) -> DateTime<Utc> {
        let (mut from, mut left) = (self.started_at, amount);
        for pause in &self.pauses {
            let counted = count(calendar, working, from, pause.from);
            if counted >= left {
                break;
            }
            left -= counted;
            from = from.max(pause.until);
        }
        if working { calendar.add_working(from, left) } else { from + left }
    }

    /// How much time has counted from the beginning to `until`.
    fn active(&self, calendar: &WorkingCalendar, working: bool, until: DateTime<Utc>) -> TimeDelta {
        let whole = count(calendar, working, self.started_at, until);
        let still = |pause: &Pause| count(calendar, working, pause.from, pause.until.min(until));
        whole - self.pauses.iter().map(still).sum::<TimeDelta>()
    }

    fn track(&self, clock: Clock) -> Option<&Track> {
        match clock {
            Clock::Contact => self.contact.as_ref(),
            Clock::Resolution => self.resolution.as_ref(),
        }
    }

    fn track_mut(&mut self, clock: Clock) -> Option<&mut Track> {
        match clock {
            Clock::Contact => self.contact.as_mut(),
            Clock::Resolution => self.resolution.as_mut(),
        }
    }

    /// The clock, while it can still run out.
    fn running(&self, clock: Clock) -> Option<&Track> {
        self.track(clock).filter(|track| track.met_at.is_none() && self.ended_at.is_none())
    }
}

fn count(calendar: &WorkingCalendar, working: bool, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
    if working { calendar.working_between(from, until) } else { (until - from).max(TimeDelta::zero()) }
}

#[cfg(test)]
mod tests;
