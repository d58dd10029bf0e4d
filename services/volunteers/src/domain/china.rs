//! Days: China has one time for all, eight hours before UTC.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

const EIGHT_HOURS: TimeDelta = TimeDelta::hours(8);

/// The day it is in China.
pub fn day_of(at: DateTime<Utc>) -> NaiveDate {
    local(at).date()
}

/// Day and time of day in China.
pub fn local(at: DateTime<Utc>) -> NaiveDateTime {
    (at + EIGHT_HOURS).naive_utc()
}

/// When the day begins in China.
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    FixedOffset::east_opt(8 * 3600)
        .and_then(|china| midnight.and_local_timezone(china).single())
        .map_or_else(|| midnight.and_utc() - EIGHT_HOURS, |at| at.to_utc())
}

/// When the day after begins: from then on what held through the day holds no longer.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    start_of(day) + TimeDelta::days(1)
}

/// The Monday of the week that holds the day.
pub fn monday_of(day: NaiveDate) -> NaiveDate {
    day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_day_begins_eight_hours_before_utc() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
        assert_eq!(start_of(day), at("2026-11-22T16:00:00Z"));
        assert_eq!(end_of(day), at("2026-11-23T16:00:00Z"));
        assert_eq!(day_of(at("2026-11-22T15:59:59Z")), day - TimeDelta::days(1));
        assert_eq!(day_of(start_of(day)), day);
    }

    #[test]
    fn weeks_begin_on_monday() {
        let monday = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
        for days in 0..7 {
            assert_eq!(monday_of(monday + TimeDelta::days(days)), monday);
        }
        assert_eq!(monday_of(monday - TimeDelta::days(1)), monday - TimeDelta::days(7));
    }
}
