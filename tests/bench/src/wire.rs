//! gRPC without any contract: bytes in, bytes out. The generator costs the same whatever it calls, so that a service and
//! the bare echo are driven alike.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use bytes::{Buf as _, BufMut as _, Bytes};
use http::{HeaderValue, StatusCode, Uri, header::AUTHORIZATION, uri::PathAndQuery};
use http_body_util::BodyExt as _;
use tonic::{
    Request, Status,
    body::Body,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};
use tower::Service as _;
use uuid::Uuid;

/// Passes messages through as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Connections that the clients of one run share.
const CONNECTIONS: usize = 4;

/// Calls one method.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    channels: Vec<Channel>,
    path: PathAndQuery,
    token: Option<MetadataValue<Ascii>>,
}

impl Caller {
    /// `path` as in HTTP/2: `/linju.residents.v1.ResidentService/GetResident`.
    pub(crate) async fn connect(port: u16, path: &'static str, token: Option<&str>) -> Result<Self> {
        let channels = channels(port).await?;
        let token = token.map(|token| format!("Bearer {token}").parse()).transpose()?;
        Ok(Self { channels, path: PathAndQuery::from_static(path), token })
    }

    /// The same connections and caller, another method.
    pub(crate) fn method(&self, path: &'static str) -> Self {
        Self { path: PathAndQuery::from_static(path), ..self.clone() }
    }

    /// One call; `client` chooses the connection.
    pub(crate) async fn call(&self, client: usize, message: Bytes) -> Result<Bytes> {
        let mut grpc = Grpc::new(self.channels[client % self.channels.len()].clone());
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        grpc.ready().await?;
        let answer = grpc.unary(request, self.path.clone(), Raw).await;
        Ok(answer.with_context(|| format!("{} was refused", self.path))?.into_inner())
    }
}

async fn channels(port: u16) -> Result<Vec<Channel>> {
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?.tcp_nodelay(true);
    let mut channels = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        channels.push(endpoint.connect().await.with_context(|| format!("nothing answers on port {port}"))?);
    }
    Ok(channels)
}

/// Reads over REST on HTTP/2, by the same client and as many connections as gRPC has.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    channels: Vec<Channel>,
    token: HeaderValue,
}

impl Rest {
    pub(crate) async fn connect(port: u16, token: &str) -> Result<Self> {
        Ok(Self { channels: channels(port).await?, token: HeaderValue::try_from(format!("Bearer {token}"))? })
    }

    /// One GET, which must be answered with 200; `client` chooses the connection.
    pub(crate) async fn get(&self, client: usize, path: PathAndQuery) -> Result<Bytes> {
        let mut channel = self.channels[client % self.channels.len()].clone();
        let request = http::Request::get(Uri::from(path)).header(AUTHORIZATION, self.token.clone());
        poll_fn(|context| channel.poll_ready(context)).await?;
        let answer = channel.call(request.body(Body::empty())?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "the answer is {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}

/// An id for a request: another one with every call, and in every run: the time in nanoseconds and a counter.
pub(crate) fn new_id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Uuid::from_u128((nanos << 64) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}
