//! The tables `incidents` and `timeline`, and every query on them.

pub mod alarms;
pub mod calendar;
pub mod catalogue;
mod code;
pub mod counts;
pub mod emergency;
pub mod incident;
pub mod migrations;
pub mod promise;
pub mod timeline;
pub mod warning;

pub use code::Code;
