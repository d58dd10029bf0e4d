//! What a partner gives: people, a room, goods, a course, a service.

use chrono::NaiveDate;

use super::Refused;

chassis::coded_enum! {
    /// What is given.
    Kind, "kind of offer" {
        People = "people",
        Room = "room",
        Goods = "goods",
        Course = "course",
        Service = "service",
    }
}

chassis::coded_enum! {
    /// Whether it can still be had.
    State, "state of an offer" {
        Open = "open",
        UsedUp = "used_up",
        Ended = "ended",
        Withdrawn = "withdrawn",
    }
}

/// How much there is, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// None: without a limit.
    pub quantity: Option<i64>,
    pub taken_up: i64,
    /// The last day; none: without end.
    pub until: Option<NaiveDate>,
    pub withdrawn: bool,
}

impl Terms {
    pub fn state(&self, today: NaiveDate) -> State {
        if self.withdrawn {
            State::Withdrawn
        } else if self.until.is_some_and(|until| until < today) {
            State::Ended
        } else if self.quantity.is_some_and(|quantity| self.taken_up >= quantity) {
            State::UsedUp
        } else {
            State::Open
        }
    }

    /// Takes some of it; how much is taken then.
    pub fn take_up(&self, wanted: i64, today: NaiveDate) -> Result<i64, Refused> {
        match self.state(today) {
            State::Open => {}
            State::UsedUp => return Err(Refused::OfferUsedUp { left: 0, wanted }),
            state @ (State::Ended | State::Withdrawn) => return Err(Refused::OfferNotOpen { state }),
        }
        match self.quantity.map(|quantity| quantity - self.taken_up) {
            Some(left) if left < wanted => Err(Refused::OfferUsedUp { left, wanted }),
            _ => Ok(self.taken_up.saturating_add(wanted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn the_last_day_counts() {
        let until = Some(day("2026-11-30"));
        let terms = Terms { quantity: Some(3), taken_up: 0, until, withdrawn: false };
        assert_eq!(terms.state(day("2026-11-30")), State::Open);
        assert_eq!(terms.state(day("2026-12-01")), State::Ended);
        assert_eq!(terms.take_up(4, day("2026-11-30")), Err(Refused::OfferUsedUp { left: 3, wanted: 4 }));
        let gone = Terms { withdrawn: true, ..terms };
        assert_eq!(gone.take_up(1, day("2026-11-30")), Err(Refused::OfferNotOpen { state: State::Withdrawn }));
    }

    proptest! {
        #[test]
        fn nobody_takes_more_than_there_is(quantity in 1i64..50, wanted in proptest::collection::vec(1i64..20, 0..30)) {
            let today = day("2026-11-23");
            let mut terms = Terms { quantity: Some(quantity), taken_up: 0, until: None, withdrawn: false };
            for wanted in wanted {
                let left = quantity - terms.taken_up;
                match terms.take_up(wanted, today) {
                    Ok(taken) => terms.taken_up = taken,
                    Err(_) => prop_assert!(wanted > left),
                }
                prop_assert!(terms.taken_up <= quantity);
                prop_assert_eq!(terms.state(today) == State::UsedUp, terms.taken_up == quantity);
            }
        }
    }
}
