//! The gRPC side: every follower is sent the same encoded messages.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{BufMut, Bytes};
use chassis::access::Call;
use futures::{FutureExt, Stream, future::BoxFuture, stream::BoxStream};
use linju_proto::{
    codec::{ContractCodec, ContractDecoder},
    gateway::v1::{Change, FollowChangesRequest},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    codec::{BufferSettings, Codec, EncodeBuf, Encoder},
    server::{Grpc, NamedService, ServerStreamingService},
};

use super::{follow::follow, hub::Hub};

/// Answers `linju.gateway.v1.LiveService`. Not the generated server: that would encode each change anew for each follower.
#[derive(Clone, Debug)]
pub struct LiveServer(Arc<Hub>);

impl LiveServer {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self(hub)
    }
}

impl NamedService for LiveServer {
    const NAME: &'static str = linju_proto::gateway::v1::live_service_server::SERVICE_NAME;
}

impl tower::Service<http::Request<Body>> for LiveServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let hub = self.0.clone();
        async move {
            if request.uri().path().rsplit('/').next() != Some("FollowChanges") {
                return Ok(Status::unimplemented("there is no such method").into_http());
            }
            Ok(Grpc::new(Encoded).server_streaming(FollowChanges(hub), request).await)
        }
        .boxed()
    }
}

struct FollowChanges(Arc<Hub>);

impl ServerStreamingService<FollowChangesRequest> for FollowChanges {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<FollowChangesRequest>) -> Self::Future {
        let hub = self.0.clone();
        async move {
            let call = Call::of(&request)?;
            let changes = follow(hub, &call, request.into_inner()).await?;
            Ok(Response::new(boxed(changes)))
        }
        .boxed()
    }
}

fn boxed(
    changes: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
) -> BoxStream<'static, Result<Bytes, Status>> {
    Box::pin(changes)
}

/// Requests as the contract reads them; answers that are encoded already. They hold nothing personal that would be masked.
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = FollowChangesRequest;
    type Encoder = Self;
    type Decoder = ContractDecoder<FollowChangesRequest>;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ContractCodec::<Change, FollowChangesRequest>::default().decoder()
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }

    /// A follower holds its buffer, as large as it ever became, all the time.
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(512, 2 * 1024)
    }
}
