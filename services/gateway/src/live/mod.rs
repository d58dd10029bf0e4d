//! What happens, as it happens, to those who may know.
//!
//! One reader of the bus feeds all followers of this process through a ring of events that were encoded once. A follower
//! holds no more than its place in that order, so that one who reads slowly holds up nobody; whoever is behind the ring
//! reads from the bus what it missed.

mod change;
mod error;
mod follow;
mod hub;
mod ring;
mod server;
mod wanted;

use std::{sync::Arc, time::Duration};

use chassis::{events::SharedBus, run::Tasks};
use serde::Deserialize;

pub use server::LiveServer;

use hub::Hub;

/// How changes are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveSettings {
    /// Events, and bytes of them, that are kept at hand; whoever is further behind reads from the bus.
    pub ring_events: usize,
    pub ring_bytes: usize,
    /// Seconds between two signs of life.
    pub heartbeat_s: u64,
    /// Seconds after which a follower has to come again, and with it its credential to be looked at.
    pub longest_s: u64,
    /// Seconds that a follower behind the ring may leave what it is given unread.
    pub patience_s: u64,
    /// How many followers read from the bus at once; the others wait.
    pub catching_up: usize,
    /// Followers of this process, and of one person among them.
    pub followers: usize,
    pub followers_of_one: usize,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            ring_events: 4_096,
            ring_bytes: 4 << 20,
            heartbeat_s: 15,
            longest_s: 3_600,
            patience_s: 60,
            catching_up: 4,
            followers: 5_000,
            followers_of_one: 20,
        }
    }
}

impl LiveSettings {
    fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_s.max(1))
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(self.longest_s)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }
}

/// The followers of this process. Clones are the same.
#[derive(Clone, Debug)]
pub struct Live(Arc<Hub>);

impl Live {
    pub fn new(bus: SharedBus, settings: LiveSettings) -> Self {
        Self(Arc::new(Hub::new(bus, settings)))
    }

    /// Answers `linju.gateway.v1.LiveService`.
    pub fn server(&self) -> LiveServer {
        LiveServer::new(self.0.clone())
    }

    /// Reads the bus until the program stops. Nobody can follow before.
    pub fn start(&self, tasks: &Tasks) {
        tasks.spawn(self.0.clone().run(tasks.clone()));
    }
}
