//! The program around a service.

mod channel;
mod config;
mod install;
mod migrate;
mod observe;
mod serve;
mod service;
mod task;
mod telemetry;
mod tls;
mod upkeep;

pub use channel::follow;
pub use config::{
    BadSettings, BusSettings, DatabaseSettings, KeySettings, Limits, LogFormat, Settings, ShutdownSettings,
    TelemetrySettings,
};
pub use install::{Install, StartError, new_keys};
pub use migrate::{migrate, pending};
pub use serve::{Running, start};
pub use service::{Context, Door, Inside, Parts, Service};
pub use task::Tasks;
pub(crate) use telemetry::call_span;
pub use telemetry::{Meter, Telemetry, continue_trace, traceparent};
pub use tls::{Tls, TlsError, TlsSettings};
