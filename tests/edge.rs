//! Everything from outside comes through the gateway's door.

mod attacks;
mod balance;
mod clients;
mod envoy;
mod files;
