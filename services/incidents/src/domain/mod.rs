//! The rules of an incident's life: pure functions over values, no clock, no database.
//!
//! [`decide()`] takes an incident, a command and who gives it, and answers the events that follow; [`Incident::apply`]
//! folds one event in; [`replay`] folds a whole timeline. A rule is checked in `decide` only: what is in the timeline
//! has happened, and is never judged again.

mod codes;

pub mod actor;
pub mod alarm;
pub mod calendar;
pub mod catalogue;
pub mod category;
pub mod china;
pub mod command;
pub mod decide;
pub mod dispute;
pub mod emergency;
pub mod event;
pub mod incident;
pub mod matter;
pub mod monthly;
pub mod near;
pub mod number;
pub mod pattern;
pub mod problem;
pub mod promise;
pub mod public;
pub mod rates;
pub mod refused;
pub mod status;
pub mod warning;

pub use actor::{Actor, ActorKind, Subject, Unit};
pub use category::{CategoryCode, NotACategory};
pub use codes::UnknownCode;
pub use command::{Command, Imported, ImportedOutcome, Parent, Report};
pub use decide::{Decision, Policy, decide, import, import_again, report};
pub use event::{ClosureBasis, Event, EventKind, Recorded};
pub use incident::{Incident, IncidentId, ReplayError, replay};
pub use refused::Refused;
pub use status::{Action, Channel, Satisfaction, Status, Urgency, Visibility};

#[cfg(test)]
mod tests;
