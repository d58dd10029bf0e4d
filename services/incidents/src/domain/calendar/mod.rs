//! Working time: which minutes count, for an office in China. Times are UTC outside and Chinese clock time inside; China has
//! one zone and no summer time.
//!
//! A day is, in this order: an exception of the unit's own; a public holiday or a make-up working day (调休) of the State
//! Council's yearly notice; a day of the week. Of a year without a notice nothing is known but the week: whoever computes
//! with it is told by [`WorkingCalendar::is_assumed`].

mod file;
mod holidays;
mod hours;

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use file::{CalendarFile, UnitCalendar, read};
pub use holidays::{DayKind, HolidayFileError, HolidayYear, Holidays};
pub use hours::{NotHours, Period, Week};

use super::catalogue::{Span, SpanUnit};

const EAST_8: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("eight hours are an offset");
/// No promise reaches further: a hundred years of days.
const MOST_DAYS: usize = 36_525;

/// The hours of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    pub week: Week,
    /// Whether public holidays and make-up working days count; a unit that never closes has none.
    #[serde(default = "yes")]
    pub holidays: bool,
    /// Days with hours of their own; empty: closed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<NaiveDate, Vec<Period>>,
}

const fn yes() -> bool {
    true
}

/// Hours and holidays together: enough to count working time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingCalendar {
    hours: Hours,
    holidays: Holidays,
}

impl WorkingCalendar {
    /// Some day of the week must have hours; [`Hours::check`] sees to it.
    pub const fn new(hours: Hours, holidays: Holidays) -> Self {
        Self { hours, holidays }
    }

    /// The first moment by which `amount` of working time has passed since `start`; `start` itself where it is none.
    pub fn add_working(&self, start: DateTime<Utc>, amount: TimeDelta) -> DateTime<Utc> {
        if amount <= TimeDelta::zero() {
            return start;
        }
        let mut left = amount;
        let mut last = start;
        for day in days_from(start) {
            for (from, until) in self.open(day) {
                let from = from.max(start);
                if from >= until {
                    continue;
                }
                if until - from >= left {
                    return from + left;
                }
                left -= until - from;
                last = until;
            }
        }
        last
    }

    /// How much working time lies between two moments; none where `until` is not later.
    pub fn working_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        let mut sum = TimeDelta::zero();
        for day in days_from(from) {
            if at(day, 0) >= until {
                break;
            }
            for (opens, closes) in self.open(day) {
                sum += (closes.min(until) - opens.max(from)).max(TimeDelta::zero());
            }
        }
        sum
    }

    /// How much time a promise gives, in the time that it counts in.
    pub fn length(&self, span: Span) -> TimeDelta {
        let count = i64::from(span.count);
        match span.unit {
            SpanUnit::Minute => TimeDelta::minutes(count),
            SpanUnit::Hour | SpanUnit::WorkingHour => TimeDelta::hours(count),
            SpanUnit::Day => TimeDelta::days(count),
            SpanUnit::WorkingDay => TimeDelta::minutes(count * self.hours.week.ordinary_day()),
        }
    }

    /// Whether any day between the two moments was taken as the week has it only because nobody has loaded the holidays of
    /// its year.
    pub fn is_assumed(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        let mut years = china(from).year()..=china(until.max(from)).year();
        self.hours.holidays && years.any(|year| !self.holidays.knows(year))
    }

    /// The open times of a day, in order.
    fn open(&self, day: NaiveDate) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let Hours { week, holidays, exceptions } = &self.hours;
        let kind = if *holidays { self.holidays.kind(day) } else { DayKind::Ordinary };
        let periods = match (exceptions.get(&day), kind) {
            (Some(own), _) => own.as_slice(),
            (None, DayKind::Off) => &[],
            (None, DayKind::Working) => week.ordinary(),
            (None, DayKind::Ordinary) => week.on(day.weekday()),
        };
        periods.iter().map(move |period| (at(day, period.from), at(day, period.until)))
    }
}

/// The calendar day in China.
fn china(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&EAST_8).date_naive()
}

fn days_from(start: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> {
    china(start).iter_days().take(MOST_DAYS)
}

/// A minute of a day in China.
fn at(day: NaiveDate, minute: u16) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(i64::from(minute)) - TimeDelta::hours(8)
}

#[cfg(test)]
mod tests;
