//! Days in China, which has one time zone and no summer time.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};

const EAST_8: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("eight hours are an offset");

/// When a day begins.
pub fn midnight(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    midnight.and_local_timezone(EAST_8).single().map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}
