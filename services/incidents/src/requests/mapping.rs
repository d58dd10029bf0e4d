//! The mapping file: what the columns and values of a city's export mean here.

use std::collections::HashMap;
use std::str::FromStr;

use chrono_tz::Tz;
use encoding_rs::Encoding;
use serde::Deserialize;
use thiserror::Error;

use super::local_time::TimeFormat;
use crate::domain::{CategoryCode, Channel};

/// What became of a request, in our words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Open,
    /// Closed in the other system. That is no proof that the reporter agreed.
    Closed,
    Withdrawn,
    /// Passed on to somebody else.
    Referred,
}

/// What to do with a local time that a clock showed twice, in the hour when summer time ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ambiguous {
    /// Report the row: the file does not say which of the two it was.
    #[default]
    Reject,
    Earlier,
    Later,
}

/// A mapping whose every word has been checked.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) system: String,
    pub(super) columns: Columns,
    /// The area of all requests; `None` where a column says it.
    pub(super) area: Option<String>,
    pub(super) zone: Tz,
    pub(super) time_format: TimeFormat,
    pub(super) ambiguous: Ambiguous,
    pub(super) delimiter: u8,
    pub(super) encoding: &'static Encoding,
    pub(super) categories: HashMap<String, CategoryCode>,
    pub(super) outcomes: HashMap<String, Outcome>,
    pub(super) channels: HashMap<String, Channel>,
    pub(super) anonymous: HashMap<String, bool>,
}

/// The names of the columns in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Columns {
    pub(super) number: String,
    pub(super) created: String,
    pub(super) updated: Option<String>,
    pub(super) closed: String,
    pub(super) category: String,
    pub(super) status: String,
    pub(super) channel: Option<String>,
    pub(super) anonymous: Option<String>,
    pub(super) address: Option<String>,
    pub(super) latitude: Option<String>,
    pub(super) longitude: Option<String>,
    pub(super) area: Option<String>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    system: String,
    area: Option<String>,
    time_zone: String,
    time_format: String,
    #[serde(default)]
    ambiguous_time: Ambiguous,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default = "utf_8")]
    encoding: String,
    columns: Columns,
    category: HashMap<String, String>,
    status: HashMap<String, Outcome>,
    #[serde(default)]
    channel: HashMap<String, Channel>,
    #[serde(default)]
    anonymous: HashMap<String, bool>,
}

fn comma() -> String {
    ",".to_owned()
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

/// A mapping that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    #[error("the mapping is not as it should be: {0}")]
    Toml(String),
    #[error("`{key}` = \"{value}\": {rule}")]
    Value { key: String, value: String, rule: String },
    #[error("{0}")]
    Contradiction(&'static str),
}

impl Mapping {
    /// What the export's categories are called here, in the order of their names there.
    pub fn categories(&self) -> impl Iterator<Item = (&str, &CategoryCode)> {
        let mut all: Vec<_> = self.categories.iter().map(|(source, code)| (source.as_str(), code)).collect();
        all.sort_unstable();
        all.into_iter()
    }
}

impl FromStr for Mapping {
    type Err = MappingError;

    /// Reads the TOML text of a mapping.
    fn from_str(text: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(text).map_err(|error| MappingError::Toml(error.to_string()))?;
        check_contradictions(&file)?;
        let File {
            system,
            area,
            time_zone,
            time_format,
            ambiguous_time,
            delimiter,
            encoding,
            columns,
            category,
            status,
            channel,
            anonymous,
        } = file;
        if let Some(area) = &area {
            ensure(is_area_code(area), "area", area, AREA_RULE)?;
        }
        let zone = Tz::from_str(&time_zone)
            .map_err(|_| bad("time_zone", &time_zone, "use an IANA name, for example Asia/Shanghai"))?;
        let encoding_found = Encoding::for_label(encoding.as_bytes())
            .filter(|found| found.name() != "replacement")
            .ok_or_else(|| bad("encoding", &encoding, "use utf-8, gb18030 or another name of the Encoding Standard"))?;
        let is_name = (1..=40).contains(&system.len())
            && system.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        ensure(is_name, "system", &system, "use 1 to 40 small letters, digits and `_`, for example la311")?;
        Ok(Self {
            system,
            columns,
            area,
            zone,
            time_format: TimeFormat::new(&time_format).map_err(|rule| bad("time_format", &time_format, rule))?,
            ambiguous: ambiguous_time,
            delimiter: one_ascii_byte(&delimiter)?,
            encoding: encoding_found,
            categories: categories(category)?,
            outcomes: status,
            channels: channel,
            anonymous,
        })
    }
}

impl Mapping {
    /// The other system's name. With its numbers it says which request is which, in this file and in later ones.
    pub fn system(&self) -> &str {
        &self.system
    }
}

pub(super) const AREA_RULE: &str = "an area code has 6, 9, 12 or 15 digits";

/// County, subdistrict, community or grid.
pub(super) fn is_area_code(code: &str) -> bool {
    matches!(code.len(), 6 | 9 | 12 | 15) && code.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_contradictions(file: &File) -> Result<(), MappingError> {
    let File { area, columns, channel, anonymous, .. } = file;
    let found = [
        (area.is_some() == columns.area.is_some(), "give either `area` (for all rows) or `columns.area`"),
        (columns.latitude.is_some() != columns.longitude.is_some(), "name both `latitude` and `longitude`, or neither"),
        (columns.channel.is_none() != channel.is_empty(), "`columns.channel` and the table [channel] go together"),
        (
            columns.anonymous.is_none() != anonymous.is_empty(),
            "`columns.anonymous` and the table [anonymous] go together",
        ),
    ];
    match found.into_iter().find(|(wrong, _)| *wrong) {
        Some((_, rule)) => Err(MappingError::Contradiction(rule)),
        None => Ok(()),
    }
}

fn categories(table: HashMap<String, String>) -> Result<HashMap<String, CategoryCode>, MappingError> {
    let parse = |(source, code): (String, String)| match code.parse() {
        Ok(code) => Ok((source, code)),
        Err(error) => Err(bad(&format!("category.{source}"), &code, &format!("{error}"))),
    };
    table.into_iter().map(parse).collect()
}

fn one_ascii_byte(delimiter: &str) -> Result<u8, MappingError> {
    match delimiter.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err(bad("delimiter", delimiter, "use one ASCII character, for example \",\" or \"\\t\"")),
    }
}

fn ensure(holds: bool, key: &str, value: &str, rule: &str) -> Result<(), MappingError> {
    if holds { Ok(()) } else { Err(bad(key, value, rule)) }
}

fn bad(key: &str, value: &str, rule: &str) -> MappingError {
    MappingError::Value { key: key.to_owned(), value: value.to_owned(), rule: rule.to_owned() }
}
