//! How events travel: one interface, a JetStream stream or a log in a SQLite file behind it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Event, Lanes};

/// A bus that keeps what was published, in order, and hands it to every durable consumer at least once.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug {
    /// Publishes in order and returns when all of them are kept. An event whose id was published before is kept once.
    async fn publish(&self, events: &[Event]) -> Result<(), BusError>;

    /// Opens the durable consumer `name`, made where there is none, from the first event on.
    async fn subscribe(&self, consumer: &Subscription) -> Result<Box<dyn Feed>, BusError>;

    /// Opens a reader that leaves nothing behind on the bus: what is kept after the event numbered `after`, or what is
    /// published from now on. `Lost` where something after `after` is no longer kept, or where the bus never came so far.
    async fn tail(&self, after: Option<u64>, subjects: &[String]) -> Result<Box<dyn Tail>, BusError>;

    /// How many events the consumer has not yet done with.
    async fn lag(&self, consumer: &str) -> Result<u64, BusError>;

    /// Lanes for senders outside; none where they cannot reach the bus.
    fn lanes(&self) -> Option<Arc<dyn Lanes>> {
        None
    }

    /// Puts a delivery that no handler can use aside, with the reason.
    async fn park(&self, consumer: &str, event: &Event, reason: &str) -> Result<(), BusError>;

    /// What was put aside, the oldest first, at most `most`.
    async fn parked(&self, most: usize) -> Result<Vec<Parked>, BusError>;

    /// Gives a parked event to its consumer again and takes it off the list. `NotParked` where there is none.
    async fn retry(&self, id: ParkedId) -> Result<(), BusError>;

    /// Takes a parked event off the list for good.
    async fn drop_parked(&self, id: ParkedId) -> Result<(), BusError>;

    /// Whether the bus answers; for readiness and `doctor`.
    async fn check(&self) -> Result<(), BusError>;

    /// Ends its tasks and connections.
    async fn close(&self);
}

/// The bus a program uses.
pub type SharedBus = Arc<dyn Bus>;

/// What a durable consumer reads.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Unique on the bus, for example `residents-care`. Letters, digits and `-`.
    pub name: String,
    /// Subjects, NATS wildcards allowed, for example `linju.incidents.v1.*.*.*.building_endangered`.
    pub subjects: Vec<String>,
    /// How often a delivery may fail before it is parked.
    pub max_attempts: u32,
    /// How long a handler may take.
    pub ack_wait: Duration,
}

/// The deliveries of one consumer.
#[async_trait]
pub trait Feed: Send {
    /// Up to `most` deliveries; an empty list where none came within `wait`. A bus that is gone answers an error after a
    /// pause, so that the caller may simply call again.
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError>;

    /// Done with it: it does not come again.
    async fn ack(&mut self, delivery: &Delivery) -> Result<(), BusError>;

    /// Not done: it comes again after `delay`.
    async fn nak(&mut self, delivery: &Delivery, delay: Duration) -> Result<(), BusError>;
}

/// Events in the order in which the bus keeps them, by the numbers it gave them. Nothing is acknowledged; what is no event
/// is passed over.
#[async_trait]
pub trait Tail: Send {
    /// Up to `most` events, each once; an empty list where there was none within `wait`. After an error the next call goes
    /// on where the reader was, or answers `Lost`.
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Numbered>, BusError>;

    /// Every event up to this number was handed out or was not asked for.
    fn seen(&self) -> u64;
}

/// An event with its number on the bus, which counts from 1 and may leave numbers out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    pub number: u64,
    pub event: Event,
}

/// One event on its way to one consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What came, or why it cannot be read as an event (bad headers, not UTF-8), with the raw body.
    pub event: Result<Event, Unreadable>,
    /// Counts from 1.
    pub attempt: u32,
    /// The bus's own mark of it.
    pub token: String,
}

/// A message that is no event.
#[derive(Clone, Debug)]
pub struct Unreadable {
    pub reason: String,
    pub subject: String,
    pub body: Vec<u8>,
}

/// Names one parked event.
pub type ParkedId = u64;

/// An event put aside.
#[derive(Clone, Debug)]
pub struct Parked {
    pub id: ParkedId,
    pub consumer: String,
    pub event: Event,
    pub reason: String,
    pub parked_at: chrono::DateTime<chrono::Utc>,
}

/// What a bus cannot do.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the event bus is not reachable ({0}); it is tried again")]
    Unreachable(String),
    #[error("{0}")]
    Refused(String),
    #[error("there is no parked event {0}: see `linju dlq list`")]
    NotParked(ParkedId),
    #[error("what came after event {after} is no longer kept: start anew")]
    Lost { after: u64 },
    #[error("event {id} cannot be published: {reason}")]
    Unpublishable { id: Uuid, reason: String },
}
