//! An event as a NATS message: CloudEvents 1.0 in binary mode, the attributes in headers, the data in the body.

use async_nats::HeaderMap;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::{Event, Unreadable};

const ID: &str = "ce-id";
const TYPE: &str = "ce-type";
const SOURCE: &str = "ce-source";
const TIME: &str = "ce-time";
const SPEC_VERSION: &str = "ce-specversion";
const KEY: &str = "ce-linjukey";
const VERSION: &str = "ce-linjuversion";
const TRACE: &str = "traceparent";
const CONTENT_TYPE: &str = "content-type";
/// By this header JetStream knows a message again within its duplicate window.
pub(super) const MESSAGE_ID: &str = "Nats-Msg-Id";

/// The headers of an event that [`check`](super::subject::check) has passed.
pub(super) fn headers(event: &Event, message_id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(MESSAGE_ID, message_id);
    headers.insert(SPEC_VERSION, "1.0");
    headers.insert(ID, event.id.to_string());
    headers.insert(TYPE, event.kind.as_str());
    headers.insert(SOURCE, event.source.as_str());
    headers.insert(TIME, event.at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    headers.insert(KEY, event.key.to_string());
    headers.insert(VERSION, event.version.to_string());
    headers.insert(CONTENT_TYPE, "application/json");
    if let Some(trace) = &event.trace {
        headers.insert(TRACE, trace.as_str());
    }
    headers
}

/// Reads a message strictly: whatever is missing, doubled or malformed makes it unreadable.
pub(super) fn read(subject: &str, headers: Option<&HeaderMap>, body: &[u8]) -> Result<Event, Unreadable> {
    let event = match headers.map(|headers| event(subject, headers, body)) {
        Some(Ok(Event { version, .. })) if version < 1 => {
            Err(format!("header {VERSION} is {version}; it must be a number from 1"))
        }
        Some(outcome) => outcome,
        None => Err("it has no headers, so it is no CloudEvents message in binary mode".to_owned()),
    };
    event.map_err(|reason| Unreadable { reason, subject: subject.to_owned(), body: body.to_vec() })
}

/// Reads an event, or the stand-in of version 0 under which an unreadable message is parked.
pub(super) fn event(subject: &str, headers: &HeaderMap, body: &[u8]) -> Result<Event, String> {
    let spec = one(headers, SPEC_VERSION)?;
    if spec != "1.0" {
        return Err(format!("header {SPEC_VERSION} is `{spec}`; it must be 1.0"));
    }
    let content = one(headers, CONTENT_TYPE)?;
    if content != "application/json" {
        return Err(format!("header {CONTENT_TYPE} is `{content}`; it must be application/json"));
    }
    let at: DateTime<chrono::FixedOffset> = DateTime::parse_from_rfc3339(one(headers, TIME)?)
        .map_err(|_| format!("header {TIME} must be a time after RFC 3339"))?;
    let data =
        std::str::from_utf8(body).map_err(|e| format!("the body is not UTF-8 from byte {} on", e.valid_up_to()))?;
    serde_json::from_str::<IgnoredAny>(data).map_err(|e| format!("the body is not JSON: {e}"))?;
    Ok(Event {
        id: parsed::<Uuid>(headers, ID, "a UUID")?,
        kind: one(headers, TYPE)?.to_owned(),
        source: one(headers, SOURCE)?.to_owned(),
        subject: subject.to_owned(),
        key: parsed::<Uuid>(headers, KEY, "a UUID")?,
        version: parsed(headers, VERSION, "a number from 1")?,
        at: at.with_timezone(&Utc),
        trace: headers.get(TRACE).map(|t| t.as_str().to_owned()),
        data: data.to_owned(),
    })
}

fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, String> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) if !value.as_str().is_empty() => Ok(value.as_str()),
        (Some(_), Some(_)) => Err(format!("header {name} is there twice")),
        _ => Err(format!("header {name} is missing")),
    }
}

fn parsed<T: std::str::FromStr>(headers: &HeaderMap, name: &'static str, what: &str) -> Result<T, String> {
    let value = one(headers, name)?;
    value.parse().map_err(|_| format!("header {name} is `{value}`; it must be {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Event {
        Event {
            id: Uuid::from_u128(1),
            kind: "linju.incidents.v1.IncidentClosed".into(),
            source: "incidents".into(),
            subject: "linju.incidents.v1.511903.001.008.incident_closed".into(),
            key: Uuid::from_u128(2),
            version: 3,
            at: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap_or_default(),
            trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            data: r#"{"note":"邻聚"}"#.into(),
        }
    }

    #[test]
    fn there_and_back() {
        for trace in [sample().trace, None] {
            let event = Event { trace, ..sample() };
            let headers = headers(&event, "1");
            let back = read(&event.subject, Some(&headers), event.data.as_bytes()).map_err(|e| e.reason);
            assert_eq!(back, Ok(event));
        }
    }

    #[test]
    fn every_attribute_is_asked_for() {
        let event = sample();
        let good = headers(&event, "1");
        for name in [ID, TYPE, SOURCE, TIME, SPEC_VERSION, KEY, VERSION, CONTENT_TYPE] {
            let kept = good.iter().filter(|(n, _)| AsRef::<str>::as_ref(n) != name);
            let without: HeaderMap = kept.map(|(n, v)| (n.clone(), v[0].clone())).collect();
            let reason = read(&event.subject, Some(&without), b"{}").map_err(|e| e.reason);
            assert_eq!(reason, Err(format!("header {name} is missing")));

            let mut twice = good.clone();
            twice.append(name, "x");
            let reason = read(&event.subject, Some(&twice), b"{}").map_err(|e| e.reason);
            assert_eq!(reason, Err(format!("header {name} is there twice")));
        }
    }

    #[test]
    fn bad_values_are_told() {
        let event = sample();
        let cases = [
            (ID, "7", "header ce-id is `7`; it must be a UUID"),
            (KEY, "x", "header ce-linjukey is `x`; it must be a UUID"),
            (VERSION, "0", "header ce-linjuversion is 0; it must be a number from 1"),
            (VERSION, "one", "header ce-linjuversion is `one`; it must be a number from 1"),
            (TIME, "yesterday", "header ce-time must be a time after RFC 3339"),
            (SPEC_VERSION, "0.3", "header ce-specversion is `0.3`; it must be 1.0"),
            (CONTENT_TYPE, "text/xml", "header content-type is `text/xml`; it must be application/json"),
        ];
        for (name, value, expected) in cases {
            let mut bad = headers(&event, "1");
            bad.insert(name, value);
            let reason = read(&event.subject, Some(&bad), b"{}").map_err(|e| e.reason);
            assert_eq!(reason, Err(expected.to_owned()));
        }
    }

    #[test]
    fn bodies_and_bare_messages() {
        let event = sample();
        let headers = headers(&event, "1");
        let reason = |headers, body| read("s", headers, body).map_err(|e| (e.reason, e.body.len()));
        let expected = ("the body is not UTF-8 from byte 1 on".to_owned(), 2);
        assert_eq!(reason(Some(&headers), b"{\xff"), Err(expected));
        assert!(reason(Some(&headers), b"{").is_err_and(|(r, _)| r.starts_with("the body is not JSON")));
        assert!(reason(None, b"{}").is_err_and(|(r, _)| r.starts_with("it has no headers")));
    }
}
