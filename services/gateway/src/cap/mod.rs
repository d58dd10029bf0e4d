//! Public warnings for other systems: an Atom feed of an area, and each message as CAP 1.2. Anyone may read them.

mod atom;

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    routing::get,
};
use linju_proto::incidents::v1::{
    GetWarningRequest, ListWarningsRequest, Warning, warning_service_client::WarningServiceClient,
};
use tonic::{Request, Status};

use crate::{transcode::error_response, upstream::Upstreams};

/// Messages in a feed.
const ENTRIES: i32 = 50;
/// Seconds for which a copy may be used: a warning must not be late.
const FRESH: &str = "public, max-age=15";
const CAP_TYPE: &str = "application/cap+xml; charset=utf-8";
const ATOM_TYPE: &str = "application/atom+xml; charset=utf-8";

/// The pages, to be put under `/cap`.
pub fn routes(upstreams: Upstreams) -> Router {
    Router::new().route("/cap/areas/{area}", get(feed)).route("/cap/warnings/{id}", get(message)).with_state(upstreams)
}

/// `/cap/areas/511903001.atom`
async fn feed(State(upstreams): State<Upstreams>, Path(area): Path<String>, headers: HeaderMap) -> Response<Body> {
    let Some(area) = area.strip_suffix(".atom") else {
        return error_response(&Status::not_found("a feed's address ends in .atom"));
    };
    let request = ListWarningsRequest {
        area_code: area.to_owned(),
        include_past: true,
        page_size: ENTRIES,
        page_token: String::new(),
    };
    let listed = call(&upstreams, |mut client| async move { client.list_warnings(Request::new(request)).await }).await;
    match listed {
        Ok(listed) => document(&headers, ATOM_TYPE, atom::feed(area, &listed.warnings)),
        Err(status) => error_response(&status),
    }
}

/// `/cap/warnings/0198….xml`
async fn message(State(upstreams): State<Upstreams>, Path(id): Path<String>, headers: HeaderMap) -> Response<Body> {
    let Some(id) = id.strip_suffix(".xml") else {
        return error_response(&Status::not_found("a message's address ends in .xml"));
    };
    let request = GetWarningRequest { id: id.to_owned() };
    let got = call(&upstreams, |mut client| async move { client.get_warning(Request::new(request)).await }).await;
    match got {
        Ok(Warning { cap, .. }) => document(&headers, CAP_TYPE, cap),
        Err(status) => error_response(&status),
    }
}

/// Calls as somebody who is not signed in.
async fn call<R, F>(upstreams: &Upstreams, make: impl FnOnce(WarningServiceClient<Calls>) -> F) -> Result<R, Status>
where
    F: Future<Output = Result<tonic::Response<R>, Status>>,
{
    make(WarningServiceClient::new(Calls(upstreams.clone()))).await.map(tonic::Response::into_inner)
}

/// The services as a channel for typed clients.
#[derive(Clone, Debug)]
struct Calls(Upstreams);

impl tower::Service<http::Request<tonic::body::Body>> for Calls {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let upstreams = self.0.clone();
        Box::pin(async move { Ok(upstreams.call(request).await) })
    }
}

/// An XML document, or 304 where the reader has it.
fn document(asked: &HeaderMap, kind: &'static str, xml: String) -> Response<Body> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, xml.as_bytes());
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]));
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = if unchanged {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(xml))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FRESH));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
