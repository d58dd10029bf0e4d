//! gRPC without any contract: bytes in, bytes out. The generator costs the same whatever it calls, so that a service and
//! the bare echo are driven alike.

use anyhow::{Context as _, Result};
use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

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
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?.tcp_nodelay(true);
        let mut channels = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            channels.push(endpoint.connect().await.with_context(|| format!("nothing answers on port {port}"))?);
        }
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
