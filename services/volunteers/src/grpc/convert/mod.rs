//! The contract's words and ours; only here both are known.

pub mod assets;
pub mod catalogue;
pub mod codes;
pub mod directory;
pub mod organisations;
pub mod people;
pub mod proofs;
pub mod rota;
pub mod teams;

use std::str::FromStr;

use chassis::{Fault, data::AreaCode};
use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use prost_types::FieldMask;
use uuid::Uuid;

use crate::{Error, app::Request};

/// Reads an id.
pub fn id<T: FromStr>(field: &'static str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Fault::field(field, "string.uuid", "must be a UUID").into())
}

/// Reads an id that may be left out.
pub fn id_or_none<T: FromStr>(field: &'static str, text: &str) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

/// Reads a day.
pub fn day(field: &'static str, text: &str) -> Result<NaiveDate, Error> {
    text.parse().map_err(|_| Fault::field(field, "date", "is no day of the calendar: write YYYY-MM-DD").into())
}

/// Reads a day that may be left out.
pub fn day_or_none(field: &'static str, text: &str) -> Result<Option<NaiveDate>, Error> {
    if text.is_empty() { Ok(None) } else { day(field, text).map(Some) }
}

/// Reads an area.
pub fn area(field: &'static str, text: &str) -> Result<AreaCode, Error> {
    text.parse().map_err(|e| Fault::field(field, "area", format!("is not known: {e}")).into())
}

/// Reads a list of areas.
pub fn areas(field: &'static str, codes: &[String]) -> Result<Vec<AreaCode>, Error> {
    codes.iter().map(|code| area(field, code)).collect()
}

/// Reads a time.
pub fn time(field: &'static str, at: Option<prost_types::Timestamp>) -> Result<DateTime<Utc>, Error> {
    let at = at.ok_or_else(|| missing(field))?;
    u32::try_from(at.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos))
        .and_then(|at| at.duration_trunc(TimeDelta::microseconds(1)).ok())
        .ok_or_else(|| Fault::field(field, "timestamp", "is no time of the years 1 to 9999").into())
}

/// What must be there is not.
pub fn missing(field: &'static str) -> Error {
    Fault::field(field, "required", "is missing: set it").into()
}

/// The request's id and the whole of it, to know it again.
pub fn request(request_id: &str, message: &impl prost::Message) -> Result<Request, Error> {
    Ok(Request { id: id::<Uuid>("request_id", request_id)?, content: message.encode_to_vec() })
}

/// Which of the fields that can be changed a request means: those of its mask, or where it has none those that are set.
pub fn masked(mask: Option<FieldMask>, fields: &[(&'static str, bool)]) -> Result<Vec<&'static str>, Error> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    if paths.is_empty() {
        return Ok(fields.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect());
    }
    let known = |path: &String| fields.iter().map(|(name, _)| *name).find(|name| name == path);
    let unknown = || {
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        let message = format!("names a field that cannot be changed; those that can: {}", names.join(", "));
        Error::from(Fault::field("update_mask", "known", message))
    };
    paths.iter().map(|path| known(path).ok_or_else(unknown)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_says_what_is_meant() -> Result<(), Error> {
        let fields = [("name", true), ("phone", false)];
        let mask = |paths: &[&str]| Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() });
        assert_eq!(masked(None, &fields)?, ["name"]);
        assert_eq!(masked(mask(&["phone"]), &fields)?, ["phone"], "to be emptied");
        let refused = masked(mask(&["number"]), &fields).expect_err("the number stays");
        assert!(refused.to_string().contains("name, phone"), "{refused}");
        Ok(())
    }
}
