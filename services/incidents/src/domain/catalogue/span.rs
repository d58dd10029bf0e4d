//! How long something may take, as an office writes it: `30m`, `2h`, `3d` by the calendar, `8wh` and `5wd` in working time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanUnit {
    Minute,
    Hour,
    /// 24 hours.
    Day,
    WorkingHour,
    /// As many working hours as an ordinary day of the unit's calendar has.
    WorkingDay,
}

impl SpanUnit {
    const ALL: [(&'static str, Self); 5] =
        [("wh", Self::WorkingHour), ("wd", Self::WorkingDay), ("m", Self::Minute), ("h", Self::Hour), ("d", Self::Day)];

    /// Whether it counts working time only.
    pub const fn is_working(self) -> bool {
        matches!(self, Self::WorkingHour | Self::WorkingDay)
    }
}

/// A time promise: 1 to 9999 of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    pub count: u16,
    pub unit: SpanUnit,
}

/// A text that is no time promise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no length of time; write 1 to 9999 and m, h or d, or wh or wd for working hours and days, as in `5wd`"
)]
pub struct NotASpan(String);

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let refused = || NotASpan(text.chars().take(20).collect());
        let found = SpanUnit::ALL.iter().find_map(|(end, unit)| Some((text.strip_suffix(end)?, *unit)));
        let (number, unit) = found.ok_or_else(refused)?;
        let plain = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        match number.parse() {
            Ok(count @ 1..=9999) if plain => Ok(Self { count, unit }),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = SpanUnit::ALL.iter().find(|(_, unit)| *unit == self.unit).map_or("", |(end, _)| end);
        write!(f, "{}{end}", self.count)
    }
}

impl TryFrom<String> for Span {
    type Error = NotASpan;

    fn try_from(text: String) -> Result<Self, NotASpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["1m", "30m", "24h", "9999d", "8wh", "5wd"] {
            assert_eq!(text.parse::<Span>().expect("a span").to_string(), text);
        }
        for text in ["", "5", "wd", "0h", "05h", "-1h", "+1h", "10000h", "5 wd", "5WD", "1.5h", "5w"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
