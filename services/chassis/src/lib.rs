//! What every service of Linju needs and none owns, in four wings:
//!
//! - [`data`]: both databases, write transactions, ids, clock, paging, etags, idempotency, sealed fields;
//! - [`events`]: outbox, relay, bus, inbox, dead letters, timers;
//! - [`access`]: who calls, what they may, what was looked at;
//! - [`run`]: configuration, telemetry, health, limits, shutdown.
//!
//! Nothing here knows a word of any service's field. A service implements [`Service`](run::Service) and never opens a
//! pool, spawns a task or sets up tracing itself.

pub mod access;
pub mod data;
pub mod events;
mod fault;
pub mod run;

pub use fault::{Fault, Refusal, status};
pub use linju_proto::Violation;
pub use sea_orm;
