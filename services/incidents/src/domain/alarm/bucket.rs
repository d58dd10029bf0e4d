//! How much of what a partner sends is taken.

use chrono::{DateTime, TimeDelta, Utc};

/// Seconds of its rate that a partner may send at once, as in a storm.
const BURST: f64 = 10.0;

/// A token bucket: fills at the agreed rate, holds ten seconds of it, and each message takes one.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    left: f64,
    at: DateTime<Utc>,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: i32, now: DateTime<Utc>) -> Self {
        Self { left: f64::from(rate) * BURST, at: now }
    }

    /// How many of `wanted` messages it grants. A clock that goes back fills nothing.
    pub fn take(&mut self, wanted: usize, rate: i32, now: DateTime<Utc>) -> usize {
        let passed = (now - self.at).max(TimeDelta::zero()).as_seconds_f64();
        self.left = (self.left + passed * f64::from(rate)).min(f64::from(rate) * BURST);
        self.at = self.at.max(now);
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "counts")]
        let granted = (self.left.max(0.0).floor() as usize).min(wanted);
        #[expect(clippy::cast_precision_loss, reason = "a count of messages in one batch")]
        let taken = granted as f64;
        self.left -= taken;
        granted
    }
}
