//! Public holidays and make-up working days, year by year, as the State Council announces them. The file format is that of
//! NateScarlet/holiday-cn: `{"year": 2026, "papers": [...], "days": [{"name", "date", "isOffDay"}]}`.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a notice makes of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// It says nothing of it.
    Ordinary,
    Off,
    /// 调休: a day of the weekend on which people work.
    Working,
}

/// The notice for one year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolidayYear {
    pub year: i32,
    /// Off or working, by day.
    pub days: BTreeMap<NaiveDate, bool>,
}

/// All notices that were loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holidays(BTreeMap<i32, BTreeMap<NaiveDate, bool>>);

/// A file of holidays that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HolidayFileError {
    #[error("line {line}: {rule}")]
    Json { line: usize, rule: String },
    #[error("{date} is of another year or stands twice; a file holds each special day of {year} once")]
    Day { date: NaiveDate, year: i32 },
    #[error("names no special days of {year}; the notice of a year has at least the seven public holidays")]
    Empty { year: i32 },
    #[error("is for the year {0}; write a year from 1990 to 2200")]
    Year(i32),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    year: i32,
    days: Vec<Day>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    date: NaiveDate,
    is_off_day: bool,
}

impl HolidayYear {
    /// Reads one file.
    pub fn read(text: &str) -> Result<Self, HolidayFileError> {
        let File { year, days } = serde_json::from_str(text)
            .map_err(|error| HolidayFileError::Json { line: error.line(), rule: error.to_string() })?;
        if !(1990..=2200).contains(&year) {
            return Err(HolidayFileError::Year(year));
        }
        let mut found = BTreeMap::new();
        for Day { date, is_off_day } in days {
            // A notice may already name days of the turn of the year.
            let near = (i64::from(date.year()) - i64::from(year)).abs() <= 1;
            if !near || found.insert(date, is_off_day).is_some() {
                return Err(HolidayFileError::Day { date, year });
            }
        }
        if found.is_empty() {
            return Err(HolidayFileError::Empty { year });
        }
        Ok(Self { year, days: found })
    }
}

impl Holidays {
    pub fn new(years: impl IntoIterator<Item = HolidayYear>) -> Self {
        Self(years.into_iter().map(|HolidayYear { year, days }| (year, days)).collect())
    }

    /// Whether the notice of this year was loaded.
    pub fn knows(&self, year: i32) -> bool {
        self.0.contains_key(&year)
    }

    pub fn years(&self) -> impl Iterator<Item = i32> {
        self.0.keys().copied()
    }

    /// The notice of the day's own year goes before one that only looks over the turn of the year.
    pub(super) fn kind(&self, day: NaiveDate) -> DayKind {
        let year = day.year();
        let found = [year, year + 1, year - 1].into_iter().find_map(|year| self.0.get(&year)?.get(&day));
        match found {
            None => DayKind::Ordinary,
            Some(true) => DayKind::Off,
            Some(false) => DayKind::Working,
        }
    }
}
