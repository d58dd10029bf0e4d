//! The only place that knows both the words of the contract and the tables of grants.

use chassis::{
    access::{Call, Cover, Role, role_of},
    data::{AreaCode, Keyring, NotAnArea, Page, RequestKey},
};
use chrono::{DateTime, Utc};
use linju_proto::gateway::v1::{
    CreateGrantRequest, CreateMandateRequest, Grant, ListGrantsRequest, ListMandatesRequest, Mandate,
};
use prost::Message;
use uuid::Uuid;

use super::{
    error::GrantError,
    give::NewGrant,
    mandates::NewMandate,
    store::{Wanted, grant, mandate},
};

/// Names the request of a call. The content is kept as a keyed hash.
pub(super) fn request_key(
    keys: &Keyring,
    call: &Call,
    request_id: &str,
    content: &impl Message,
) -> Result<RequestKey, GrantError> {
    let content = keys.index("requests.content", content.encode_to_vec());
    let request_id = id_of("request_id", request_id)?;
    Ok(RequestKey { caller: call.subject().to_owned(), method: call.method(), request_id, content })
}

pub(super) fn id_of(field: &'static str, text: &str) -> Result<Uuid, GrantError> {
    text.parse().map_err(|_| GrantError::field(field, "string.uuid", "must be a UUID"))
}

fn optional_id(field: &'static str, text: &str) -> Result<Option<Uuid>, GrantError> {
    if text.is_empty() { Ok(None) } else { id_of(field, text).map(Some) }
}

fn area_of(text: &str) -> Result<AreaCode, GrantError> {
    text.parse().map_err(|e: NotAnArea| GrantError::field("area_code", "area.code", format!("is none: {e}")))
}

fn optional_area(text: &str) -> Result<Option<AreaCode>, GrantError> {
    if text.is_empty() { Ok(None) } else { area_of(text).map(Some) }
}

fn time_of(field: &'static str, time: Option<prost_types::Timestamp>) -> Result<Option<DateTime<Utc>>, GrantError> {
    let Some(prost_types::Timestamp { seconds, nanos }) = time else { return Ok(None) };
    // Microseconds are what both databases keep.
    let nanos = u32::try_from(nanos).unwrap_or(u32::MAX) / 1_000 * 1_000;
    let read = DateTime::from_timestamp(seconds, nanos);
    read.map(Some).ok_or_else(|| GrantError::field(field, "timestamp.exists", "is no time: write it in RFC 3339"))
}

fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

/// `by` is the subject of the call, `now` when it was made.
pub(super) fn new_grant(request: CreateGrantRequest, by: &str, now: DateTime<Utc>) -> Result<NewGrant, GrantError> {
    let role = request.role();
    let CreateGrantRequest {
        account_id,
        role: _,
        area_code,
        unit,
        place_id,
        person_id,
        starts_at,
        ends_at,
        reason,
        request_id: _,
    } = request;
    Ok(NewGrant {
        account: id_of("account_id", &account_id)?,
        role,
        area: optional_area(&area_code)?,
        unit: Some(unit).filter(|unit| !unit.is_empty()),
        place: optional_id("place_id", &place_id)?,
        person: optional_id("person_id", &person_id)?,
        starts_at: time_of("starts_at", starts_at)?.unwrap_or(now),
        ends_at: time_of("ends_at", ends_at)?,
        by: by.to_owned(),
        reason,
    })
}

pub(super) fn new_mandate(request: CreateMandateRequest) -> Result<NewMandate, GrantError> {
    let covers: Vec<Cover> = request.covers().collect();
    let CreateMandateRequest {
        holder_account_id,
        person_id,
        covers: _,
        area_code,
        starts_at,
        ends_at,
        proof,
        request_id: _,
    } = request;
    let missing = || GrantError::field("ends_at", "required", "is missing: set it");
    Ok(NewMandate {
        holder: id_of("holder_account_id", &holder_account_id)?,
        person: id_of("person_id", &person_id)?,
        covers,
        area: area_of(&area_code)?,
        starts_at: time_of("starts_at", starts_at)?,
        ends_at: time_of("ends_at", ends_at)?.ok_or_else(missing)?,
        proof,
    })
}

pub(super) fn wanted(request: &ListGrantsRequest) -> Result<(Wanted, Page<Uuid>), GrantError> {
    let role = Some(request.role()).filter(|role| *role != Role::Unspecified);
    let ListGrantsRequest { account_id, area_code, role: number, with_ended, page_size, page_token } = request;
    let (number, ended) = (number.to_string(), with_ended.to_string());
    let page = Page::read(&["grants", account_id, area_code, &number, &ended], *page_size, page_token)?;
    let account = optional_id("account_id", account_id)?;
    Ok((Wanted { account, area: optional_area(area_code)?, role, ended: *with_ended }, page))
}

pub(super) fn mandates_page(request: &ListMandatesRequest) -> Result<(Option<Uuid>, Page<Uuid>), GrantError> {
    let ListMandatesRequest { person_id, page_size, page_token } = request;
    let page = Page::read(&["mandates", person_id], *page_size, page_token)?;
    Ok((optional_id("person_id", person_id)?, page))
}

pub(super) fn grant(row: grant::Model) -> Grant {
    let grant::Model {
        id,
        account,
        role,
        area,
        unit,
        place,
        person,
        starts_at,
        ends_at,
        granted_by,
        reason,
        created_at,
        revoked_at,
        revoked_by,
        revoke_reason,
    } = row;
    let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    Grant {
        id: id.to_string(),
        account_id: account.to_string(),
        role: role_of(&role).unwrap_or_default().into(),
        area_code: area.map(|area| area.to_string()).unwrap_or_default(),
        unit: unit.unwrap_or_default(),
        place_id: text(place),
        person_id: text(person),
        starts_at: Some(timestamp(starts_at)),
        ends_at: ends_at.map(timestamp),
        granted_by,
        reason,
        created_at: Some(timestamp(created_at)),
        revoked_at: revoked_at.map(timestamp),
        revoked_by: revoked_by.unwrap_or_default(),
        revoke_reason: revoke_reason.unwrap_or_default(),
    }
}

pub(super) fn mandate(row: mandate::Model) -> Mandate {
    let covers = row.covers().into_iter().map(i32::from).collect();
    let mandate::Model {
        id,
        holder,
        person,
        covers: _,
        area,
        starts_at,
        ends_at,
        proof,
        recorded_by,
        created_at,
        revoked_at,
        revoked_by,
        revoke_reason,
    } = row;
    Mandate {
        id: id.to_string(),
        holder_account_id: holder.to_string(),
        person_id: person.to_string(),
        covers,
        area_code: area.to_string(),
        starts_at: Some(timestamp(starts_at)),
        ends_at: Some(timestamp(ends_at)),
        proof,
        recorded_by,
        created_at: Some(timestamp(created_at)),
        revoked_at: revoked_at.map(timestamp),
        revoked_by: revoked_by.unwrap_or_default(),
        revoke_reason: revoke_reason.unwrap_or_default(),
    }
}
