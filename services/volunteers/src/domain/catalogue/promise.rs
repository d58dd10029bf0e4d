//! How soon somebody comes, as an office writes it: `30m`, `2h`, `3d` by the calendar, `8wh` and `5wd` in working time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Minute,
    Hour,
    /// 24 hours.
    Day,
    WorkingHour,
    WorkingDay,
}

impl Unit {
    const ALL: [(&'static str, Self); 5] =
        [("wh", Self::WorkingHour), ("wd", Self::WorkingDay), ("m", Self::Minute), ("h", Self::Hour), ("d", Self::Day)];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Minute => ("分钟", "minute"),
            Self::Hour => ("小时", "hour"),
            Self::Day => ("天", "day"),
            Self::WorkingHour => ("个工作小时", "working hour"),
            Self::WorkingDay => ("个工作日", "working day"),
        }
    }
}

/// 1 to 9999 of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Promise {
    pub count: u16,
    pub unit: Unit,
}

/// A text that is no promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no length of time: write 1 to 9999 and m, h or d, or wh or wd in working time, as in `2h`")]
pub struct NotAPromise;

impl Promise {
    /// In Chinese.
    pub fn zh(self) -> String {
        format!("{}{}", self.count, self.unit.words().0)
    }

    /// In English.
    pub fn en(self) -> String {
        format!("{} {}{}", self.count, self.unit.words().1, if self.count == 1 { "" } else { "s" })
    }
}

impl FromStr for Promise {
    type Err = NotAPromise;

    fn from_str(text: &str) -> Result<Self, NotAPromise> {
        let found = Unit::ALL.iter().find_map(|(end, unit)| Some((text.strip_suffix(end)?, *unit)));
        let (number, unit) = found.ok_or(NotAPromise)?;
        let plain = number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0');
        match number.parse() {
            Ok(count @ 1..=9999) if plain => Ok(Self { count, unit }),
            _ => Err(NotAPromise),
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = Unit::ALL.iter().find(|(_, unit)| *unit == self.unit).map_or("", |(end, _)| *end);
        write!(f, "{}{end}", self.count)
    }
}

impl TryFrom<String> for Promise {
    type Error = NotAPromise;

    fn try_from(text: String) -> Result<Self, NotAPromise> {
        text.parse()
    }
}

impl From<Promise> for String {
    fn from(promise: Promise) -> Self {
        promise.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn promises_are_told_in_both_languages() {
        let promise: Promise = "2wd".parse().expect("a promise");
        assert_eq!((promise.zh().as_str(), promise.en().as_str()), ("2个工作日", "2 working days"));
        assert_eq!("1h".parse::<Promise>().map(Promise::en), Ok("1 hour".to_owned()));
        for wrong in ["", "h", "0h", "02h", "10000h", "-1h", "+1h", "2", "2x", "２h", "2 h"] {
            assert_eq!(wrong.parse::<Promise>(), Err(NotAPromise), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(count in 1u16..=9999, unit in 0usize..5) {
            let promise = Promise { count, unit: Unit::ALL[unit].1 };
            prop_assert_eq!(promise.to_string().parse(), Ok(promise));
        }
    }
}
