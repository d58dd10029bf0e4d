//! Makes the HTTP answer of a gRPC answer that is one message.

use axum::body::Body;
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use prost_reflect::{DynamicMessage, Kind, Value};
use serde::{Serialize, Serializer, ser::SerializeMap};
use tonic::Status;

use super::{refused::Refused, rule::Rule, status};

/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// What went wrong with a call: the service says so, or its answer is not to be used.
pub(crate) enum Failed {
    Status(Status),
    Refused(Refused),
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Failed {
    pub(crate) fn response(&self) -> Response<Body> {
        match self {
            Self::Status(status) => status::error_response(status),
            Self::Refused(refused) => status::refused(refused),
        }
    }
}

/// Refuses an answer that says it failed before its first message.
pub(crate) fn check_head(response: &Response<tonic::body::Body>) -> Result<(), Failed> {
    check(response.headers())?;
    if response.status() == StatusCode::OK { Ok(()) } else { Err(Refused::AnswerBrokeOff.into()) }
}

pub(crate) fn check(headers: &HeaderMap) -> Result<(), Failed> {
    match Status::from_header_map(headers) {
        Some(status) if status.code() != tonic::Code::Ok => Err(Failed::Status(status)),
        _ => Ok(()),
    }
}

/// Takes the next whole message off what has come.
pub(crate) fn take(come: &mut BytesMut, most: usize) -> Result<Option<Bytes>, Refused> {
    let Some(prefix) = come.get(..PREFIX) else { return Ok(None) };
    let (flag, len) = (prefix[0], u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]));
    if flag != 0 {
        return Err(Refused::UnreadableAnswer("it is compressed, which nobody asked for".to_owned()));
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > most {
        return Err(Refused::AnswerTooLarge { most });
    }
    if come.len() - PREFIX < len {
        return Ok(None);
    }
    come.advance(PREFIX);
    Ok(Some(come.split_to(len).freeze()))
}

/// The one message of an answer.
pub(crate) async fn unary(response: Response<tonic::body::Body>, most: usize) -> Result<Bytes, Failed> {
    check_head(&response)?;
    let ended = response.headers().contains_key("grpc-status");
    let mut body = response.into_body();
    let (mut come, mut message, mut ended) = (BytesMut::new(), None, ended);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failed::Status)?;
        match frame.into_data() {
            Ok(data) => {
                // The first frame mostly is the whole message: its buffer is taken as it is.
                if come.is_empty() {
                    come = data.into();
                } else {
                    come.extend_from_slice(&data);
                }
                if message.is_none() {
                    message = take(&mut come, most)?;
                }
            }
            Err(frame) => {
                if let Some(trailers) = frame.trailers_ref() {
                    check(trailers)?;
                    ended = trailers.contains_key("grpc-status");
                }
            }
        }
    }
    message.filter(|_| ended).ok_or(Failed::Refused(Refused::AnswerBrokeOff))
}

/// Decodes a message that a service sent.
pub(crate) fn decode(rule: &Rule, message: Bytes) -> Result<DynamicMessage, Refused> {
    DynamicMessage::decode(rule.rpc.output.clone(), message)
        .map_err(|error| Refused::UnreadableAnswer(error.to_string()))
}

/// The whole message, or the field that the rule answers with, appended as canonical JSON.
pub(crate) fn write(rule: &Rule, message: &DynamicMessage, json: &mut Vec<u8>) -> Result<(), Refused> {
    let written = match &rule.answer {
        None => message.serialize(&mut serde_json::Serializer::new(json)),
        Some(field) => {
            let shown = Shown { value: &message.get_field(field), kind: &field.kind() };
            shown.serialize(&mut serde_json::Serializer::new(json))
        }
    };
    written.map_err(|error| Refused::UnreadableAnswer(error.to_string()))
}

/// The answer of one message.
pub(crate) fn respond(
    rule: &Rule,
    method: &Method,
    asked: &HeaderMap,
    message: Bytes,
) -> Result<Response<Body>, Refused> {
    let size = message.len() * 2 + 64;
    let message = decode(rule, message)?;
    let etag = rule.rpc.etag.as_ref().and_then(|field| quoted(message.get_field(field).as_str()?));
    let unchanged = method.is_safe() && etag.as_ref().is_some_and(|etag| has(asked, etag));
    let mut response = if unchanged {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut json = Vec::with_capacity(size);
        write(rule, &message, &mut json)?;
        let len = json.len();
        let mut response = Response::new(Body::from(json));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
        response
    };
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// An etag as a header has it; nothing where it is empty or cannot stand in one.
fn quoted(etag: &str) -> Option<HeaderValue> {
    let fits = !etag.is_empty() && etag.bytes().all(|b| b == b'!' || (b'#'..=b'~').contains(&b));
    if fits { HeaderValue::try_from(format!("\"{etag}\"")).ok() } else { None }
}

/// Whether the caller has the record as it is (RFC 9110, section 13.1.2).
fn has(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    let given = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|given| given.to_str().ok());
    given
        .flat_map(|given| given.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes())
}

/// A value of a field, in canonical JSON.
struct Shown<'a> {
    value: &'a Value,
    kind: &'a Kind,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.kind) {
            (Value::Bool(value), _) => serializer.serialize_bool(*value),
            (Value::I32(value), _) => serializer.serialize_i32(*value),
            (Value::U32(value), _) => serializer.serialize_u32(*value),
            (Value::I64(value), _) => serializer.collect_str(value),
            (Value::U64(value), _) => serializer.collect_str(value),
            (Value::F32(value), _) if value.is_finite() => serializer.serialize_f32(*value),
            (Value::F32(value), _) => serializer.serialize_str(not_finite(f64::from(*value))),
            (Value::F64(value), _) if value.is_finite() => serializer.serialize_f64(*value),
            (Value::F64(value), _) => serializer.serialize_str(not_finite(*value)),
            (Value::String(value), _) => serializer.serialize_str(value),
            (Value::Bytes(value), _) => {
                use base64::{Engine, prelude::BASE64_STANDARD};
                serializer.serialize_str(&BASE64_STANDARD.encode(value))
            }
            (Value::EnumNumber(number), Kind::Enum(kind)) => match kind.get_value(*number) {
                Some(value) => serializer.serialize_str(value.name()),
                None => serializer.serialize_i32(*number),
            },
            (Value::EnumNumber(number), _) => serializer.serialize_i32(*number),
            (Value::Message(message), _) => message.serialize(serializer),
            (Value::List(items), kind) => serializer.collect_seq(items.iter().map(|value| Shown { value, kind })),
            (Value::Map(entries), kind) => {
                let values = kind.as_message().map(|entry| entry.map_entry_value_field().kind());
                let kind = values.as_ref().unwrap_or(kind);
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&key_text(key), &Shown { value, kind })?;
                }
                map.end()
            }
        }
    }
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn key_text(key: &prost_reflect::MapKey) -> String {
    use prost_reflect::MapKey;
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}
