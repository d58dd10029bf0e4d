//! One row of an export: read, or what is wrong with it.

use chrono::{DateTime, Utc};

use super::mapping::AREA_RULE;
use crate::domain::{CategoryCode, Channel, Imported, ImportedOutcome};

/// A request as the export has it, in our codes and in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRow {
    /// Where the row begins; the header is line 1.
    pub line: u64,
    /// The other system's number: unique in the file.
    pub number: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
    pub outcome: ImportedOutcome,
    pub category: CategoryCode,
    pub channel: Channel,
    /// `None` where the export does not say.
    pub anonymous: Option<bool>,
    pub address: Option<String>,
    pub point: Option<Point>,
    /// 6, 9, 12 or 15 digits.
    pub area: String,
}

impl RequestRow {
    /// What [`crate::domain::import`] takes.
    pub fn imported(&self) -> Imported {
        Imported {
            channel: self.channel,
            category: self.category.clone(),
            reported_at: self.created_at,
            outcome: self.outcome,
        }
    }
}

/// WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub latitude: f64,
    pub longitude: f64,
}

/// A row after reading.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadRow {
    Request(Box<RequestRow>),
    /// Everything that is wrong with it, so that it is mended in one go.
    Refused(Vec<RowProblem>),
}

/// One thing that is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Where the row begins; the header is line 1.
    pub line: u64,
    /// The column's name in the file; empty where the whole row is meant.
    pub column: String,
    pub problem: Problem,
    /// What stands there, cut to 80 characters.
    pub value: String,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    Missing,
    DuplicateNumber,
    TooLong,
    ControlCharacter,
    BadEncoding,
    ColumnCount,
    BadTime,
    AmbiguousTime,
    NonexistentTime,
    ClosedBeforeCreated,
    UpdatedBeforeCreated,
    MissingClosedTime,
    OpenWithClosedTime,
    UnknownCategory,
    UnknownStatus,
    UnknownChannel,
    UnknownAnonymous,
    BadCoordinate,
    HalfCoordinate,
    BadArea,
}

impl Problem {
    /// The reason for programs: stable, in capitals.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::DuplicateNumber => "DUPLICATE_NUMBER",
            Self::TooLong => "TOO_LONG",
            Self::ControlCharacter => "CONTROL_CHARACTER",
            Self::BadEncoding => "BAD_ENCODING",
            Self::ColumnCount => "COLUMN_COUNT",
            Self::BadTime => "BAD_TIME",
            Self::AmbiguousTime => "AMBIGUOUS_TIME",
            Self::NonexistentTime => "NONEXISTENT_TIME",
            Self::ClosedBeforeCreated => "CLOSED_BEFORE_CREATED",
            Self::UpdatedBeforeCreated => "UPDATED_BEFORE_CREATED",
            Self::MissingClosedTime => "MISSING_CLOSED_TIME",
            Self::OpenWithClosedTime => "OPEN_WITH_CLOSED_TIME",
            Self::UnknownCategory => "UNKNOWN_CATEGORY",
            Self::UnknownStatus => "UNKNOWN_STATUS",
            Self::UnknownChannel => "UNKNOWN_CHANNEL",
            Self::UnknownAnonymous => "UNKNOWN_ANONYMOUS",
            Self::BadCoordinate => "BAD_COORDINATE",
            Self::HalfCoordinate => "HALF_COORDINATE",
            Self::BadArea => "BAD_AREA",
        }
    }

    /// The rule and what to do, for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Missing => "must not be empty; fill it in",
            Self::DuplicateNumber => "stands in the file a second time; keep one of the rows",
            Self::TooLong => "has more than 1,000 characters; shorten it",
            Self::ControlCharacter => "holds a control character; delete it",
            Self::BadEncoding => "cannot be read in this encoding; set `encoding` in the mapping",
            Self::ColumnCount => {
                "the row has more or fewer columns than the header; look for a stray delimiter or quote"
            }
            Self::BadTime => "does not follow `time_format` of the mapping; correct the value or the format",
            Self::AmbiguousTime => {
                "the clock showed this time twice; correct it, or set `ambiguous_time` in the mapping"
            }
            Self::NonexistentTime => "no clock in the mapping's `time_zone` showed this time; correct it",
            Self::ClosedBeforeCreated | Self::UpdatedBeforeCreated => {
                "lies before the request was created; correct one of the two"
            }
            Self::MissingClosedTime => "the state says that it has ended, so the time of that is needed; fill it in",
            Self::OpenWithClosedTime => "the state says open, yet there is a time of closing; correct one of the two",
            Self::UnknownCategory => "is not in the mapping's table [category]; add it there",
            Self::UnknownStatus => "is not in the mapping's table [status]; add it there",
            Self::UnknownChannel => "is not in the mapping's table [channel]; add it there",
            Self::UnknownAnonymous => "is not in the mapping's table [anonymous]; add it there",
            Self::BadCoordinate => "is no WGS84 degree (latitude -90 to 90, longitude -180 to 180); correct it",
            Self::HalfCoordinate => "is empty while its other half is not; fill in both or neither",
            Self::BadArea => AREA_RULE,
        }
    }
}
