//! Times after the W3C note on dates and times, always with an offset.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};

use super::{params::Params, problem::Problem};

/// China has one time zone and no summer time.
const EAST_8: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("eight hours are an offset");
/// Most days that a search spans.
const SPAN: TimeDelta = TimeDelta::days(90);

/// A time as answers have it, to the second.
pub(super) fn written(at: Option<prost_types::Timestamp>) -> Option<String> {
    let at = DateTime::from_timestamp(at?.seconds, 0)?;
    Some(at.with_timezone(&EAST_8).to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Reads a time. A `+` that nobody escaped has become a space, and is taken for what it was.
pub(super) fn read(name: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    let text = text.replace(' ', "+");
    let whole = DateTime::parse_from_rfc3339(&text);
    let to_the_minute = |_| {
        let (time, offset) = match text.strip_suffix('Z') {
            Some(time) => (time, "+00:00"),
            None => text.split_at_checked(text.len().saturating_sub(6)).unwrap_or_default(),
        };
        DateTime::parse_from_rfc3339(&format!("{time}:00{offset}"))
    };
    let read = whole.or_else(to_the_minute).map(|at| at.with_timezone(&Utc));
    read.map_err(|_| Problem::bad(format!("{name} must be a time with its offset, as 2026-11-23T09:00:00+08:00")))
}

/// From when until when a search goes: what `start_date` and `end_date` say, else the last 90 days. The second that is named
/// as its end belongs to it.
pub(super) fn window(params: &Params, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
    let time = |name: &str| params.one(name)?.map(|text| read(name, text)).transpose();
    let past_end = |end: DateTime<Utc>| end + TimeDelta::seconds(1);
    match (time("start_date")?, time("end_date")?) {
        (None, None) => Ok((now - SPAN, past_end(now))),
        (None, Some(end)) => Ok((end - SPAN, past_end(end))),
        (Some(start), None) => Ok((start, past_end(start + SPAN))),
        (Some(start), Some(end)) if end < start => Err(Problem::bad("end_date lies before start_date")),
        (Some(start), Some(end)) if end - start > SPAN => {
            Err(Problem::bad("start_date and end_date are more than 90 days apart: ask for less at once"))
        }
        (Some(start), Some(end)) => Ok((start, past_end(end))),
    }
}

/// A time as the contract has it.
pub(super) fn stamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_offset() {
        let nine = DateTime::from_timestamp(1_795_395_600, 0).unwrap_or_default();
        for text in [
            "2026-11-23T09:00:00+08:00",
            "2026-11-23T09:00:00 08:00",
            "2026-11-23T01:00:00Z",
            "2026-11-23T01:00Z",
            "2026-11-22T20:00-05:00",
        ] {
            assert_eq!(read("start_date", text), Ok(nine), "{text}");
        }
        for wrong in ["2026-11-23T09:00:00", "2026-11-23", "23.11.2026", "", "Z", "邻聚", "2026-02-30T09:00:00Z"] {
            assert!(read("start_date", wrong).is_err(), "{wrong}");
        }
        assert_eq!(written(Some(stamp(nine))).as_deref(), Some("2026-11-23T09:00:00+08:00"));
    }

    #[test]
    fn a_search_spans_ninety_days() -> Result<(), Problem> {
        let now = DateTime::from_timestamp(1_795_395_600, 0).unwrap_or_default();
        let of = |query: &str| Params::read(query, "").and_then(|params| window(&params, now));
        assert_eq!(of("")?, (now - SPAN, now + TimeDelta::seconds(1)));
        assert_eq!(
            of("start_date=2026-01-01T00:00:00Z")?.1 - of("start_date=2026-01-01T00:00:00Z")?.0,
            SPAN + TimeDelta::seconds(1)
        );
        assert!(of("start_date=2026-01-01T00:00:00Z&end_date=2026-04-01T00:00:00Z").is_ok());
        assert!(of("start_date=2026-01-01T00:00:00Z&end_date=2026-04-01T00:00:01Z").is_err());
        assert!(of("start_date=2026-01-02T00:00:00Z&end_date=2026-01-01T00:00:00Z").is_err());
        Ok(())
    }
}
