//! What the public side keeps and asks.

pub mod posted;
pub mod publication;
mod shown;
pub mod tries;

pub use shown::{Entries, Reports, entries, find_numbered, notes, reports, timelines};
