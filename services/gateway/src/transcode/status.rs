//! How a gRPC status is told over HTTP: `google.rpc.Status` as JSON, and the code that HTTP has for it.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use prost::Message;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::pb;

use super::refused::Refused;

/// 499, as nginx has it: the caller went away. No registered code says that.
const CALLER_WENT_AWAY: u16 = 499;

/// The answer to a call that failed. The codes are those of `google.rpc.Code`'s comments.
pub fn error_response(status: &Status) -> Response<Body> {
    respond(status, http_code(status.code()))
}

/// The answer where the transcoder refuses.
pub(crate) fn refused(refused: &Refused) -> Response<Body> {
    let mut response = respond(&chassis::status(refused), refused.http());
    if let Refused::WrongMethod { allow } = refused
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Whether the record was changed since the caller read it.
pub(crate) fn is_stale_etag(status: &Status) -> bool {
    use tonic_types::StatusExt;
    status.code() == Code::Aborted && status.get_details_error_info().is_some_and(|info| info.reason == "STALE_ETAG")
}

/// A status with an HTTP code that is already known.
pub(crate) fn respond(status: &Status, code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(body(status).to_string()));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if code == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = retry_after(status) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// `google.rpc.Status` in canonical JSON.
pub(crate) fn body(status: &Status) -> Value {
    let details: Vec<_> = details(status).iter().map(detail).collect();
    let mut body = json!({ "code": i32::from(status.code()), "message": status.message() });
    if !details.is_empty() {
        body["details"] = Value::Array(details);
    }
    body
}

/// The HTTP code of a gRPC code.
pub(crate) fn http_code(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::from_u16(CALLER_WENT_AWAY).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn details(status: &Status) -> Vec<prost_types::Any> {
    pb::Status::decode(status.details()).map(|status| status.details).unwrap_or_default()
}

/// One detail. Of a type that nothing here sends, the bytes are shown.
fn detail(any: &prost_types::Any) -> Value {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let fields = match name {
        "google.rpc.ErrorInfo" => pb::ErrorInfo::decode(any.value.as_slice()).ok().map(error_info),
        "google.rpc.BadRequest" => pb::BadRequest::decode(any.value.as_slice()).ok().map(bad_request),
        "google.rpc.RetryInfo" => pb::RetryInfo::decode(any.value.as_slice())
            .ok()
            .map(|info| json!({ "retryDelay": info.retry_delay.unwrap_or_default().to_string() })),
        _ => None,
    };
    let mut detail = fields.unwrap_or_else(|| {
        use base64::{Engine, prelude::BASE64_STANDARD};
        json!({ "value": BASE64_STANDARD.encode(&any.value) })
    });
    detail["@type"] = Value::from(any.type_url.as_str());
    detail
}

fn error_info(info: pb::ErrorInfo) -> Value {
    let mut shown = json!({ "reason": info.reason, "domain": info.domain });
    if !info.metadata.is_empty() {
        shown["metadata"] = info.metadata.into_iter().collect();
    }
    shown
}

fn bad_request(bad: pb::BadRequest) -> Value {
    let fields = bad.field_violations.into_iter().map(|violation| {
        json!({ "field": violation.field, "description": violation.description, "reason": violation.reason })
    });
    json!({ "fieldViolations": fields.collect::<Vec<_>>() })
}

/// Whole seconds, rounded up, that the caller should wait.
fn retry_after(status: &Status) -> Option<u64> {
    let details = details(status);
    let any = details.iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = pb::RetryInfo::decode(any.value.as_slice()).ok()?.retry_delay?;
    Some(u64::try_from(delay.seconds).ok()? + u64::from(delay.nanos > 0))
}
