//! What the gateway can be told, under `[service.gateway]`.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::{
    attachments::AttachmentSettings, door::DoorSettings, identity::IdentitySettings, live::LiveSettings,
    open311::Open311Settings, upstream::Targets,
};

/// Settings of the gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// Where the door is: HTTP/1.1 and HTTP/2 without TLS, behind whatever ends TLS.
    pub listen: SocketAddr,
    /// `host:port` of services that run elsewhere, by name; what is not named is looked for in this process.
    pub upstreams: Targets,
    pub door: DoorSettings,
    pub identity: IdentitySettings,
    pub attachments: AttachmentSettings,
    pub live: LiveSettings,
    pub open311: Open311Settings,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7880)),
            upstreams: Targets::default(),
            door: DoorSettings::default(),
            identity: IdentitySettings::default(),
            attachments: AttachmentSettings::default(),
            live: LiveSettings::default(),
            open311: Open311Settings::default(),
        }
    }
}
