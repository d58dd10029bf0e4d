//! How to reach the NATS server and what to keep there.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

/// The part `nats` of a configuration. Every default is set on purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsSettings {
    /// `nats://` or `tls://` URLs of one cluster, commas between them. No user or password in it: use `credentials_file`.
    pub url: String,
    /// A `.creds` file of the NATS account.
    pub credentials_file: Option<PathBuf>,
    /// The seed of the user's nkey, for a server whose accounts stand in its configuration, as `linju partner` writes them.
    pub nkey_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the system's, for a server with a certificate of one's own.
    pub ca_file: Option<PathBuf>,
    /// The stream of all events.
    pub stream: String,
    /// The stream of what was parked.
    pub dlq_stream: String,
    /// Copies of each stream in a cluster: 1, 3 or 5. More than one needs as many servers.
    pub replicas: usize,
    /// Days an event stays in the stream. Older ones can be published again from the outbox.
    pub max_age_days: u32,
    /// How many deliveries of one consumer may be unanswered. What waits to be tried again counts, so that it must be well
    /// above the number of poisoned events one expects at a time.
    pub max_ack_pending: u32,
    /// Milliseconds between pings. The client gives a silent connection up at the third, so a dead link costs 15 s; the
    /// library's default would be 3 minutes.
    pub ping_ms: u64,
    /// Milliseconds for one try to connect, handshake included.
    pub connect_ms: u64,
    /// Milliseconds to wait for one answer of the server. Syncing a full batch to a slow disk takes a second.
    pub request_ms: u64,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".into(),
            credentials_file: None,
            nkey_file: None,
            ca_file: None,
            stream: "LINJU_EVENTS".into(),
            dlq_stream: "LINJU_DLQ".into(),
            replicas: 1,
            max_age_days: 30,
            max_ack_pending: 1_000,
            ping_ms: 5_000,
            connect_ms: 3_000,
            request_ms: 5_000,
        }
    }
}

impl NatsSettings {
    pub(super) fn ping(&self) -> Duration {
        Duration::from_millis(self.ping_ms.max(100))
    }

    pub(super) fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    pub(super) fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    pub(super) fn max_age(&self) -> Duration {
        Duration::from_secs(u64::from(self.max_age_days) * 86_400)
    }
}
