//! Headers that come in and must not be believed, and headers that every answer has.

use axum::body::Body;
use chassis::data::Ids;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use uuid::Uuid;

use super::speech::Speech;

/// Names the request in answers and logs.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What a caller does say: why, and for whom; identity checks both.
const SAID: [&str; 2] = ["linju-purpose", "linju-on-behalf"];

/// What a caller could say about itself, or about the one before it. Who calls is found by the credential alone.
const FROM_OUTSIDE: [&str; 8] =
    ["x-user-", "x-forwarded-", "x-tenant", "x-real-ip", "x-auth-", "x-remote-", "grpc-metadata-", "linju-"];
/// What belongs to one connection (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::FORWARDED,
    HeaderName::from_static("keep-alive"),
];

/// Takes out what must not come from outside.
pub(super) fn strip(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    let outside = |name: &&HeaderName| {
        !SAID.contains(&name.as_str()) && FROM_OUTSIDE.iter().any(|prefix| name.as_str().starts_with(prefix))
    };
    let strange: Vec<_> = headers.keys().filter(outside).cloned().collect();
    for name in strange {
        headers.remove(name);
    }
}

/// The trace that a request belongs to, and its name in logs.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    parent: HeaderValue,
    request_id: HeaderValue,
}

impl Trace {
    /// Goes on with the caller's trace, or begins one, which is recorded if `traced`. A caller's own request id is taken where it is plain and short.
    pub(super) fn of(headers: &mut HeaderMap, ids: &Ids, traced: bool) -> Self {
        let parent = one(headers, &TRACEPARENT).filter(|v| is_traceparent(v.as_bytes())).cloned();
        let parent = parent.unwrap_or_else(|| {
            headers.remove("tracestate");
            let (trace, span): (Uuid, Uuid) = (ids.next(), ids.next());
            let span = span.as_u64_pair().1;
            HeaderValue::try_from(format!("00-{}-{span:016x}-0{}", trace.simple(), u8::from(traced)))
                .unwrap_or_else(|_| HeaderValue::from_static(""))
        });
        let plain = |v: &&HeaderValue| {
            let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            (1..=64).contains(&v.len()) && v.as_bytes().iter().all(plain)
        };
        let request_id = one(headers, &REQUEST_ID).filter(plain).cloned().unwrap_or_else(|| {
            let trace = parent.as_bytes().get(3..35).unwrap_or_default();
            HeaderValue::from_bytes(trace).unwrap_or_else(|_| HeaderValue::from_static(""))
        });
        headers.insert(TRACEPARENT, parent.clone());
        headers.insert(REQUEST_ID, request_id.clone());
        Self { parent, request_id }
    }
}

/// The value of a header that stands once.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, neither id all zeros.
fn is_traceparent(value: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &[u8]| part.iter().all(|b| *b == b'0');
    value.len() == 55
        && value.starts_with(b"00-")
        && value[35] == b'-'
        && value[52] == b'-'
        && hex(&value[3..35])
        && hex(&value[36..52])
        && hex(&value[53..])
        && !zero(&value[3..35])
        && !zero(&value[36..52])
}

/// Sets what every answer has. What a page sets for itself stays.
pub(super) fn finish(response: &mut Response<Body>, trace: &Trace, speech: Speech, https: bool) {
    let headers = response.headers_mut();
    headers.insert(TRACEPARENT, trace.parent.clone());
    headers.insert(REQUEST_ID, trace.request_id.clone());
    let default = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(headers, header::CACHE_CONTROL, "no-store");
    if https {
        default(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if speech == Speech::Http {
        // `default-src` covers neither of the other two.
        let policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
        default(headers, header::CONTENT_SECURITY_POLICY, policy);
        default(headers, header::REFERRER_POLICY, "no-referrer");
        default(headers, header::X_FRAME_OPTIONS, "DENY");
        default(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        default(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        default(headers, HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_says_from_outside_who_they_are() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-user-id",
            "X-User-Roles",
            "x-tenant-id",
            "x-forwarded-for",
            "x-forwarded-user",
            "x-real-ip",
            "forwarded",
            "grpc-metadata-authorization",
            "linju-subject",
            "linju-purpose",
            "x-remote-user",
            "accept",
            "if-match",
            "connection",
            "upgrade",
            "authorization",
        ] {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap_or(header::AGE), HeaderValue::from(1));
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "authorization", "if-match", "linju-purpose"]);
    }

    #[test]
    fn a_trace_goes_on_or_begins() {
        let trace = |given: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = given.and_then(|g| HeaderValue::from_str(g).ok()) {
                headers.insert(TRACEPARENT, value);
            }
            let trace = Trace::of(&mut headers, &Ids::random(), true);
            assert_eq!(headers[TRACEPARENT], trace.parent);
            trace
        };
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace(Some(given)).parent, given);
        assert_eq!(trace(Some(given)).request_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        for wrong in [
            None,
            Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
            Some("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
            Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"),
            Some("x"),
        ] {
            let began = trace(wrong);
            assert!(is_traceparent(began.parent.as_bytes()), "{wrong:?}: {:?}", began.parent);
            assert_ne!(Some(began.parent.as_bytes()), wrong.map(str::as_bytes));
        }
    }
}
