//! Times as an export writes them: local, without a zone, in a format of the city's own.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::mapping::Ambiguous;
use super::row::Problem;

/// A `strftime` format that is known to carry a whole date and time.
#[derive(Debug, Clone)]
pub(super) struct TimeFormat {
    items: Vec<Item<'static>>,
    /// The format carries an offset from UTC, so that no zone is asked.
    has_offset: bool,
}

impl TimeFormat {
    pub(super) fn new(format: &str) -> Result<Self, &'static str> {
        let items = StrftimeItems::new(format).parse_to_owned().map_err(|_| "an unknown % in a strftime format")?;
        let sample = sample();
        let written = sample.format_with_items(items.iter()).to_string();
        let mut parsed = Parsed::new();
        parse(&mut parsed, &written, items.iter()).map_err(|_| "a format that cannot be read back")?;
        let has_offset = parsed.offset().is_some();
        let whole = if has_offset { parsed.to_datetime().map(|at| at.naive_local()) } else { local(&parsed) };
        match whole {
            Ok(at) if at == sample.naive_local() => Ok(Self { items, has_offset }),
            _ => Err("must carry year, month, day, hour (with %p where it counts to 12), minute and second"),
        }
    }

    /// The instant that `text` means in `zone`.
    pub(super) fn read(&self, text: &str, zone: Tz, ambiguous: Ambiguous) -> Result<DateTime<Utc>, Problem> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).map_err(|_| Problem::BadTime)?;
        if self.has_offset {
            return Ok(parsed.to_datetime().map_err(|_| Problem::BadTime)?.to_utc());
        }
        let local = local(&parsed).map_err(|_| Problem::BadTime)?;
        match (zone.from_local_datetime(&local), ambiguous) {
            (LocalResult::Single(at), _)
            | (LocalResult::Ambiguous(at, _), Ambiguous::Earlier)
            | (LocalResult::Ambiguous(_, at), Ambiguous::Later) => Ok(at.to_utc()),
            (LocalResult::Ambiguous(..), Ambiguous::Reject) => Err(Problem::AmbiguousTime),
            (LocalResult::None, _) => Err(Problem::NonexistentTime),
        }
    }
}

fn local(parsed: &Parsed) -> chrono::ParseResult<NaiveDateTime> {
    parsed.to_naive_datetime_with_offset(0)
}

/// A time whose parts all differ, in the afternoon, so that no part can stand for another.
fn sample() -> DateTime<FixedOffset> {
    let offset = FixedOffset::east_opt(8 * 3600).expect("eight hours are an offset");
    let local = NaiveDate::from_ymd_opt(2017, 11, 23).and_then(|day| day.and_hms_opt(15, 42, 36));
    offset.from_local_datetime(&local.expect("a real time")).single().expect("a fixed offset has every time once")
}
