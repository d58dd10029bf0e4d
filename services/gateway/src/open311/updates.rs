//! Updates of requests, the extension that mySociety's software speaks: what happened to reports that came for the public,
//! and what whoever sent one adds to it.

use chrono::{DateTime, Utc};
use linju_proto::incidents::v1::{
    AddPublicUpdateRequest, IncidentState, ListPublishedEntriesRequest, ListPublishedEntriesResponse, PublicUpdate,
    PublishedEntry,
};

use super::{
    document::{Document, Value},
    line::Client,
    params::Params,
    problem::Problem,
    requests, times,
};

/// Entries asked for at once; with the longest texts they are still one message.
const AT_ONCE: i32 = 200;

/// What another system may say of a report.
const STATUSES: [&str; 15] = [
    "open",
    "closed",
    "fixed",
    "in_progress",
    "planned",
    "action_scheduled",
    "investigating",
    "duplicate",
    "not_councils_responsibility",
    "no_further_action",
    "internal_referral",
    "cancelled",
    "reopen",
    "for_triage",
    "unchanged",
];

/// What a list of updates asks the service for, and how many there may be.
pub(super) fn wanted(params: &Params, now: DateTime<Utc>) -> Result<(ListPublishedEntriesRequest, i32), Problem> {
    let (from, until) = times::window(params, now)?;
    let (skip, size) = requests::part(params)?;
    let request = ListPublishedEntriesRequest {
        numbers: params.list("service_request_id")?,
        from: Some(times::stamp(from)),
        until: Some(times::stamp(until)),
        skip,
        ..Default::default()
    };
    Ok((request, size))
}

/// Asks for entries until there are no more, or as many as are wanted.
pub(super) async fn list(
    client: &Client,
    mut request: ListPublishedEntriesRequest,
    size: i32,
) -> Result<Vec<PublishedEntry>, Problem> {
    let mut all: Vec<PublishedEntry> = Vec::new();
    let mut left = size;
    while left > 0 {
        request.page_size = left.min(AT_ONCE);
        let ListPublishedEntriesResponse { entries, next_page_token } = client.entries(request.clone()).await?;
        left -= i32::try_from(entries.len()).unwrap_or(left);
        all.extend(entries);
        if next_page_token.is_empty() {
            break;
        }
        request.page_token = next_page_token;
    }
    Ok(all)
}

/// The answer with these entries.
pub(super) fn document(entries: Vec<PublishedEntry>) -> Document {
    let updates = entries.into_iter().map(update).collect();
    Document { root: "service_request_updates", value: Value::List("request_update", updates) }
}

fn update(entry: PublishedEntry) -> Value {
    let status = status(entry.state(), entry.solved);
    let PublishedEntry { id, number, at, text, .. } = entry;
    Value::Fields(vec![
        ("update_id", Value::text(id)),
        ("service_request_id", Value::text(number)),
        ("status", Value::text(status)),
        ("updated_datetime", times::written(at).map_or(Value::Null, Value::Text)),
        ("description", Value::text(text)),
        ("media_url", Value::Null),
    ])
}

/// Our states in the words of the extension. What is done and not yet confirmed is still in progress: nobody is told that
/// something is fixed before somebody has said so who had no part in it.
fn status(state: IncidentState, solved: bool) -> &'static str {
    match state {
        IncidentState::Unspecified | IncidentState::Reported | IncidentState::Unsolvable => "open",
        IncidentState::Triaged | IncidentState::WaitingReporter => "investigating",
        IncidentState::Dispatched | IncidentState::Accepted => "action_scheduled",
        IncidentState::InProgress | IncidentState::SolutionProposed => "in_progress",
        IncidentState::Closed if solved => "fixed",
        IncidentState::Closed => "closed",
        IncidentState::Withdrawn => "cancelled",
        IncidentState::Duplicate => "duplicate",
        IncidentState::Referred => "not_councils_responsibility",
    }
}

/// What somebody adds to their report. That it is open, or to be opened again, refuses a solution; no other word about its
/// state changes it: closing takes the reporter or a call-back clerk.
pub(super) fn addition(params: &Params) -> Result<AddPublicUpdateRequest, Problem> {
    let number = params.required("service_request_id")?.to_owned();
    let update_id = params.required("update_id")?.to_owned();
    let status = params.required("status")?.to_ascii_lowercase();
    if !STATUSES.contains(&status.as_str()) {
        return Err(Problem::bad(format!("status must be one of {}", STATUSES.join(", ").to_ascii_uppercase())));
    }
    times::read("updated_datetime", params.required("updated_datetime")?)?;
    let text = params.required("description")?.to_owned();
    Ok(AddPublicUpdateRequest { number, update_id, text, reopen: matches!(status.as_str(), "open" | "reopen") })
}

/// The answer to an update: our id of it.
pub(super) fn added(update: PublicUpdate) -> Document {
    let update = Value::Fields(vec![("update_id", Value::text(update.id))]);
    Document { root: "service_request_updates", value: Value::List("request_update", vec![update]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_of_the_extension() {
        for number in 0..=12 {
            let state = IncidentState::try_from(number).unwrap_or_default();
            assert!(STATUSES.contains(&status(state, false)) && STATUSES.contains(&status(state, true)), "{state:?}");
        }
        assert_eq!(status(IncidentState::SolutionProposed, false), "in_progress");
        assert_eq!((status(IncidentState::Closed, true), status(IncidentState::Closed, false)), ("fixed", "closed"));
    }

    #[test]
    fn an_addition_says_what_is_missing() -> Result<(), Problem> {
        let whole = "service_request_id=1&update_id=2&status=OPEN&updated_datetime=2026-11-23T09:00:00Z&description=x";
        let read = |form: &str| addition(&Params::read("", form)?);
        assert!(read(whole)?.reopen);
        assert!(!read(&whole.replace("OPEN", "FIXED"))?.reopen);
        for name in ["service_request_id", "update_id", "status", "updated_datetime", "description"] {
            let without: Vec<_> = whole.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
            assert_eq!(read(&without.join("&")), Err(Problem::missing(name)));
        }
        assert!(read(&whole.replace("OPEN", "PAINTED")).is_err() && read(&whole.replace("09:00:00Z", "9")).is_err());
        Ok(())
    }
}
