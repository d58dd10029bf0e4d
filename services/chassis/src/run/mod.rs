//! The program around a service.

mod task;
mod telemetry;

pub use task::Tasks;
pub use telemetry::traceparent;
