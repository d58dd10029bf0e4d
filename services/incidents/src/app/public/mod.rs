//! What the public side does: shows reports to everybody, takes reports and updates for everybody to read, and tells one
//! reporter how things stand.

mod categories;
mod list;
mod look_up;
mod show;
mod submit;
mod update;
mod withhold;

pub use categories::PublishedCategory;
pub use list::{EntriesOf, ReportsOf};
pub use look_up::{LookUpReport, ReportStatus};
pub use show::{PublishedEntry, PublishedReport};
pub use submit::{PublicReport, Submitted};
pub use update::NewUpdate;
