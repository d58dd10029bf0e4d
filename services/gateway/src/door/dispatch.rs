//! The way of a request through the door: who is it, may it pass, where does it go, in which language is it answered.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body};
use chassis::{
    data::{Clock, Ids},
    run::Tasks,
};
use http::{HeaderValue, Method, Request, Response, Version, header, request::Parts};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::{
    DoorSettings,
    cors::Origins,
    encoding::{pack, unpack},
    grpc_web::Web,
    headers::{self, Trace},
    held::Opener,
    intake::{self, Intake, Pace},
    metered::Metered,
    network::{Outside, customer},
    plain,
    rates::{Policy, Rates, Standing, Who, tighter},
    refusal::{Refusal, Stop},
    speech::Speech,
};
use crate::{
    attachments::Attachments,
    identity::{Caller, ClientAddress, Identity, Refused},
    open311::{self, Open311},
    transcode::{Calls as _, Transcoder},
    upstream::Upstreams,
};

/// What is no call of a service.
fn is_page(path: &str) -> bool {
    path == "/openapi.json"
        || ["/auth", "/cap", "/docs", "/status"]
            .iter()
            .any(|page| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Answers every request of the door.
#[derive(Clone, Debug)]
pub(super) struct Dispatch(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: Arc<DoorSettings>,
    pub(super) identity: Identity,
    /// What is answered with HTTP alone: `/auth`, `/openapi.json`, `/docs`.
    pub(super) pages: Router,
    /// Files, which are no JSON.
    pub(super) files: Router,
    pub(super) open311: Open311,
    pub(super) upstreams: Upstreams,
    pub(super) transcoder: Transcoder,
    pub(super) rates: Arc<Rates>,
    pub(super) origins: Origins,
    pub(super) in_flight: Semaphore,
    pub(super) ids: Ids,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    /// Whether traces that begin here are recorded.
    pub(super) traced: bool,
}

impl Dispatch {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Answers one request; whatever is wrong with it is an answer too.
    pub(super) async fn answer(self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let this = &self.0;
        let speech = Speech::of(&parts.method, &parts.headers);
        let outside = Outside::of(peer.ip(), &parts.headers, &this.settings.trusted_proxies);
        let trace = Trace::of(&mut parts.headers, &this.ids, this.traced);
        if let Some(mut response) = this.origins.preflight(&parts.method, &parts.headers) {
            headers::finish(&mut response, &trace, speech, outside.https);
            return response;
        }
        let accepts = parts.headers.get(header::ACCEPT_ENCODING).cloned();
        let origin = this.origins.allowed(&parts.headers);
        let secret = parts.uri.path().starts_with("/auth");
        let open311 = open311::is_open311(parts.uri.path()).then(|| parts.uri.path().to_owned());
        let mut standing = None;
        let passed = this.pass(parts, body, speech, outside, &mut standing).await;
        let mut response = passed.unwrap_or_else(|stop| match open311 {
            Some(path) => open311::stopped(&path, stop.clone().response(Speech::Http), &stop.to_string()),
            None => stop.response(speech),
        });
        // What stands in an answer of `/auth` beside a secret could be guessed from its length.
        if speech == Speech::Http && !secret {
            response = pack(accepts.as_ref(), response);
        }
        if let Some(standing) = standing {
            standing.tell(response.headers_mut());
        }
        this.origins.permit(response.headers_mut(), origin.as_ref());
        headers::finish(&mut response, &trace, speech, outside.https);
        response
    }
}

impl Inner {
    async fn pass(
        &self,
        mut parts: Parts,
        body: Incoming,
        speech: Speech,
        outside: Outside,
        standing: &mut Option<Standing>,
    ) -> Result<Response<Body>, Stop> {
        plain::check(&parts)?;
        if speech == Speech::Grpc && parts.version != Version::HTTP_2 {
            return Err(Refusal::NeedsHttp2.into());
        }
        let _one = self.in_flight.try_acquire().map_err(|_| Refusal::Overloaded)?;
        headers::strip(&mut parts.headers);
        parts.extensions.insert(outside);
        parts.extensions.insert(ClientAddress(outside.address));
        let address = Who::Address(customer(outside.address));
        self.take(Policy::Address, &address, standing)?;
        if is_page(parts.uri.path()) {
            return self.page(parts, body, &address, standing).await;
        }
        if open311::is_open311(parts.uri.path()) {
            return self.open311(parts, body, address, standing).await;
        }
        self.call(parts, body, speech, address, standing).await
    }

    /// Takes one call of a limit, and notes how it stands.
    fn take(&self, policy: Policy, who: &Who, standing: &mut Option<Standing>) -> Result<(), Refusal> {
        let taken = self.rates.take(policy, who);
        if let Some(wait) = taken.and_then(|taken| taken.wait) {
            *standing = taken;
            return Err(Refusal::TooOften(wait));
        }
        *standing = tighter(*standing, taken);
        Ok(())
    }

    /// A page, or signing in.
    async fn page(
        &self,
        mut parts: Parts,
        body: Incoming,
        address: &Who,
        standing: &mut Option<Standing>,
    ) -> Result<Response<Body>, Stop> {
        let policy = if parts.method == Method::POST { Policy::SignIn } else { Policy::Anonymous };
        self.take(policy, address, standing)?;
        let body = self.body(&mut parts, body).await?;
        let Ok(response) = self.pages.clone().oneshot(Request::from_parts(parts, Body::from(body))).await;
        Ok(response)
    }

    /// A call of Open311, whose credential comes in its form.
    async fn open311(
        &self,
        mut parts: Parts,
        body: Incoming,
        address: Who,
        standing: &mut Option<Standing>,
    ) -> Result<Response<Body>, Stop> {
        let body = self.body(&mut parts, body).await?;
        let asked = match self.open311.read(&mut parts, &body) {
            Ok(asked) => asked,
            Err(response) => {
                self.take(Policy::Anonymous, &address, standing)?;
                return Ok(*response);
            }
        };
        let (caller, who) = match self.known(&parts, address, standing).await {
            Err(Stop::Credential(refused)) if !matches!(refused, Refused::Unavailable(_)) => {
                return Ok(open311::refused(&asked));
            }
            known => known?,
        };
        if let Some(method) = asked.method() {
            self.take(Policy::Method(method), &who, standing)?;
        }
        self.identity.stamp(&caller, &mut parts.headers);
        let calls = Metered { upstreams: self.upstreams.clone(), rates: self.rates.clone(), who, opener: None };
        Ok(self.open311.answer(asked, &parts.headers, calls).await)
    }

    /// A call of a service, in whichever language.
    async fn call(
        &self,
        mut parts: Parts,
        body: Incoming,
        speech: Speech,
        address: Who,
        standing: &mut Option<Standing>,
    ) -> Result<Response<Body>, Stop> {
        let (caller, who) = self.known(&parts, address, standing).await?;
        let method = self.method(&parts, speech);
        if let Some(method) = method {
            self.take(Policy::Method(method), &who, standing)?;
        }
        let opener = method.filter(|method| self.upstreams.streams(method)).map(|_| {
            Box::new(Opener {
                identity: self.identity.clone(),
                parts: parts.clone(),
                caller: caller.clone(),
                tasks: self.tasks.clone(),
            })
        });
        self.identity.stamp(&caller, &mut parts.headers);
        let calls = Metered { upstreams: self.upstreams.clone(), rates: self.rates.clone(), who, opener };
        let streams = method.is_some_and(|method| self.upstreams.takes_stream(method));
        let most = if streams { usize::MAX } else { self.settings.request_bytes };
        let pace = Pace::of(&self.settings, most);
        match speech {
            Speech::Grpc => {
                let body = tonic::body::Body::new(Intake::new(body, pace));
                Ok(calls.call(Request::from_parts(parts, body)).await.map(Body::new))
            }
            Speech::GrpcWeb(web) => self.web(parts, body, web, &calls).await,
            // Files are read as they come, and have a limit of their own.
            Speech::Http if Attachments::takes(&parts.method, parts.uri.path()) => {
                let body = Body::new(Intake::new(body, Pace::of(&self.settings, usize::MAX)));
                let Ok(response) = self.files.clone().oneshot(Request::from_parts(parts, body)).await;
                Ok(response)
            }
            Speech::Http => {
                let body = self.body(&mut parts, body).await?;
                Ok(self.transcoder.answer(Request::from_parts(parts, Body::from(body)), &calls).await)
            }
        }
    }

    /// Who calls, and under which name they are counted.
    async fn known(&self, parts: &Parts, address: Who, standing: &mut Option<Standing>) -> Result<(Caller, Who), Stop> {
        let caller = match self.identity.authenticate(parts, self.clock.now()).await {
            Ok(caller) => caller,
            Err(refused) => {
                // Guesses are counted.
                self.take(Policy::Anonymous, &address, standing)?;
                return Err(Stop::Credential(refused));
            }
        };
        if caller.principal.subject.is_empty() {
            self.take(Policy::Anonymous, &address, standing)?;
            return Ok((caller, address));
        }
        let who = Who::Caller(caller.principal.subject.clone());
        self.take(Policy::Caller, &who, standing)?;
        Ok((caller, who))
    }

    /// The contract's method that a request means, where there is one.
    fn method(&self, parts: &Parts, speech: Speech) -> Option<&'static str> {
        let path = match speech {
            Speech::Grpc | Speech::GrpcWeb(_) => parts.uri.path(),
            Speech::Http => self.transcoder.method_of(&parts.method, parts.uri.path())?,
        };
        linju_proto::METHODS.iter().find(|method| method.path == path).map(|method| method.path)
    }

    async fn body(&self, parts: &mut Parts, body: Incoming) -> Result<bytes::Bytes, Refusal> {
        let most = self.settings.request_bytes;
        let body = intake::whole(body, &parts.headers, Pace::of(&self.settings, most)).await?;
        unpack(&mut parts.headers, body, most)
    }

    async fn web(&self, mut parts: Parts, body: Incoming, web: Web, calls: &Metered) -> Result<Response<Body>, Stop> {
        let body = web.read(self.body(&mut parts, body).await?)?;
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc+proto"));
        parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
        parts.version = Version::HTTP_2;
        let body = tonic::body::Body::new(http_body_util::Full::new(body));
        Ok(web.answer(calls.call(Request::from_parts(parts, body)).await))
    }
}
