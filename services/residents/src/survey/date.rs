//! Dates as they are typed into tables.

use chrono::{Days, NaiveDate};

use crate::domain::text::compact;

use super::source::DateSystem;

/// Serial 1 of the 1900 system is 1 January 1900.
const LAST_SERIAL: u64 = 2_958_465;

/// Reads `1990-02-03`, `1990/2/3`, `1990.2.3`, `1990年2月3日`, `19900203` (any of them with a time behind it) and the
/// serial number that a spreadsheet shows for a date whose cell lost its format. None for anything else, and for
/// days that the calendar does not have. A year alone is no date.
pub(super) fn parse_date(text: &str, system: DateSystem) -> Option<NaiveDate> {
    let text = text.trim();
    let day_part = text.split_once([' ', 'T']).filter(|(_, time)| is_time(time)).map_or(text, |(day, _)| day);
    let text = compact(day_part);
    if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        return match text.len() {
            8 => NaiveDate::parse_from_str(&text, "%Y%m%d").ok(),
            1..=6 => {
                text.parse().ok().filter(|serial| !is_year(*serial)).and_then(|serial| from_serial(serial, system))
            }
            _ => None,
        };
    }
    let text = text.strip_suffix(['日', '号']).unwrap_or(&text);
    let mut parts = text.split(['-', '/', '.', '年', '月']).map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1000..=9999).contains(&year) {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// The date of a spreadsheet's serial number. The 1900 system counts a 29 February 1900 that never was: serial 60 is
/// no date, and later ones are one too high.
pub(super) fn from_serial(serial: u64, system: DateSystem) -> Option<NaiveDate> {
    let (epoch, days) = match system {
        _ if serial > LAST_SERIAL => return None,
        DateSystem::From1900 => match serial {
            0 | 60 => return None,
            1..60 => (NaiveDate::from_ymd_opt(1899, 12, 31)?, serial),
            _ => (NaiveDate::from_ymd_opt(1899, 12, 30)?, serial),
        },
        DateSystem::From1904 => (NaiveDate::from_ymd_opt(1904, 1, 1)?, serial),
    };
    epoch.checked_add_days(Days::new(days))
}

fn is_year(serial: u64) -> bool {
    (1800..=2200).contains(&serial)
}

fn is_time(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'Z'))
        && text.contains(':')
}

fn number(part: &str) -> Option<u32> {
    (part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DateSystem, from_serial, parse_date};

    fn read(text: &str) -> Option<String> {
        parse_date(text, DateSystem::From1900).map(|date| date.to_string())
    }

    #[test]
    fn one_day_written_in_every_way() {
        for text in [
            "1990-02-03",
            "1990/2/3",
            "1990.02.03",
            "1990年2月3日",
            "1990 年 2 月 3 日",
            "１９９０年０２月０３日",
            "19900203",
            "1990-02-03 00:00:00",
            "1990-02-03T00:00:00",
            "32907",
        ] {
            assert_eq!(read(text).as_deref(), Some("1990-02-03"), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "1990-02-30",
            "1990-13-01",
            "19900230",
            "1990",
            "1990年2月",
            "90-2-3",
            "3/2/1990",
            "1990-2-3-4",
            "",
            "明天",
            "0",
            "60",
            "1990-02-03 上午",
            "-1990-02-03",
            "1990--03",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn serials_follow_the_workbook() {
        assert_eq!(read("1").as_deref(), Some("1900-01-01"));
        assert_eq!(read("59").as_deref(), Some("1900-02-28"));
        assert_eq!(read("61").as_deref(), Some("1900-03-01"));
        assert_eq!(read("29025").as_deref(), Some("1979-06-19"));
        let mac = from_serial(27563, DateSystem::From1904).map(|date| date.to_string());
        assert_eq!(mac.as_deref(), Some("1979-06-19"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = parse_date(&text, DateSystem::From1900);
        }
    }
}
