//! Everything from outside comes through the gateway's door.

mod attacks;
mod balance;
mod clients;
mod envoy;
mod files;
mod live;
mod mandates;
mod oidc;
mod open311;
mod quotas;
mod tls;
