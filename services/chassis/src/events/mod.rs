//! What happened, told to others: written with the row, published in order, handled once.

mod bus;
mod envelope;
mod event;
mod jetstream;
mod local;
mod subject;

pub use bus::{Bus, BusError, Delivery, Feed, Parked, ParkedId, SharedBus, Subscription, Unreadable};
pub use event::{Event, Head};
pub use jetstream::{BusTrouble, JetStream, NatsSettings};
pub use local::LocalLog;
