//! What is wrong, as `GeoReport` v2 tells it: the HTTP code, and in the body a code and a description.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::document::{Document, Format, Value};

/// Fields of the contract, and what Open311 calls them.
const NAMES: [(&str, &str); 14] = [
    ("category", "service_code"),
    ("code", "service_code"),
    ("area_code", "address_id"),
    ("place.area_code", "address_id"),
    ("address", "address_string"),
    ("latitude", "lat"),
    ("longitude", "long"),
    ("reporter.name", "first_name and last_name"),
    ("reporter.phone", "phone"),
    ("answers", "attribute"),
    ("media_urls", "media_url"),
    ("number", "service_request_id"),
    ("numbers", "service_request_id"),
    ("text", "description"),
];

/// Why something is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    code: StatusCode,
    description: String,
    retry_after: Option<Duration>,
}

impl Problem {
    fn new(code: StatusCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), retry_after: None }
    }

    /// Something in the request is wrong.
    pub(super) fn bad(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, description)
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::bad(format!("{name} was not provided: send it"))
    }

    pub(super) fn not_found(description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, description)
    }

    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this is read with GET; only requests and servicerequestupdates take POST",
        )
    }

    /// The key does not open this.
    pub(super) fn key() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "api_key is missing or not valid: send one that holds, as the form field api_key",
        )
    }

    pub(super) fn response(&self, format: Format) -> Response<Body> {
        let mut response = told(self.code, &self.description, format);
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A refusal with its code and text, in the form that was asked for.
pub(super) fn told(code: StatusCode, description: &str, format: Format) -> Response<Body> {
    let error =
        Value::Fields(vec![("code", Value::Whole(code.as_u16().into())), ("description", Value::text(description))]);
    let document = Document { root: "errors", value: Value::List("error", vec![error]) };
    respond(code, &document, format)
}

/// An answer.
pub(super) fn respond(code: StatusCode, document: &Document, format: Format) -> Response<Body> {
    let mut response = Response::new(Body::from(document.write(format)));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

impl From<Status> for Problem {
    /// 404 and 403 as the specification has them, 400 for whatever else is wrong with the request. What is wrong on our side
    /// keeps the code that HTTP has for it.
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::PermissionDenied | Code::Unauthenticated => StatusCode::FORBIDDEN,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Code::Internal | Code::Unknown | Code::DataLoss | Code::Unimplemented => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        // A service that there is not, or that is not for the public, is not found.
        let unknown = violations.iter().any(|v| matches!(v.field.as_str(), "category" | "code"));
        let code = if unknown { StatusCode::NOT_FOUND } else { code };
        let told: Vec<_> = violations.iter().map(|v| named(&v.field, &v.description)).collect();
        let description = if told.is_empty() { status.message().to_owned() } else { told.join("; ") };
        let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
        Self { code, description, retry_after }
    }
}

/// What is wrong with a field, under the name that its sender knows.
fn named(field: &str, description: &str) -> String {
    // `answers[2].values[0]` is told as what holds it.
    let outer = field.split('[').next().unwrap_or(field);
    let name = NAMES.iter().find(|(ours, _)| *ours == outer).map_or(outer, |(_, theirs)| *theirs);
    let rule = description.strip_prefix(field).unwrap_or(description).trim_start();
    format!("{name} {rule}")
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn status(code: Code, field: &str, description: &str) -> Status {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation(field, description);
        Status::with_error_details(code, "message", details)
    }

    #[test]
    fn a_field_is_told_by_the_name_its_sender_knows() {
        let problem = |field, description| Problem::from(status(Code::InvalidArgument, field, description));
        assert_eq!(problem("latitude", "latitude must be at most 90"), Problem::bad("lat must be at most 90"));
        assert_eq!(
            problem("answers", "answers `smell` must be answered"),
            Problem::bad("attribute `smell` must be answered")
        );
        assert_eq!(
            problem("media_urls[1]", "does not have the form"),
            Problem::bad("media_url does not have the form")
        );
        assert_eq!(problem("category", "category is `x`"), Problem::not_found("service_code is `x`"));
    }

    #[test]
    fn codes_are_those_of_the_specification() {
        for (code, http) in [
            (Code::NotFound, 404),
            (Code::Unauthenticated, 403),
            (Code::PermissionDenied, 403),
            (Code::InvalidArgument, 400),
            (Code::FailedPrecondition, 400),
            (Code::Aborted, 400),
            (Code::Unavailable, 503),
            (Code::Internal, 500),
        ] {
            assert_eq!(Problem::from(Status::new(code, "x")).code.as_u16(), http, "{code:?}");
        }
    }

    #[test]
    fn an_error_is_told_in_both_forms() {
        let document = |format| {
            let error = Value::Fields(vec![("code", Value::Whole(403)), ("description", Value::text("no <key>"))]);
            Document { root: "errors", value: Value::List("error", vec![error]) }.write(format)
        };
        assert!(
            document(Format::Xml).ends_with(
                "<errors><error><code>403</code><description>no &lt;key&gt;</description></error></errors>\n"
            )
        );
        assert_eq!(document(Format::Json), "[{\"code\":403,\"description\":\"no <key>\"}]");
    }
}
