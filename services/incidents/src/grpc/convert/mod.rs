//! Contract and domain, each in the other's words; besides the events nothing else knows both.

mod answer;
pub mod codes;
mod request;

pub(super) use answer::timeline;
pub(super) use request::id;
