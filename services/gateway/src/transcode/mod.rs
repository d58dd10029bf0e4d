//! REST/JSON to gRPC and back, from descriptors alone.
//!
//! Every method with `google.api.http` is called as that says: path templates, additional bindings, query parameters, bodies
//! in canonical proto3 JSON. An answer of one message comes as JSON, a stream as a JSON message a line
//! (`application/x-ndjson`) or as server-sent events (`text/event-stream`). What fails is told as `google.rpc.Status`.
//!
//! - A string field `etag` of an answer is the header `ETag`; `If-None-Match` and `If-Match` do what RFC 9110 says.
//! - A string field `event_id` of a streamed message is the event's id; `Last-Event-ID` fills the request's field `after`.

mod accept;
mod answer;
mod escape;
mod json;
mod query;
mod refused;
mod request;
mod routes;
mod rule;
mod scalar;
mod status;
mod stream;
mod template;
mod well_known;

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use prost_reflect::DescriptorPool;

use answer::Failed;
pub(crate) use escape::{Piece, decode};
use routes::{Found, Routes};
pub use rule::BadContract;
pub(crate) use rule::{Body as RuleBody, Rule};
pub use status::error_response;
pub use template::BadTemplate;
pub(crate) use template::{Segment, Template};
pub(crate) use well_known::{Form, form};

/// What the contracts say of HTTP, in their order.
pub(crate) fn rules_of(pool: &DescriptorPool) -> Result<Vec<Rule>, BadContract> {
    rule::all(pool)
}

/// Whatever answers gRPC calls.
pub trait Calls: Send + Sync {
    /// Makes a call. What goes wrong on the way is an answer with `grpc-status` too.
    fn call(&self, request: Request<tonic::body::Body>) -> impl Future<Output = Response<tonic::body::Body>> + Send;
}

/// How large and how quiet things may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of one message of an answer.
    pub answer: usize,
    /// Events that are quiet for so long get a comment.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 1 << 20, answer: 16 << 20, keep_alive: Duration::from_secs(15) }
    }
}

/// Answers REST calls from services that speak gRPC.
#[derive(Clone, Debug)]
pub struct Transcoder {
    routes: Arc<Routes>,
    limits: Limits,
}

impl Transcoder {
    /// Reads what the contracts say of HTTP. `descriptors` is a `FileDescriptorSet` with its options kept.
    pub fn new(descriptors: &[u8]) -> Result<Self, BadContract> {
        let pool = DescriptorPool::decode(descriptors)?;
        let routes = Arc::new(Routes::new(rule::all(&pool)?)?);
        Ok(Self { routes, limits: Limits::default() })
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The gRPC method (`/package.Service/Method`) that a request means, for limits and logs.
    pub fn method_of(&self, method: &Method, path: &str) -> Option<&str> {
        match self.routes.find(method, path) {
            Found::Rule(rule, _) => Some(self.routes.rules()[rule].rpc.uri.path()),
            Found::WrongMethod(_) | Found::Nothing => None,
        }
    }

    /// Answers a request. Its headers are trusted: `authorization` is the service token that the door signed.
    pub async fn answer<C: Calls>(&self, request: Request<Body>, calls: &C) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        let mut response = match self.try_answer(request, calls).await {
            Ok(response) => response,
            Err(failed) => failed.response(),
        };
        if head {
            *response.body_mut() = Body::empty();
        }
        response
    }

    async fn try_answer<C: Calls>(&self, request: Request<Body>, calls: &C) -> Result<Response<Body>, Failed> {
        let (parts, body) = request.into_parts();
        let (index, segments) = match self.routes.find(&parts.method, parts.uri.path()) {
            Found::Rule(index, segments) => (index, segments),
            Found::WrongMethod(allow) => return Err(refused::Refused::WrongMethod { allow }.into()),
            Found::Nothing => return Err(refused::Refused::NoSuchPath.into()),
        };
        let rule = &self.routes.rules()[index];
        let form = accept::choose(&parts.headers, rule.rpc.streams)?;
        let body = request::read_body(body, self.limits.body).await?;
        let message = request::message(rule, &parts, &segments, &body)?;
        let response = calls.call(request::call(rule, &parts.headers, &message)).await;
        if rule.rpc.streams {
            let manner = stream::Manner { form, keep_alive: self.limits.keep_alive, most: self.limits.answer };
            return stream::respond(self.routes.clone(), index, response, manner);
        }
        match answer::unary(response, self.limits.answer).await {
            Ok(message) => Ok(answer::respond(rule, &parts.method, &parts.headers, message)?),
            // The caller's own condition failed, which HTTP tells from other conflicts.
            Err(Failed::Status(status))
                if parts.headers.contains_key(header::IF_MATCH) && status::is_stale_etag(&status) =>
            {
                Ok(status::respond(&status, StatusCode::PRECONDITION_FAILED))
            }
            Err(failed) => Err(failed),
        }
    }
}
