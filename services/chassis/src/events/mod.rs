//! What happened, told to others: written with the row, published in order, handled once.

mod backoff;
mod bus;
mod consumer;
mod envelope;
mod event;
mod failpoint;
mod handler;
mod inbox;
mod ingress;
mod jetstream;
mod lease;
mod local;
mod migration;
pub mod outbox;
mod relay;
mod replay;
mod subject;
mod timer_runner;
pub mod timers;
mod unreadable;

pub use bus::{Bus, BusError, Delivery, Feed, Numbered, Parked, ParkedId, SharedBus, Subscription, Tail, Unreadable};
pub use consumer::{Consumer, ConsumerRunner, ConsumerSettings, Counts};
pub use event::{Event, Head};
pub use handler::{Handler, HandlerError};
pub use ingress::{Incoming, IngressRunner, Intake, Lane, Lanes, Received, Sender};
pub use jetstream::{BusTrouble, JetStream, NatsSettings};
pub use lease::{Held, Lease, has_served};
pub use local::LocalLog;
pub use migration::migration;
pub use outbox::{Outbox, OutboxState};
pub use relay::{Relay, RelaySettings};
pub use replay::{ReplayError, replay};
pub use timer_runner::{TimerHandlers, TimerRunner, TimerSettings};
pub use timers::{Timer, TimerHandler};
