//! The program around a service.

mod channel;
mod config;
mod observe;
mod task;
mod telemetry;

pub use channel::follow;
pub use config::{
    BadSettings, BusSettings, DatabaseSettings, KeySettings, Limits, LogFormat, Settings, ShutdownSettings,
    TelemetrySettings,
};
pub use observe::{Observed, routes as observe_routes};
pub use task::Tasks;
pub use telemetry::{Meter, Telemetry, continue_trace, traceparent};
