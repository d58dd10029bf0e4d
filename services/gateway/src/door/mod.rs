//! The door: one address for REST, gRPC-Web and gRPC.

use std::net::SocketAddr;

use async_trait::async_trait;
use chassis::run::{Door, Inside, StartError};
use serde::Deserialize;

use crate::{GatewaySettings, identity::Identity};

/// What passes the door, and how much of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoorSettings {}

/// The door before it is open.
#[derive(Debug)]
pub struct GatewayDoor {
    settings: GatewaySettings,
    identity: Identity,
}

impl GatewayDoor {
    pub fn new(settings: GatewaySettings, identity: Identity) -> Self {
        Self { settings, identity }
    }
}

#[async_trait]
impl Door for GatewayDoor {
    async fn open(self: Box<Self>, _inside: Inside) -> Result<SocketAddr, StartError> {
        Ok(self.settings.listen)
    }
}
