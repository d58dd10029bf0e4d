//! The rules for alarms: which are taken, how they are gathered into situations, when nobody is bothered twice.
//!
//! A situation is what a person looks at. It has alarms of one kind that came near to each other in place and time;
//! [`Desk`] puts each alarm into one.

mod bucket;
mod check;
mod desk;
mod kind;
mod not_taken;

pub use bucket::Bucket;
pub use check::{Agreement, Raised, Standing, check};
pub use desk::{Alarm, Desk, Gathered, How, Mark, SituationId};
pub use kind::{AlarmKind, SituationState};
pub use not_taken::NotTaken;

#[cfg(test)]
mod tests;

use chrono::TimeDelta;

/// What an office may set differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmRules {
    /// A device that says the same again within this time only repeats itself.
    pub repeat: TimeDelta,
    /// Alarms belong together while no more than this lies between one and the next.
    pub window: TimeDelta,
    /// Open situations of a kind in one community, and in one subdistrict, from which on further ones are a storm.
    pub community: usize,
    pub subdistrict: usize,
    /// How far a device's clock may be ahead, and how late an alarm may come.
    pub ahead: TimeDelta,
    pub behind: TimeDelta,
    /// How far from its registered place a device may say that something is, in metres.
    pub far: f64,
    /// How often a situation that nobody looks at is reported upwards.
    pub escalations: i32,
}

impl Default for AlarmRules {
    fn default() -> Self {
        Self {
            repeat: TimeDelta::seconds(60),
            window: TimeDelta::minutes(10),
            community: 3,
            subdistrict: 6,
            ahead: TimeDelta::minutes(5),
            behind: TimeDelta::hours(24),
            far: 2_000.0,
            escalations: 3,
        }
    }
}
