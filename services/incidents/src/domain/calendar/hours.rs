//! Opening hours of a day and a week.

use std::{fmt, str::FromStr};

use chrono::Weekday;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Hours;

const DAY: u16 = 24 * 60;
/// Most periods of a day, and most exceptions of a unit.
const PERIODS: usize = 6;
const EXCEPTIONS: usize = 1000;

/// Part of a day, in minutes from midnight; written `09:00-12:00`, and `24:00` is the day's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    pub from: u16,
    /// After `from`.
    pub until: u16,
}

/// A text that is no part of a day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no part of a day; write it as in 09:00-12:00, the end after the beginning and 24:00 at the latest")]
pub struct NotHours(String);

impl FromStr for Period {
    type Err = NotHours;

    fn from_str(text: &str) -> Result<Self, NotHours> {
        let period = || {
            let (from, until) = text.split_once('-')?;
            Some(Self { from: minute(from)?, until: minute(until)? })
        };
        period().filter(|period| period.from < period.until).ok_or_else(|| NotHours(text.chars().take(20).collect()))
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    Some(hour * 60 + minute).filter(|whole| minute < 60 && *whole <= DAY)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl TryFrom<String> for Period {
    type Error = NotHours;

    fn try_from(text: String) -> Result<Self, NotHours> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// The hours of each day of the week; a day without any is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Week {
    pub mon: Vec<Period>,
    pub tue: Vec<Period>,
    pub wed: Vec<Period>,
    pub thu: Vec<Period>,
    pub fri: Vec<Period>,
    pub sat: Vec<Period>,
    pub sun: Vec<Period>,
}

impl Week {
    pub fn days(&self) -> [&Vec<Period>; 7] {
        let Self { mon, tue, wed, thu, fri, sat, sun } = self;
        [mon, tue, wed, thu, fri, sat, sun]
    }

    pub(super) fn on(&self, day: Weekday) -> &[Period] {
        match day {
            Weekday::Mon => &self.mon,
            Weekday::Tue => &self.tue,
            Weekday::Wed => &self.wed,
            Weekday::Thu => &self.thu,
            Weekday::Fri => &self.fri,
            Weekday::Sat => &self.sat,
            Weekday::Sun => &self.sun,
        }
    }

    /// The hours of an ordinary day, which a make-up working day has too: those of the first day that has any.
    pub(super) fn ordinary(&self) -> &[Period] {
        self.days().into_iter().find(|day| !day.is_empty()).map_or(&[], Vec::as_slice)
    }

    /// How many minutes an ordinary day has.
    pub(super) fn ordinary_day(&self) -> i64 {
        self.ordinary().iter().map(|period| i64::from(period.until - period.from)).sum()
    }
}

impl Hours {
    /// Tells what makes the hours unusable: the field, and the rule.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let Self { week, holidays: _, exceptions } = self;
        if week.ordinary().is_empty() {
            return Err(("week", "has no hours at all: open on one day at least".to_owned()));
        }
        if exceptions.len() > EXCEPTIONS {
            return Err(("exceptions", format!("has {} days; at most {EXCEPTIONS} are possible", exceptions.len())));
        }
        let days = week.days().into_iter().map(|periods| ("week", periods));
        for (field, periods) in days.chain(exceptions.values().map(|periods| ("exceptions", periods))) {
            let in_order = periods.windows(2).all(|two| two[0].until <= two[1].from);
            if !in_order || periods.len() > PERIODS {
                return Err((field, format!("must list at most {PERIODS} periods a day, in order and apart")));
            }
        }
        Ok(())
    }
}
