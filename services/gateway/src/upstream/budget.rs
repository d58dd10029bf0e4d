//! How many calls may be made again: a tenth of all, so that a service in trouble is not called harder.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The part of calls that may be made again.
const SHARE: f64 = 0.1;
/// So many may be made again in [`WINDOW`] however few calls there are.
const LEAST: f64 = 30.0;
const WINDOW: Duration = Duration::from_secs(10);

/// A bucket that every call puts a tenth into and every second attempt takes one from.
#[derive(Debug)]
pub(super) struct Budget(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    /// Calls of the window before this one and of this one.
    calls: (f64, f64),
    since: Instant,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Bucket { tokens: LEAST, calls: (0.0, 0.0), since: Instant::now() }))
    }

    /// A call was made.
    pub(super) fn called(&self) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.turn(Instant::now());
        bucket.calls.1 += 1.0;
        let most = LEAST + SHARE * (bucket.calls.0 + bucket.calls.1);
        bucket.tokens = (bucket.tokens + SHARE).min(most);
    }

    /// Whether it may be made again.
    pub(super) fn again(&self) -> bool {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.turn(Instant::now());
        let may = bucket.tokens >= 1.0;
        if may {
            bucket.tokens -= 1.0;
        }
        may
    }
}

impl Bucket {
    fn turn(&mut self, now: Instant) {
        let passed = now.duration_since(self.since);
        if passed >= WINDOW {
            self.calls = if passed < WINDOW * 2 { (self.calls.1, 0.0) } else { (0.0, 0.0) };
            self.tokens = self.tokens.max(LEAST);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tenth_may_be_made_again() {
        let budget = Budget::new();
        let again = |budget: &Budget| std::iter::repeat_with(|| budget.again()).take_while(|may| *may).count();
        assert_eq!(again(&budget), 30, "what is always allowed");
        for _ in 0..1_000 {
            budget.called();
        }
        let allowed = again(&budget);
        assert!((99..=100).contains(&allowed), "{allowed}");
        tokio::time::advance(WINDOW).await;
        assert_eq!(again(&budget), 30);
    }
}
