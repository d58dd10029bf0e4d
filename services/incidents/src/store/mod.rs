//! The tables `incidents` and `timeline`, and every query on them.

pub mod alarms;
pub mod calendar;
pub mod catalogue;
mod code;
pub mod counts;
pub mod dispute;
pub mod emergency;
pub mod incident;
pub mod matter;
pub mod migrations;
pub mod near;
pub mod pattern;
pub mod problem;
pub mod promise;
pub mod public;
pub mod timeline;
pub mod warning;

pub use code::Code;
