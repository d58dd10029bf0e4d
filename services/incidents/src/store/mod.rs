//! The tables `incidents` and `timeline`, and every query on them.

mod code;
pub mod counts;
pub mod incident;
pub mod migrations;
pub mod timeline;

pub use code::Code;
