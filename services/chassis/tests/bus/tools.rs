//! Buses to test, events to send, and ways to wait.

use std::{collections::VecDeque, path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use chassis::{
    data::{Clock, Ids},
    events::{BusError, Delivery, Event, Feed, JetStream, LocalLog, NatsSettings, SharedBus, Subscription},
};
use test_servers::Nats;
use uuid::Uuid;

/// Longer than anything takes on a busy machine; only a test that fails waits so long.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// Where buses live: each `open` is a program that starts anew on the same store.
pub(crate) trait House {
    async fn open(&self) -> Result<SharedBus>;
}

pub(crate) struct LocalHouse(tempfile::TempDir);

impl LocalHouse {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("events.db")
    }
}

impl House for LocalHouse {
    async fn open(&self) -> Result<SharedBus> {
        Ok(LocalLog::open(&self.path(), Clock::system()).await?)
    }
}

pub(crate) struct NatsHouse(pub(crate) Nats);

impl NatsHouse {
    /// With more lines in the server's configuration.
    pub(crate) fn start(configuration: &str) -> Result<Self> {
        Ok(Self(Nats::start_with(configuration)?))
    }

    pub(crate) fn settings(&self) -> NatsSettings {
        NatsSettings { url: self.0.url().into(), ..NatsSettings::default() }
    }
}

impl House for NatsHouse {
    async fn open(&self) -> Result<SharedBus> {
        Ok(JetStream::connect(self.settings()).await?)
    }
}

/// Makes events, numbered in `version`, of one kind each.
pub(crate) struct Source {
    clock: Clock,
    ids: Ids,
    made: i64,
}

impl Source {
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(1_790_000_000_123_456));
        Self { ids: Ids::seeded(clock.clone(), seed << 32), clock, made: 0 }
    }

    pub(crate) fn event(&mut self) -> Event {
        self.named("511903.001.008", "incident_closed")
    }

    pub(crate) fn named(&mut self, area: &str, name: &str) -> Event {
        self.made += 1;
        Event {
            id: self.ids.next(),
            kind: "linju.incidents.v1.IncidentClosed".into(),
            source: "incidents".into(),
            subject: format!("linju.incidents.v1.{area}.{name}"),
            key: Uuid::from_u128(7),
            version: self.made,
            at: self.clock.now(),
            trace: (self.made % 2 == 0).then(|| "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            data: format!(r#"{{"n":{},"note":"邻聚"}}"#, self.made),
        }
    }

    pub(crate) fn events(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.event()).collect()
    }
}

/// A consumer of everything.
pub(crate) fn all(name: &str) -> Subscription {
    Subscription {
        name: name.into(),
        subjects: vec!["linju.*.v1.>".into()],
        max_attempts: 5,
        ack_wait: Duration::from_secs(30),
    }
}

/// Reads a feed one delivery at a time.
pub(crate) struct Reader {
    feed: Box<dyn Feed>,
    come: VecDeque<Delivery>,
}

impl Reader {
    pub(crate) async fn open(bus: &SharedBus, subscription: &Subscription) -> Result<Self> {
        Ok(Self { feed: bus.subscribe(subscription).await?, come: VecDeque::new() })
    }

    /// The next delivery. A bus that is away is asked again.
    pub(crate) async fn delivery(&mut self) -> Result<Delivery> {
        let deadline = tokio::time::Instant::now() + LONG;
        while tokio::time::Instant::now() < deadline {
            if let Some(delivery) = self.come.pop_front() {
                return Ok(delivery);
            }
            match self.feed.next(100, Duration::from_secs(1)).await {
                Ok(list) => self.come.extend(list),
                Err(BusError::Unreachable(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        bail!("nothing came")
    }

    /// The next event, acknowledged.
    pub(crate) async fn event(&mut self) -> Result<Event> {
        let delivery = self.delivery().await?;
        self.ack(&delivery).await?;
        read(delivery)
    }

    pub(crate) async fn events(&mut self, count: usize) -> Result<Vec<Event>> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            events.push(self.event().await?);
        }
        Ok(events)
    }

    pub(crate) async fn ack(&mut self, delivery: &Delivery) -> Result<()> {
        Ok(self.feed.ack(delivery).await?)
    }

    pub(crate) async fn nak(&mut self, delivery: &Delivery, delay: Duration) -> Result<()> {
        Ok(self.feed.nak(delivery, delay).await?)
    }
}

pub(crate) fn read(delivery: Delivery) -> Result<Event> {
    delivery.event.map_err(|unreadable| anyhow::anyhow!("unreadable: {}", unreadable.reason))
}

/// Asks until the answer is yes.
pub(crate) async fn until<F: Future<Output = Result<bool>>>(what: &str, mut ask: impl FnMut() -> F) -> Result<()> {
    let asking = async {
        while !ask().await? {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(LONG, asking).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("waited in vain: {what}"),
    }
}
