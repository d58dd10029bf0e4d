//! Which pages of other origins may call from a browser (the Fetch standard's CORS protocol).

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const TAKEN: &str = "authorization, content-type, content-encoding, accept, if-match, if-none-match, last-event-id, \
                     linju-purpose, linju-on-behalf, traceparent, tracestate, x-csrf-token, x-grpc-web, x-user-agent, x-request-id, \
                     grpc-timeout, connect-protocol-version";
const SHOWN: &str = "grpc-status, grpc-message, grpc-status-details-bin, etag, location, link, content-disposition, \
                     ratelimit, ratelimit-policy, retry-after, traceparent, x-request-id";
/// How long a browser may remember, in seconds.
const REMEMBER: &str = "600";
/// Not a constant of `http` yet.
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");

/// The origins that were allowed.
#[derive(Clone, Debug)]
pub(super) struct Origins(Vec<HeaderValue>);

impl Origins {
    pub(super) fn new(origins: &[String]) -> Self {
        Self(origins.iter().filter_map(|origin| HeaderValue::from_str(origin.trim_end_matches('/')).ok()).collect())
    }

    /// The origin a request comes from, where it is allowed.
    pub(super) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.iter().find(|allowed| *allowed == origin).cloned()
    }

    /// The answer to a browser that asks whether it may; to an origin that may not, the same without the permission.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        let asks = method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let allowed = self.allowed(headers).filter(|_| !headers.contains_key(PRIVATE_NETWORK));
        let answer = response.headers_mut();
        if let Some(origin) = &allowed {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(TAKEN));
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBER));
            self.permit(answer, Some(origin));
        } else {
            self.permit(answer, None);
        }
        Some(response)
    }

    /// Lets the page of `origin` read the answer.
    pub(super) fn permit(&self, answer: &mut HeaderMap, origin: Option<&HeaderValue>) {
        if self.0.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("origin"));
        let Some(origin) = origin else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
        // The page is of another origin, and may read.
        answer
            .insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PATCH"));
        headers
    }

    #[test]
    fn only_origins_of_the_list_are_permitted() {
        let origins = Origins::new(&["https://desk.example.org/".to_owned()]);
        let allows = |origin| {
            let answer = origins.preflight(&Method::OPTIONS, &asked(origin));
            answer.map(|a| a.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned())
        };
        assert_eq!(
            allows("https://desk.example.org"),
            Some(Some(HeaderValue::from_static("https://desk.example.org")))
        );
        for other in
            ["https://evil.example", "null", "http://desk.example.org", "https://desk.example.org.evil.example"]
        {
            assert_eq!(allows(other), Some(None), "{other}");
        }
        assert!(origins.preflight(&Method::GET, &asked("https://desk.example.org")).is_none());
        assert!(origins.preflight(&Method::OPTIONS, &HeaderMap::new()).is_none());
    }
}
