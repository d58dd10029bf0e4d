//! Calls whose bodies are bytes, and what a refusal says.

use prost::bytes::{Buf as _, BufMut as _};
use tonic::{
    Request, Response, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::Channel,
};
use tonic_types::StatusExt;

/// Sends and takes bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawCodec;

impl RawCodec {
    /// Calls `path` with a body of the test's making.
    pub(crate) async fn call(
        channel: &Channel,
        path: &'static str,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Status> {
        let mut client = Grpc::new(channel.clone());
        client.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
        // A stream need not end: its first message tells enough.
        let mut answer = client.server_streaming(request, PathAndQuery::from_static(path), Self).await?;
        let first = answer.get_mut().message().await?;
        Ok(answer.map(|_| first.unwrap_or_default()))
    }
}

impl Codec for RawCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

/// The reason for programs that a status carries; empty where it has none.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Code, reason and fields of an answer in one line: `InvalidArgument INVALID_FIELD query`.
pub(crate) fn refusal<T>(answer: Result<T, Status>) -> String {
    let Err(status) = answer else { return "Ok".to_owned() };
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let fields: Vec<String> = violations.into_iter().map(|violation| violation.field).collect();
    format!("{:?} {} {}", status.code(), reason(&status), fields.join(" ")).trim_end().to_owned()
}
