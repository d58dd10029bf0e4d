//! The layer every call passes: it sheds load, asks who calls, obeys the contract, counts, and keeps answers masked.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use linju_proto::{Method, common::v1::Scope as ContractScope};
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

use super::{Call, Principal, TokenVerifier, framing::misframed};
use crate::run::Meter;

/// Makes the layer.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    verifier: TokenVerifier,
    in_flight: Arc<Semaphore>,
    most: usize,
    /// Answers that are not yet read to their end.
    answers: TaskTracker,
    meter: Meter,
}

impl Gate {
    /// A gate that lets at most `most` calls in at once; one more is told to come again, before it costs anything.
    pub fn new(verifier: TokenVerifier, most: usize, meter: Meter) -> Self {
        let in_flight = Arc::new(Semaphore::new(most));
        Self(Arc::new(Rules { verifier, in_flight, most, answers: TaskTracker::new(), meter }))
    }

    /// Waits until no call is in flight and every answer was read; from then on no call is let in.
    pub(crate) async fn drained(&self) {
        let all = u32::try_from(self.0.most).unwrap_or(u32::MAX);
        // Fails only where the semaphore is closed, and then nobody is in.
        if let Ok(all) = self.0.in_flight.acquire_many(all).await {
            all.forget();
        }
        self.0.answers.close();
        self.0.answers.wait().await;
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, rules: self.0.clone() }
    }
}

/// A service behind the gate.
#[derive(Clone, Debug)]
pub struct Gated<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl Rules {
    fn admit(&self, method: &'static Method, headers: &HeaderMap) -> Result<(Call, OwnedSemaphorePermit), Status> {
        let permit = self.in_flight.clone().try_acquire_owned().map_err(|_| overloaded())?;
        let principal = match header(headers, "authorization")? {
            Some(value) => {
                let token =
                    value.strip_prefix("Bearer ").ok_or_else(|| unknown("use `authorization: Bearer <token>`"))?;
                self.verifier.verify(token).map_err(|e| unknown(&e.to_string()))?
            }
            None if method.scope == ContractScope::Public as i32 => Principal::nobody(),
            None => return Err(unknown("send your token as `authorization: Bearer <token>`")),
        };
        let trace = header(headers, "traceparent")?.and_then(|t| t.get(3..35)).unwrap_or_default().to_owned();
        let call = Call::decide(method, principal, header(headers, "linju-purpose")?, trace)?;
        Ok((call, permit))
    }
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let Some(method) = linju_proto::method(path) else {
            // Health answers anyone; whatever else has no contract does not exist.
            if path.starts_with("/grpc.health.v1.Health/") {
                return Box::pin(self.inner.call(request));
            }
            let status = Status::unimplemented(format!("there is no method {path}"));
            return Box::pin(async move { Ok(status.into_http()) });
        };
        let watch = Watch { meter: self.rules.meter.clone(), method: method.path, began: Instant::now() };
        let span = crate::run::call_span(method.path, request.headers());
        let admitted = span.in_scope(|| self.rules.admit(method, request.headers()));
        let (call, permit) = match admitted {
            Ok(admitted) => admitted,
            Err(status) => {
                let reason = status.get_error_details().error_info().map(|i| i.reason.clone()).unwrap_or_default();
                span.in_scope(|| tracing::info!(code = ?status.code(), reason, "refused"));
                watch.done(status.code());
                return Box::pin(async move { Ok(status.into_http()) });
            }
        };
        request.extensions_mut().insert(call.clone());
        // The clone that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let rules = self.rules.clone();
        let answer = async move {
            let response = inner.call(request).await?;
            // The call's place is free now: an answer that its caller does not read must not keep others out.
            let open = rules.answers.token();
            drop(permit);
            let status = Status::from_header_map(response.headers());
            if let Some(status) = status.as_ref().and_then(misframed) {
                watch.done(status.code());
                return Ok(status.into_http());
            }
            watch.done(status.map_or(Code::Ok, |status| status.code()));
            Ok(response.map(|body| Body::new(Masked { body, call, _open: open })))
        };
        Box::pin(tracing::Instrument::instrument(answer, span))
    }
}

struct Watch {
    meter: Meter,
    method: &'static str,
    began: Instant,
}

impl Watch {
    fn done(&self, code: Code) {
        self.meter.call(self.method, code, self.began.elapsed());
    }
}

pin_project! {
    /// An answer that is encoded while it is read: in clear once the look is in the audit log, else masked.
    struct Masked {
        #[pin]
        body: Body,
        call: Call,
        _open: TaskTrackerToken,
    }
}

impl HttpBody for Masked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        linju_proto::in_clear(this.call.is_revealed(), || this.body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Status> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Status::invalid_argument(format!("the header {name} stands twice: send it once")));
    }
    value
        .map(|v| v.to_str().map_err(|_| Status::invalid_argument(format!("the header {name} is not plain text"))))
        .transpose()
}

fn unknown(message: &str) -> Status {
    let details = ErrorDetails::with_error_info("NOT_SIGNED_IN", "linju", []);
    Status::with_error_details(Code::Unauthenticated, message, details)
}

fn overloaded() -> Status {
    let mut details = ErrorDetails::with_error_info("OVERLOADED", "linju", []);
    details.set_retry_info(Some(Duration::from_secs(1)));
    Status::with_error_details(Code::Unavailable, "too many calls at once: try again in a moment", details)
}
