//! The published directory, in the contract's words and in ours.

use chassis::Fault;
use chrono::{DateTime, NaiveDate, Utc};
use linju_proto::volunteers::v1;
use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::Value as Json;

use super::id_or_none;
use crate::{
    Error,
    domain::{
        catalogue::hsds::{Depth, Page, Wanted},
        china,
    },
};

/// Services on a page that asks for no number.
const PER_PAGE: usize = 50;

/// Which services, how much of each, and which page of how many.
pub fn wanted(message: v1::ListDirectoryServicesRequest) -> Result<(Wanted, Depth, (usize, usize)), Error> {
    let v1::ListDirectoryServicesRequest {
        search,
        page,
        per_page,
        format: _,
        taxonomy_term_id,
        taxonomy_id,
        organization_id,
        modified_after,
        minimal,
        full,
    } = message;
    let depth = match (minimal, full) {
        (true, _) => Depth::Minimal,
        (false, Some(false)) => Depth::Plain,
        (false, None | Some(true)) => Depth::Full,
    };
    let wanted = Wanted {
        search,
        organization_id: id_or_none("organization_id", &organization_id)?,
        modified_after: modified(&modified_after)?,
        of_taxonomy: !taxonomy_term_id.is_empty() || !taxonomy_id.is_empty(),
    };
    let number = |said: i32, unsaid: usize| usize::try_from(said).ok().filter(|said| *said > 0).unwrap_or(unsaid);
    Ok((wanted, depth, (number(page, 1), number(per_page, PER_PAGE))))
}

/// A time, or a day, which begins in China.
fn modified(text: &str) -> Result<Option<DateTime<Utc>>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = || text.parse::<NaiveDate>().ok().map(china::start_of);
    let at = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()).or_else(day);
    let wrong = "is neither a day nor a time with its zone: write 2026-11-23 or 2026-11-23T08:00:00+08:00";
    at.map(Some).ok_or_else(|| Fault::field("modified_after", "timestamp", wrong).into())
}

/// A page as the contract shows it.
pub fn page(page: Page) -> v1::DirectoryPage {
    let Page { total_items, total_pages, page_number, size, first_page, last_page, empty, contents } = page;
    let count = |number: usize| Some(i32::try_from(number).unwrap_or(i32::MAX));
    v1::DirectoryPage {
        total_items: count(total_items),
        total_pages: count(total_pages),
        page_number: count(page_number),
        size: count(size),
        first_page: Some(first_page),
        last_page: Some(last_page),
        empty: Some(empty),
        contents: Some(ListValue { values: contents.into_iter().map(value).collect() }),
    }
}

/// One service as the contract shows it.
pub fn entry(service: Json) -> v1::DirectoryEntry {
    let service = match value(service).kind {
        Some(Kind::StructValue(fields)) => Some(fields),
        _ => None,
    };
    v1::DirectoryEntry { service }
}

fn value(json: Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(value),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(value).collect() }),
        Json::Object(fields) => {
            Kind::StructValue(Struct { fields: fields.into_iter().map(|(name, json)| (name, value(json))).collect() })
        }
    };
    Value { kind: Some(kind) }
}
