//! The connection, and what is known of its state.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event as Change, ServerAddr, ServerError};
use tokio::sync::watch;

use super::NatsSettings;
use crate::events::BusError;

/// Longest pause between two tries to connect.
const MOST_BACK_OFF: Duration = Duration::from_secs(2);

/// The client and what its events have told.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    seen: Arc<Seen>,
    /// Counts connections from 1; 0 while there has been none. What was set up on one may be gone on the next.
    connections: watch::Receiver<Line>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    number: u64,
    up: bool,
}

#[derive(Debug, Default)]
struct Seen {
    disconnects: AtomicU64,
    violations: AtomicU64,
    last_error: Mutex<String>,
}

/// What went wrong on the connection since it was made; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusTrouble {
    /// Connections lost.
    pub disconnects: u64,
    /// Subjects that the server did not allow.
    pub violations: u64,
}

impl Link {
    /// Starts to connect and goes on trying: what fails here are the settings.
    pub(super) async fn start(settings: &NatsSettings) -> Result<Self, BusError> {
        let bad_url = |e| BusError::Refused(format!("bus.nats.url `{}` is no list of NATS URLs: {e}", settings.url));
        let servers: Vec<ServerAddr> =
            settings.url.split(',').map(|url| url.trim().parse()).collect::<Result<_, _>>().map_err(bad_url)?;
        if servers.iter().any(ServerAddr::has_user_pass) {
            let why = "bus.nats.url holds a user or password, which is not used: put a .creds file into bus.nats.credentials_file";
            return Err(BusError::Refused(why.into()));
        }
        let seen = Arc::new(Seen::default());
        let (line, connections) = watch::channel(Line::default());
        let (line, noting) = (Arc::new(line), seen.clone());
        let mut options = ConnectOptions::new()
            .name("linju")
            .ping_interval(settings.ping())
            .connection_timeout(settings.connect())
            .request_timeout(Some(settings.request()))
            // A service starts, and takes work in, while NATS is down.
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(back_off)
            .event_callback(move |change| {
                noting.note(&change, &line);
                std::future::ready(())
            });
        if let Some(file) = &settings.credentials_file {
            let bad =
                |e| BusError::Refused(format!("bus.nats.credentials_file {} cannot be used: {e}", file.display()));
            options = options.credentials_file(file).await.map_err(bad)?;
        }
        if let Some(file) = &settings.nkey_file {
            let key = std::fs::read_to_string(file)
                .map_err(|e| BusError::Refused(format!("bus.nats.nkey_file {} cannot be read: {e}", file.display())))?;
            options = options.nkey(key.trim().to_owned());
        }
        if let Some(file) = &settings.ca_file {
            options = options.add_root_certificates(file.clone());
        }
        let client = options.connect(servers).await.map_err(|e| BusError::Refused(format!("NATS: {e}")))?;
        Ok(Self { client, seen, connections })
    }

    /// The number of the connection, as soon as there is one, at most `limit` from now.
    pub(super) async fn connected(&self, limit: Duration) -> Result<u64, BusError> {
        let mut connections = self.connections.clone();
        let found = tokio::time::timeout(limit, connections.wait_for(|line| line.up)).await;
        match found {
            Ok(Ok(line)) => Ok(line.number),
            _ if self.last_error().contains("authorization violation") => Err(BusError::Refused(
                "the NATS server does not let us in: bus.nats.credentials_file or bus.nats.nkey_file must belong to a user it knows".into(),
            )),
            _ => Err(self.unreachable("no connection")),
        }
    }

    /// Resolves when the connection is another one than `number`.
    pub(super) async fn other_than(&self, number: u64) {
        let mut connections = self.connections.clone();
        if connections.wait_for(|line| line.up && line.number != number).await.is_err() {
            // The client has ended; whoever waits for it learns so by its other ways.
            std::future::pending::<()>().await;
        }
    }

    fn last_error(&self) -> String {
        self.seen.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn trouble(&self) -> BusTrouble {
        BusTrouble {
            disconnects: self.seen.disconnects.load(Ordering::Relaxed),
            violations: self.seen.violations.load(Ordering::Relaxed),
        }
    }

    /// What to say of a request that got no answer. A subject that is not allowed shows only as an event beside it.
    pub(super) fn unanswered(&self, before: BusTrouble, what: impl std::fmt::Display) -> BusError {
        if self.trouble().violations > before.violations {
            let why = self.last_error();
            return BusError::Refused(format!(
                "the NATS user lacks a permission ({why}): give it to the user's account"
            ));
        }
        self.unreachable(what)
    }

    pub(super) fn unreachable(&self, what: impl std::fmt::Display) -> BusError {
        let last = self.last_error();
        BusError::Unreachable(if last.is_empty() { what.to_string() } else { format!("{what}; {last}") })
    }
}

impl Seen {
    fn note(&self, change: &Change, line: &watch::Sender<Line>) {
        match change {
            Change::Connected => {
                self.set_error(String::new());
                line.send_modify(|line| *line = Line { number: line.number + 1, up: true });
            }
            Change::Disconnected | Change::Closed => {
                self.disconnects.fetch_add(1, Ordering::Relaxed);
                line.send_modify(|line| line.up = false);
                tracing::warn!("the connection to NATS is lost; it is tried again");
            }
            Change::ServerError(error) => {
                let text = error.to_string();
                let forbidden = matches!(error, ServerError::AuthorizationViolation)
                    || text.to_ascii_lowercase().contains("permissions violation");
                if forbidden {
                    self.violations.fetch_add(1, Ordering::Relaxed);
                }
                tracing::warn!(error = text, "NATS reports an error");
                self.set_error(text);
            }
            Change::ClientError(error) => self.set_error(error.to_string()),
            Change::SlowConsumer(subscription) => {
                tracing::warn!(subscription, "deliveries of NATS were not read in time");
            }
            Change::LameDuckMode | Change::Draining => tracing::info!(%change, "NATS"),
        }
    }

    fn set_error(&self, text: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// At once, then 50 ms doubling up to [`MOST_BACK_OFF`].
fn back_off(attempts: usize) -> Duration {
    if attempts <= 1 {
        return Duration::ZERO;
    }
    let doublings = u32::try_from(attempts - 2).unwrap_or(u32::MAX).min(6);
    (Duration::from_millis(50) * 2u32.pow(doublings)).min(MOST_BACK_OFF)
}
