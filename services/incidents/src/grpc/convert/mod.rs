//! Contract and domain, each in the other's words; besides the events nothing else knows both.

mod answer;
pub mod calendar;
pub mod catalogue;
pub mod codes;
pub mod emergencies;
pub mod promise;
mod request;
pub mod warnings;

pub(super) use answer::timeline;
pub(super) use request::{id, uuid};
