//! Rows of an export, one at a time: the file may be larger than memory.

use std::collections::HashSet;
use std::io::Read;

use chrono::{DateTime, Utc};
use csv::{ReaderBuilder, StringRecord, Terminator};
use thiserror::Error;

use super::decode::{RecordEnd, Utf8Reader};
use super::mapping::{Mapping, Outcome, is_area_code};
use super::row::{Point, Problem, ReadRow, RequestRow, RowProblem};
use crate::domain::{Channel, ImportedOutcome};

const COLUMN_LIMIT: usize = 500;
const CELL_LIMIT: usize = 1000;
const SHOWN: usize = 80;
/// A carriage return before it is trimmed with the cell. The default of `csv` would leave the line feed of CR LF to the
/// next record and so count lines wrongly.
const LINE_END: Terminator = Terminator::Any(b'\n');

/// The whole file cannot be read, or not further.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("the file has no column `{column}`, which the mapping names; it has: {present}")]
    NoSuchColumn { column: String, present: String },
    #[error("the file has two columns `{column}`; rename one of them")]
    ColumnTwice { column: String },
    #[error("the file has {columns} columns, more than {COLUMN_LIMIT}; check `delimiter` in the mapping")]
    TooManyColumns { columns: usize },
    #[error("the file cannot be read")]
    Csv(#[from] csv::Error),
}

/// Where each column of the mapping stands in the file.
struct Places {
    number: usize,
    created: usize,
    updated: Option<usize>,
    closed: usize,
    category: usize,
    status: usize,
    channel: Option<usize>,
    anonymous: Option<usize>,
    address: Option<usize>,
    latitude: Option<usize>,
    longitude: Option<usize>,
    area: Option<usize>,
}

/// An iterator over the rows of an export. After an error it ends.
pub struct RequestReader<'m, R: Read> {
    mapping: &'m Mapping,
    csv: csv::Reader<Utf8Reader<R>>,
    record_end: RecordEnd,
    header: StringRecord,
    places: Places,
    record: StringRecord,
    /// The numbers seen so far; a second row of the same number would quietly overwrite the first.
    numbers: HashSet<Box<str>>,
    failed: bool,
}

impl<'m, R: Read> RequestReader<'m, R> {
    /// Reads the header. `source` is the raw file, in the mapping's encoding.
    pub fn new(source: R, mapping: &'m Mapping) -> Result<Self, ReadError> {
        let (utf8, record_end) = Utf8Reader::new(source, mapping.encoding);
        let mut csv =
            ReaderBuilder::new().delimiter(mapping.delimiter).terminator(LINE_END).flexible(true).from_reader(utf8);
        let mut header = csv.headers()?.clone();
        header.trim();
        record_end.mark();
        if header.len() > COLUMN_LIMIT {
            return Err(ReadError::TooManyColumns { columns: header.len() });
        }
        let places = Places::find(&header, mapping)?;
        let (record, numbers) = (StringRecord::new(), HashSet::new());
        Ok(Self { mapping, csv, record_end, header, places, record, numbers, failed: false })
    }

    /// Fills `record` with the next one that is not blank, and tells the line it begins in.
    fn next_record(&mut self) -> Result<Option<u64>, ReadError> {
        loop {
            let before = self.csv.position().line();
            if !self.csv.read_record(&mut self.record)? {
                return Ok(None);
            }
            self.record_end.mark();
            if self.record.len() == 1 && self.record[0].trim().is_empty() {
                continue;
            }
            // Blank lines that `csv` skipped lie between `before` and the record; the last record may lack its line end.
            let within = self.record.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count() as u64;
            let after = self.csv.position().line() - within;
            return Ok(Some(before.max(after.saturating_sub(1))));
        }
    }

    fn read(&mut self) -> Result<Option<ReadRow>, ReadError> {
        let Some(line) = self.next_record()? else { return Ok(None) };
        let mut cells = Cells { header: &self.header, record: &self.record, line, problems: Vec::new() };
        if self.record.len() != self.header.len() {
            cells.problem_of_row(Problem::ColumnCount, &self.record.len().to_string());
            return Ok(Some(ReadRow::Refused(cells.problems)));
        }
        let row = cells.request(&self.places, self.mapping);
        if let Some(number) = cells.clean(self.places.number)
            && !self.numbers.insert(number.into())
        {
            cells.problem(self.places.number, Problem::DuplicateNumber);
        }
        Ok(Some(match row {
            Some(row) if cells.problems.is_empty() => ReadRow::Request(Box::new(row)),
            _ => ReadRow::Refused(cells.problems),
        }))
    }
}

impl<R: Read> Iterator for RequestReader<'_, R> {
    type Item = Result<ReadRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.read();
        self.failed = row.is_err();
        row.transpose()
    }
}

impl Places {
    fn find(header: &StringRecord, mapping: &Mapping) -> Result<Self, ReadError> {
        let place = |column: &String| {
            let mut found = header.iter().enumerate().filter(|(_, name)| name == column).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(at), None) => Ok(at),
                (Some(_), Some(_)) => Err(ReadError::ColumnTwice { column: column.clone() }),
                (None, _) => Err(ReadError::NoSuchColumn {
                    column: column.clone(),
                    present: header.iter().collect::<Vec<_>>().join(", "),
                }),
            }
        };
        let optional = |column: &Option<String>| column.as_ref().map(place).transpose();
        let columns = &mapping.columns;
        Ok(Self {
            number: place(&columns.number)?,
            created: place(&columns.created)?,
            updated: optional(&columns.updated)?,
            closed: place(&columns.closed)?,
            category: place(&columns.category)?,
            status: place(&columns.status)?,
            channel: optional(&columns.channel)?,
            anonymous: optional(&columns.anonymous)?,
            address: optional(&columns.address)?,
            latitude: optional(&columns.latitude)?,
            longitude: optional(&columns.longitude)?,
            area: optional(&columns.area)?,
        })
    }
}

/// The cells of one row, and what was found wrong with them so far. A method that answers `None` where something is
/// needed has noted a problem.
struct Cells<'r> {
    header: &'r StringRecord,
    record: &'r StringRecord,
    line: u64,
    problems: Vec<RowProblem>,
}

impl<'r> Cells<'r> {
    fn request(&mut self, places: &Places, mapping: &Mapping) -> Option<RequestRow> {
        // Every cell is looked at before the first `?`, so that one report names all problems of the row.
        let number = self.needed(places.number);
        let created_at = self.needed(places.created).and_then(|_| self.time(places.created, mapping));
        let updated_at = places.updated.and_then(|at| self.time(at, mapping));
        let outcome = self.outcome(places, mapping);
        let category = self.look_up(places.category, &mapping.categories, Problem::UnknownCategory);
        let channel = match places.channel {
            Some(at) => self.look_up(at, &mapping.channels, Problem::UnknownChannel),
            None => Some(Channel::Import),
        };
        let anonymous = places.anonymous.and_then(|at| self.look_up(at, &mapping.anonymous, Problem::UnknownAnonymous));
        let address = places.address.and_then(|at| self.checked(at));
        let point = places.latitude.zip(places.longitude).and_then(|(lat, lon)| self.point(lat, lon));
        let area = match places.area {
            Some(at) => self.area(at),
            None => mapping.area.clone(),
        };
        let created_at = created_at?;
        if let Some(at) = places.updated
            && updated_at.is_some_and(|updated_at| updated_at < created_at)
        {
            self.problem(at, Problem::UpdatedBeforeCreated);
        }
        let outcome = outcome?;
        if outcome.ended_at().is_some_and(|ended_at| ended_at < created_at) {
            self.problem(places.closed, Problem::ClosedBeforeCreated);
        }
        Some(RequestRow {
            line: self.line,
            number: number?.to_owned(),
            created_at,
            updated_at,
            outcome,
            category: category?,
            channel: channel?,
            anonymous,
            address: address.map(str::to_owned),
            point,
            area: area?,
        })
    }

    fn outcome(&mut self, places: &Places, mapping: &Mapping) -> Option<ImportedOutcome> {
        let ended_before = self.problems.len();
        let ended_at = self.time(places.closed, mapping);
        let unreadable = self.problems.len() > ended_before;
        let outcome = self.look_up(places.status, &mapping.outcomes, Problem::UnknownStatus)?;
        match (outcome, ended_at) {
            _ if unreadable => None,
            (Outcome::Open, None) => Some(ImportedOutcome::Open),
            (Outcome::Closed, Some(at)) => Some(ImportedOutcome::Closed(at)),
            (Outcome::Withdrawn, Some(at)) => Some(ImportedOutcome::Withdrawn(at)),
            (Outcome::Referred, Some(at)) => Some(ImportedOutcome::Referred(at)),
            (Outcome::Open, Some(_)) => self.fail(places.closed, Problem::OpenWithClosedTime),
            (Outcome::Closed | Outcome::Withdrawn | Outcome::Referred, None) => {
                self.fail(places.closed, Problem::MissingClosedTime)
            }
        }
    }

    /// The trimmed text of a cell; `None` where it is empty or not fit to be stored.
    fn clean(&self, at: usize) -> Option<&'r str> {
        let text = self.text(at);
        (!text.is_empty() && unfit(text).is_none()).then_some(text)
    }

    fn text(&self, at: usize) -> &'r str {
        self.record.get(at).unwrap_or_default().trim()
    }

    /// As `clean`, noting what is unfit.
    fn checked(&mut self, at: usize) -> Option<&'r str> {
        let text = self.text(at);
        if text.is_empty() {
            return None;
        }
        match unfit(text) {
            Some(problem) => self.fail(at, problem),
            None => Some(text),
        }
    }

    fn needed(&mut self, at: usize) -> Option<&'r str> {
        if self.text(at).is_empty() { self.fail(at, Problem::Missing) } else { self.checked(at) }
    }

    fn time(&mut self, at: usize, mapping: &Mapping) -> Option<DateTime<Utc>> {
        let text = self.text(at);
        if text.is_empty() {
            return None;
        }
        match mapping.time_format.read(text, mapping.zone, mapping.ambiguous) {
            Ok(time) => Some(time),
            Err(problem) => self.fail(at, problem),
        }
    }

    fn look_up<T: Clone>(
        &mut self,
        at: usize,
        table: &std::collections::HashMap<String, T>,
        unknown: Problem,
    ) -> Option<T> {
        let text = self.needed(at)?;
        match table.get(text) {
            Some(meaning) => Some(meaning.clone()),
            None => self.fail(at, unknown),
        }
    }

    fn point(&mut self, latitude: usize, longitude: usize) -> Option<Point> {
        match (self.text(latitude).is_empty(), self.text(longitude).is_empty()) {
            (true, true) => None,
            (true, false) => self.fail(latitude, Problem::HalfCoordinate),
            (false, true) => self.fail(longitude, Problem::HalfCoordinate),
            (false, false) => {
                let (latitude, longitude) = (self.degrees(latitude, 90.0), self.degrees(longitude, 180.0));
                Some(Point { latitude: latitude?, longitude: longitude? })
            }
        }
    }

    fn degrees(&mut self, at: usize, limit: f64) -> Option<f64> {
        match self.text(at).parse::<f64>() {
            Ok(degrees) if degrees.abs() <= limit => Some(degrees),
            _ => self.fail(at, Problem::BadCoordinate),
        }
    }

    fn area(&mut self, at: usize) -> Option<String> {
        let code = self.needed(at)?;
        if is_area_code(code) { Some(code.to_owned()) } else { self.fail(at, Problem::BadArea) }
    }

    fn fail<T>(&mut self, at: usize, problem: Problem) -> Option<T> {
        self.problem(at, problem);
        None
    }

    fn problem(&mut self, at: usize, problem: Problem) {
        let column = self.header.get(at).unwrap_or_default().to_owned();
        let value = self.text(at).chars().take(SHOWN).collect();
        self.problems.push(RowProblem { line: self.line, column, problem, value });
    }

    fn problem_of_row(&mut self, problem: Problem, value: &str) {
        self.problems.push(RowProblem { line: self.line, column: String::new(), problem, value: value.to_owned() });
    }
}

/// Why a text is not fit to be stored. U+FFFD is what the decoder puts where bytes made no character.
fn unfit(text: &str) -> Option<Problem> {
    if text.chars().count() > CELL_LIMIT {
        Some(Problem::TooLong)
    } else if text.contains(char::REPLACEMENT_CHARACTER) {
        Some(Problem::BadEncoding)
    } else if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(Problem::ControlCharacter)
    } else {
        None
    }
}
