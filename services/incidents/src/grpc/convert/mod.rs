//! Contract and domain, each in the other's words; besides the events nothing else knows both.

mod answer;
pub mod calendar;
pub mod catalogue;
pub mod codes;
pub mod disputes;
pub mod emergencies;
pub mod matters;
pub mod patterns;
mod problems;
pub mod promise;
pub mod public;
pub mod rates;
mod request;
pub mod warnings;

pub(super) use answer::timeline;
pub(super) use problems::suggestions;
pub(super) use request::{id, uuid};
