//! Makes the gRPC request: from the body, the path, the query and the headers, in this order.

use axum::body::Body as HttpBody;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, header, request::Parts};
use http_body::Body as _;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use super::{
    accept,
    escape::{Piece, decode},
    json, query,
    refused::Refused,
    rule::{Body, Bound, Rule},
    scalar::Scalar,
};

/// What is passed on as metadata; nothing else of the caller's headers reaches a service. The session is the door's own word,
/// which it puts in place of whatever was sent.
const PASSED_ON: [&str; 6] =
    ["authorization", "linju-purpose", "linju-session", "traceparent", "tracestate", "grpc-timeout"];

/// Reads the body, at most so many bytes of it.
pub(crate) async fn read_body(body: HttpBody, most: usize) -> Result<Bytes, Refused> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match Limited::new(body, most).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refused::BodyTooLarge { most }),
        // The door's own limit speaks through the body's error.
        Err(error) if is_limit(error.as_ref()) => Err(Refused::BodyTooLarge { most }),
        Err(_) => Err(Refused::BodyBrokeOff),
    }
}

fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_limit)
}

/// The message that a request means.
pub(crate) fn message(rule: &Rule, parts: &Parts, segments: &[&str], body: &[u8]) -> Result<DynamicMessage, Refused> {
    let mut message = from_body(rule, &parts.headers, body)?;
    for variable in &rule.variables {
        from_path(&mut message, variable, segments)?;
    }
    if let Some(query) = parts.uri.query() {
        query::fill(&mut message, rule, query)?;
    }
    if let Some(given) = parts.headers.get(header::IF_MATCH) {
        from_if_match(&mut message, rule, parts, given)?;
    }
    if let Some(field) = rule.rpc.after.as_ref().filter(|_| rule.rpc.streams)
        && let Some(id) = parts.headers.get("last-event-id")
    {
        let id = std::str::from_utf8(id.as_bytes());
        let id = id.map_err(|_| Refused::field("Last-Event-ID", "header.value", "is not UTF-8"))?;
        message.set_field(field, Value::String(id.to_owned()));
    }
    Ok(message)
}

fn from_body(rule: &Rule, headers: &HeaderMap, body: &[u8]) -> Result<DynamicMessage, Refused> {
    let input = &rule.rpc.input;
    if body.is_empty() {
        return Ok(DynamicMessage::new(input.clone()));
    }
    if matches!(rule.body, Body::None) {
        return Err(Refused::field("body", "body.none", "is not taken here: leave it out"));
    }
    accept::check_content(headers)?;
    match &rule.body {
        Body::Field(field) => {
            let mut message = DynamicMessage::new(input.clone());
            if let Some(value) = json::read_field(field, body)? {
                message.set_field(field, value);
            }
            Ok(message)
        }
        Body::Whole | Body::None => json::read(input, body),
    }
}

fn from_path(message: &mut DynamicMessage, variable: &Bound, segments: &[&str]) -> Result<(), Refused> {
    let Some((field, above)) = variable.path.split_last() else { return Ok(()) };
    let refuse = |message: String| Refused::field(names(&variable.path), "path.value", message);
    let covered = &segments[variable.from..variable.until.unwrap_or(segments.len())];
    let text = if variable.many {
        decode(&covered.join("/"), Piece::Segments).map(std::borrow::Cow::into_owned)
    } else {
        decode(covered.first().copied().unwrap_or_default(), Piece::Segment).map(std::borrow::Cow::into_owned)
    };
    let text = text.ok_or_else(|| refuse("is not escaped as UTF-8 with percent signs in the path".to_owned()))?;
    let value = match field.kind() {
        prost_reflect::Kind::String => Value::String(text),
        kind => Scalar(&kind).in_address(&text).map_err(refuse)?,
    };
    let within = query::below(message, above);
    if within.has_field(field) && *within.get_field(field) != value {
        return Err(refuse("says another thing in the body than in the path: leave it out of the body".to_owned()));
    }
    within.set_field(field, value);
    Ok(())
}

/// A change under the condition that the record is still as the caller read it (RFC 9110, section 13.1.1).
fn from_if_match(message: &mut DynamicMessage, rule: &Rule, parts: &Parts, given: &HeaderValue) -> Result<(), Refused> {
    let refuse = |told: &str| Err(Refused::field("If-Match", "header.if_match", told));
    if given == "*" || parts.method.is_safe() {
        return Ok(());
    }
    let Some((etag, above)) = rule.if_match.as_ref().and_then(|path| path.split_last()) else {
        return refuse("cannot be kept here: this takes no etag");
    };
    let Some(tag) = given.to_str().ok().and_then(unquoted) else {
        return refuse("must be one etag in quotes, as the header `ETag` gave it");
    };
    let within = query::below(message, above);
    let before = within.get_field(etag);
    if before.as_str().is_some_and(|before| !before.is_empty() && before != tag) {
        return refuse("says another etag than the body: send one of the two");
    }
    within.set_field(etag, Value::String(tag.to_owned()));
    Ok(())
}

/// The tag within the quotes. A weak tag is taken for the strong one: a proxy that compresses weakens it on the way.
fn unquoted(given: &str) -> Option<&str> {
    let given = given.trim();
    let tag = given.strip_prefix("W/").unwrap_or(given).strip_prefix('"')?.strip_suffix('"')?;
    (!tag.contains('"')).then_some(tag)
}

fn names(path: &[FieldDescriptor]) -> String {
    path.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
}

/// The call of a message.
pub(crate) fn call(rule: &Rule, headers: &HeaderMap, message: &DynamicMessage) -> Request<tonic::body::Body> {
    let len = message.encoded_len();
    let mut frame = BytesMut::with_capacity(len + 5);
    frame.put_u8(0);
    // Its JSON was within the limit, and protobuf is shorter.
    frame.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    let mut request = Request::new(tonic::body::Body::new(Full::new(frame.freeze())));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = rule.rpc.uri.clone();
    *request.version_mut() = http::Version::HTTP_2;
    let metadata = request.headers_mut();
    metadata.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    metadata.insert(header::TE, HeaderValue::from_static("trailers"));
    for name in PASSED_ON {
        if let Some(value) = headers.get(name) {
            metadata.insert(name, value.clone());
        }
    }
    request
}
