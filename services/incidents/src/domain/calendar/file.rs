//! The office's file of hours: TOML, one `[[calendar]]` a unit. The unit `""` is the office itself, whose hours count where a
//! unit has none of its own.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::{HolidayYear, Hours, Period, Week};
use crate::domain::catalogue::FileProblem;

/// The hours of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitCalendar {
    /// Empty: the office.
    pub unit: String,
    pub hours: Hours,
}

/// What a calendar file may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalendarFile {
    Holidays(HolidayYear),
    Units(Vec<UnitCalendar>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    calendar: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    unit: Spanned<String>,
    week: Week,
    #[serde(default = "super::yes")]
    holidays: bool,
    #[serde(default)]
    exceptions: std::collections::BTreeMap<chrono::NaiveDate, Vec<Period>>,
}

/// Reads a file: JSON is a year's holidays, TOML the hours of units.
pub fn read(text: &str) -> Result<CalendarFile, Vec<FileProblem>> {
    let problem = |line, place: String, rule: String| FileProblem { line, place, rule };
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        let year = HolidayYear::read(text.trim_start_matches('\u{feff}'));
        let line = |error: &super::HolidayFileError| match error {
            super::HolidayFileError::Json { line, .. } => *line,
            _ => 1,
        };
        return year
            .map(CalendarFile::Holidays)
            .map_err(|error| vec![problem(line(&error), "file".to_owned(), error.to_string())]);
    }
    let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let File { calendar } = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        vec![problem(line, "file".to_owned(), error.message().to_owned())]
    })?;
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    let mut units = Vec::with_capacity(calendar.len());
    for Entry { unit, week, holidays, exceptions } in calendar {
        let line = line_of(unit.span().start);
        let unit = unit.into_inner();
        let hours = Hours { week, holidays, exceptions };
        if unit.chars().count() > 60 || !seen.insert(unit.clone()) {
            let rule = "must be a code of at most 60 characters, each unit once".to_owned();
            problems.push(problem(line, format!("`{unit}` unit"), rule));
        }
        if let Err((field, rule)) = hours.check() {
            problems.push(problem(line, format!("`{unit}` {field}"), rule));
        }
        units.push(UnitCalendar { unit, hours });
    }
    if problems.is_empty() { Ok(CalendarFile::Units(units)) } else { Err(problems) }
}
