//! The door: one address for REST, gRPC-Web and gRPC.
//!
//! A request's way: connection (limits of number, size and time), headers that nobody may send from outside, who calls, how
//! often they may, the signed service token, then the language it speaks: JSON is transcoded, gRPC-Web unwrapped, gRPC passed
//! on as it is.

mod answers;
mod connection;
mod cors;
mod dispatch;
mod encoding;
mod grpc_web;
mod headers;
mod held;
mod intake;
mod listener;
mod metered;
mod network;
mod plain;
mod rates;
mod refusal;
mod settings;
mod socket;
mod speech;

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use chassis::run::{Door, Inside, StartError};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    GatewaySettings, attachments::Attachments, cap, identity::Identity, live::Live, open311::Open311, openapi, status,
    transcode::Transcoder, upstream::Upstreams,
};
use cors::Origins;
use dispatch::{Dispatch, Inner};
pub use network::{BadNetwork, Network, Outside};
use rates::Rates;
pub use settings::{DoorSettings, Rate, RateSettings};

/// The door before it is open.
#[derive(Debug)]
pub struct GatewayDoor {
    settings: GatewaySettings,
    identity: Identity,
    attachments: Attachments,
    live: Live,
}

impl GatewayDoor {
    pub fn new(settings: GatewaySettings, identity: Identity, attachments: Attachments, live: Live) -> Self {
        Self { settings, identity, attachments, live }
    }
}

#[async_trait]
impl Door for GatewayDoor {
    async fn open(self: Box<Self>, inside: Inside) -> Result<SocketAddr, StartError> {
        let Self { settings, identity, attachments, live } = *self;
        let GatewaySettings { listen, upstreams, mut door, open311, identity: signing_in, .. } = settings;
        let bound = async {
            let listener = TcpListener::bind(listen).await?;
            let at = listener.local_addr()?;
            Ok((listener, at))
        };
        let (listener, at) = bound.await.map_err(|e| StartError::Listen(listen, e))?;
        let transcoder = Transcoder::new(linju_proto::DESCRIPTORS)
            .map_err(|e| StartError::Door("gateway", format!("the contracts cannot be served over HTTP: {e}")))?;
        identity.open(&inside).await?;
        let upstreams = Upstreams::new(&inside, &upstreams);
        attachments
            .open(upstreams.clone(), &inside.install.settings.data_dir)
            .map_err(|e| StartError::Door("gateway", format!("service.gateway.attachments: {e}")))?;
        attachments.start(&inside.tasks);
        live.start(&inside.tasks);
        // Whoever is connected when the program stops must be done before the program is.
        door.connection_grace_s = door.connection_grace_s.min(inside.install.settings.shutdown.deadline_s / 2);
        let settings = Arc::new(door);
        let dispatch = Dispatch::new(Inner {
            pages: identity
                .http_routes()
                .merge(openapi::routes())
                .merge(status::routes())
                .merge(cap::routes(upstreams.clone())),
            files: attachments.http_routes(),
            open311: Open311::new(
                open311,
                signing_in.public_url,
                inside.install.ids.clone(),
                inside.install.clock.clone(),
            ),
            identity,
            upstreams,
            transcoder,
            rates: Arc::new(Rates::new(settings.rates.clone())),
            origins: Origins::new(&settings.origins),
            in_flight: Semaphore::new(settings.requests),
            ids: inside.install.ids.clone(),
            clock: inside.install.clock.clone(),
            tasks: inside.tasks.clone(),
            traced: !inside.install.settings.telemetry.otlp.is_empty(),
            settings: settings.clone(),
        });
        listener::serve(listener, settings, &inside.tasks, move |request, peer| dispatch.clone().answer(request, peer));
        Ok(at)
    }
}
