//! How often somebody may try, so that guessing does not pay and nobody can lock another out.
//!
//! Three counters stand against guessing:
//! - one account from one place: a known device, or else an address;
//! - one address, whatever accounts it tries: the spread attack;
//! - one account from places unknown to it: the attack from many addresses. It only slows down.
//!
//! A device that has signed in to the account before carries a token that says so. It is held to its own counter only, so
//! whatever strangers do to the account, its owner gets in from there.

use chrono::{DateTime, TimeDelta, Utc};

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Attempts that did not succeed.
    pub failures: i32,
    /// When the last one began.
    pub at: DateTime<Utc>,
    /// No attempt before.
    pub until: Option<DateTime<Utc>>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// One account from one place.
    Place,
    /// All accounts from one address.
    Address,
    /// One account from all unknown places.
    Account,
    /// The second factor of one account from all unknown places: only who has the password can cause it.
    Factor,
}

impl Against {
    /// Attempts that cost nothing: people mistype, and an office shares an address.
    fn free(self) -> i32 {
        match self {
            Self::Place => 5,
            Self::Address => 20,
            Self::Account | Self::Factor => 10,
        }
    }

    /// The longest wait. For an account it is short: strangers can cause it.
    fn longest(self) -> TimeDelta {
        match self {
            Self::Place | Self::Address | Self::Factor => TimeDelta::minutes(15),
            Self::Account => TimeDelta::seconds(30),
        }
    }
}

/// A counter that nothing was added to for so long begins anew.
const FORGET: TimeDelta = TimeDelta::hours(1);

impl Counter {
    pub const fn new(at: DateTime<Utc>) -> Self {
        Self { failures: 0, at, until: None }
    }

    /// How long somebody still has to wait.
    pub fn wait(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.until.map(|until| until - now).filter(|wait| *wait > TimeDelta::zero())
    }

    /// Counts an attempt as it begins: a success takes it back, and a hundred at once count as a hundred. The wait doubles
    /// with each attempt after the free ones.
    #[must_use]
    pub fn count(self, against: Against, now: DateTime<Utc>) -> Self {
        let before = if now - self.at > FORGET { 0 } else { self.failures };
        let failures = before.saturating_add(1);
        let over = failures - against.free();
        let until = u32::try_from(over).ok().map(|over| {
            let seconds = TimeDelta::seconds(1i64 << over.min(20));
            now + seconds.min(against.longest())
        });
        Self { failures, at: now, until }
    }

    /// Takes a successful attempt back. The owner's own counter begins anew; on the others only this one attempt does not
    /// count, or an attacker with one account of their own could clear an address.
    #[must_use]
    pub fn take_back(self, against: Against) -> Self {
        let failures = match against {
            Against::Place => 0,
            Against::Address | Against::Account | Against::Factor => (self.failures - 1).max(0),
        };
        let until = self.until.filter(|_| failures >= against.free());
        Self { failures, until, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    #[test]
    fn the_wait_doubles_after_the_free_attempts() {
        let mut counter = Counter::new(start());
        let mut waits = Vec::new();
        for _ in 0..8 {
            counter = counter.count(Against::Place, start());
            waits.push(counter.wait(start()).map_or(0, |wait| wait.num_seconds()));
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8]);
    }

    #[test]
    fn strangers_can_make_an_owner_wait_only_briefly() {
        let mut counter = Counter::new(start());
        for _ in 0..1_000 {
            counter = counter.count(Against::Account, start());
        }
        assert_eq!(counter.wait(start()), Some(TimeDelta::seconds(30)));
    }

    #[test]
    fn a_success_clears_a_place_and_no_address() {
        let counter = Counter { failures: 40, at: start(), until: Some(start() + TimeDelta::hours(1)) };
        assert_eq!(counter.take_back(Against::Place), Counter { failures: 0, at: start(), until: None });
        assert_eq!(counter.take_back(Against::Address), Counter { failures: 39, ..counter });
    }

    #[test]
    fn an_hour_of_quiet_is_forgiven() {
        let counter = Counter { failures: 40, at: start(), until: None };
        let later = start() + FORGET + TimeDelta::seconds(1);
        assert_eq!(counter.count(Against::Place, later).failures, 1);
    }
}
