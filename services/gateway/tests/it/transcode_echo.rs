//! A service that answers with what it was asked, or as its metadata says.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use linju_gateway::transcode::{Calls, Limits, Transcoder};
use serde_json::Value;
use tonic::Status;

/// What the service does with a call.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers with the request's message.
    Echo,
    /// Answers that it failed, before any message.
    Fail(Status),
    /// Sends the request's message so often, then ends so; `None` breaks off.
    Stream(usize, Option<Status>),
    /// Sends these bytes as its whole body, then ends well.
    Raw(Bytes),
    /// Sends one message and then nothing more.
    Quiet,
}

/// The service, and what it was called with.
#[derive(Clone)]
pub(crate) struct Echo {
    reply: Reply,
    called: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Calls for Echo {
    async fn call(&self, request: Request<tonic::body::Body>) -> Response<tonic::body::Body> {
        let (parts, body) = request.into_parts();
        if let Ok(mut called) = self.called.lock() {
            called.push((parts.uri.path().to_owned(), parts.headers));
        }
        let asked = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        match &self.reply {
            Reply::Fail(status) => status.clone().into_http(),
            Reply::Echo => answer(stream::iter([asked]), Some(Status::ok(""))),
            Reply::Stream(count, end) => answer(stream::iter(vec![asked; *count]), end.clone()),
            Reply::Raw(bytes) => answer(stream::iter([bytes.clone()]), Some(Status::ok(""))),
            Reply::Quiet => answer(stream::iter([asked]).chain(stream::pending()), None),
        }
    }
}

fn answer(messages: impl Stream<Item = Bytes> + Send + 'static, end: Option<Status>) -> Response<tonic::body::Body> {
    let end = end.map(|status| {
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))
    });
    let frames = messages.map(|message| Ok(Frame::data(message))).chain(stream::iter(end));
    let mut response = Response::new(tonic::body::Body::new(StreamBody::new(frames)));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    response
}

/// A message with its prefix, as gRPC sends it.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a short message"));
    frame.put_slice(message);
    frame.freeze()
}

/// Descriptors of the echo service.
pub(crate) fn descriptors() -> Result<Vec<u8>> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let mut compiler = protox::Compiler::new([here, contracts])?;
    compiler.include_imports(true).include_source_info(true).open_file("transcode_echo.proto")?;
    Ok(compiler.encode_file_descriptor_set())
}

/// A transcoder before the service.
pub(crate) struct Ground {
    transcoder: Transcoder,
    echo: Echo,
}

/// What a caller got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("{} is no JSON", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The fields that a refusal names, with the rule that each breaks.
    pub(crate) fn wrong(&self) -> Result<Vec<String>> {
        let status = self.json()?;
        let details = status["details"].as_array().context("details")?;
        let bad = details.iter().find(|d| d["@type"] == "type.googleapis.com/google.rpc.BadRequest");
        let fields = bad.and_then(|bad| bad["fieldViolations"].as_array()).context("fields")?;
        Ok(fields.iter().map(|f| format!("{} {}", f["field"], f["reason"]).replace('"', "")).collect())
    }
}

impl Ground {
    pub(crate) fn new(reply: Reply) -> Result<Self> {
        Self::limited(reply, Limits::default())
    }

    pub(crate) fn limited(reply: Reply, limits: Limits) -> Result<Self> {
        let transcoder = Transcoder::new(&descriptors()?)?.with_limits(limits);
        Ok(Self { transcoder, echo: Echo { reply, called: Arc::default() } })
    }

    pub(crate) async fn response(&self, request: Request<Body>) -> Response<Body> {
        self.transcoder.answer(request, &self.echo).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Got> {
        let (parts, body) = self.response(request).await.into_parts();
        let text = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        Ok(Got { code: parts.status.as_u16(), headers: parts.headers, text })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Got> {
        self.send(Request::get(path).body(Body::empty())?).await
    }

    /// Sends JSON.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &str) -> Result<Got> {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned()))?).await
    }

    /// The calls that reached the service.
    pub(crate) fn called(&self) -> Vec<(String, HeaderMap)> {
        self.echo.called.lock().map(|called| called.clone()).unwrap_or_default()
    }
}
