//! Everything from outside comes through the gateway's door.

mod attacks;
mod balance;
mod envoy;
mod files;
