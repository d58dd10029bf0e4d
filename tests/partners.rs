//! Partners on a real NATS server: what they may do, and what they may not.

mod ground;
mod isolation;
mod keys;
