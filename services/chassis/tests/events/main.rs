//! Outbox, relay, inbox, timers: on SQLite and on Postgres.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod consumer;
mod crash;
mod ground;
mod lease;
mod relay;
mod timers;
