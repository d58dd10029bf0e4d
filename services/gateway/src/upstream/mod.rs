//! The services behind the door, in this process or elsewhere: each call goes to the service that its path names, within
//! its deadline, and to another copy only where that can do no harm.

mod balance;
mod budget;
mod copy;
mod deadline;
mod method;
mod outcome;
mod settings;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use chassis::{
    access::Gated,
    run::{Inside, Tasks, Tls},
};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::time::Instant;
use tonic::{Status, body::Body, service::Routes};
use tower::ServiceExt as _;

use balance::Balance;
use copy::Service;
use deadline::Until;
use method::Methods;
pub use settings::{BadUpstream, Targets};

use crate::transcode::Calls;

/// Headers of a call that services read; no other one reaches them.
const PASSED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::TE,
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("linju-purpose"),
    HeaderName::from_static("linju-session"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// How long a caller may send messages; whoever reads them has limits of its own.
const LONGEST_STREAM: Duration = Duration::from_mins(10);

/// All services that can be called. Clones are the same.
#[derive(Clone, Debug)]
pub struct Upstreams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    local: Option<Gated<Routes>>,
    local_services: Vec<&'static str>,
    remote: BTreeMap<String, Balance>,
    methods: Methods,
    /// The longest that a call may take, and how long it may take where it does not say.
    longest: Duration,
    /// Bytes of one request message, kept in case that it has to be sent again.
    message_bytes: usize,
}

impl Upstreams {
    /// Services of this process, and those that `targets` names elsewhere; a name in `targets` goes first.
    pub fn new(inside: &Inside, targets: &Targets) -> Self {
        let limits = &inside.install.settings.limits;
        Self(Arc::new(Inner {
            local: Some(inside.calls.clone()),
            local_services: inside.services.clone(),
            remote: balances(targets, inside.tls.as_ref(), &inside.tasks),
            methods: Methods::of_contracts(),
            longest: Duration::from_secs(limits.deadline_s),
            message_bytes: limits.message_bytes,
        }))
    }

    /// Only services elsewhere.
    pub fn remote(targets: &Targets, tasks: &Tasks, longest: Duration, message_bytes: usize) -> Self {
        Self(Arc::new(Inner {
            local: None,
            local_services: Vec::new(),
            remote: balances(targets, None, tasks),
            methods: Methods::of_contracts(),
            longest,
            message_bytes,
        }))
    }

    /// Whether a method answers with a stream.
    pub fn streams(&self, path: &str) -> bool {
        self.0.methods.kind(path).streams_out
    }

    /// Whether a method takes a stream.
    pub fn takes_stream(&self, path: &str) -> bool {
        self.0.methods.kind(path).streams_in
    }

    /// Makes one gRPC call. Whatever goes wrong on the way is a response with a `grpc-status`.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        let Some(service) = service_of(request.uri().path()).map(str::to_owned) else {
            return Status::unimplemented("there is no such method").into_http();
        };
        let kind = self.0.methods.kind(request.uri().path());
        let longest = if kind.streams_in { LONGEST_STREAM } else { self.0.longest };
        let limit = match deadline::limit(request.headers(), longest) {
            Ok(limit) => limit,
            Err(status) => return status.into_http(),
        };
        let deadline = Instant::now() + limit.time;
        let answered = async {
            if let Some(remote) = self.0.remote.get(&service) {
                let request = cleaned(request, limit.time);
                if kind.streams_in {
                    return remote.once(request, deadline).await;
                }
                return match self.held(request).await {
                    Ok(request) => remote.call(request, kind.retry_safe, deadline).await,
                    Err(status) => status.into_http(),
                };
            }
            match &self.0.local {
                Some(local) if self.0.local_services.contains(&service.as_str()) => {
                    let Ok(response) = local.clone().oneshot(cleaned(request, limit.time)).await;
                    response
                }
                _ => Status::unimplemented(format!("the service {service} is not served here")).into_http(),
            }
        };
        let Ok(response) = tokio::time::timeout_at(deadline, answered).await else {
            return deadline::passed().into_http();
        };
        if kind.streams_out && !limit.asked {
            return response;
        }
        response.map(|body| Body::new(Until::new(body, deadline)))
    }

    /// The request with its whole body in memory.
    async fn held(&self, request: Request<Body>) -> Result<Request<Bytes>, Status> {
        let (parts, body) = request.into_parts();
        // Five bytes of frame stand before the message.
        let body = Limited::new(body, self.0.message_bytes + 5).collect().await;
        match body {
            Ok(body) => Ok(Request::from_parts(parts, body.to_bytes())),
            Err(error) => Err(outcome::of_body(error)),
        }
    }
}

impl Calls for Upstreams {
    async fn call(&self, request: Request<Body>) -> Response<Body> {
        Self::call(self, request).await
    }
}

impl tower::Service<Request<Body>> for Upstreams {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(Self::call(&this, request).await) })
    }
}

fn balances(targets: &Targets, tls: Option<&Tls>, tasks: &Tasks) -> BTreeMap<String, Balance> {
    let start = |(name, places): (&String, &Vec<String>)| {
        let service = Service { name: name.clone(), tls: tls.cloned() };
        (name.clone(), Balance::start(service, places.clone(), tasks))
    };
    targets.each().map(start).collect()
}

/// `/linju.residents.v1.ResidentService/GetResident` -> `residents`; health is the process's own.
fn service_of(path: &str) -> Option<&str> {
    let (service, version) = path.strip_prefix("/linju.")?.split_once('.')?;
    version.starts_with('v').then_some(service)
}

/// What a service reads of the headers, and how long it has.
fn cleaned(mut request: Request<Body>, limit: Duration) -> Request<Body> {
    let mut headers = HeaderMap::with_capacity(8);
    for name in PASSED {
        if let Some(value) = request.headers_mut().remove(&name) {
            headers.insert(name, value);
        }
    }
    headers.insert("grpc-timeout", deadline::written(limit));
    *request.headers_mut() = headers;
    request
}

fn full(request: &Request<Bytes>) -> Request<Body> {
    let mut copy = Request::new(Body::new(Full::new(request.body().clone())));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = http::Version::HTTP_2;
    *copy.headers_mut() = request.headers().clone();
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_service() {
        assert_eq!(service_of("/linju.residents.v1.ResidentService/GetResident"), Some("residents"));
        assert_eq!(service_of("/grpc.health.v1.Health/Check"), None);
        assert_eq!(service_of("/linju.residents/GetResident"), None);
        assert_eq!(service_of("/"), None);
    }

    #[test]
    fn only_headers_that_services_read_go_on() {
        let request = Request::builder()
            .header("authorization", "Bearer a")
            .header("linju-purpose", "home_visit")
            .header("linju-subject", "u-1")
            .header("x-user-id", "1")
            .header("cookie", "session=1")
            .header("grpc-timeout", "99999999H")
            .body(Body::empty())
            .unwrap_or_default();
        let cleaned = cleaned(request, Duration::from_secs(2));
        let mut names: Vec<_> = cleaned.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "grpc-timeout", "linju-purpose"]);
        assert_eq!(cleaned.headers()["grpc-timeout"], "2000m");
    }
}
