//! The time, taken from one place so that tests can set it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// Tells the time in UTC, cut to microseconds: what Postgres keeps, so that both databases give back what they were given.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<DateTime<Utc>>>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is told otherwise.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(at))))
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Some(fixed) => *fixed.lock().unwrap_or_else(PoisonError::into_inner),
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            None => Utc::now(),
        };
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// Moves a fixed clock; the machine's clock is not moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(fixed) = &self.0 {
            let mut at = fixed.lock().unwrap_or_else(PoisonError::into_inner);
            *at += by;
        }
    }
}
