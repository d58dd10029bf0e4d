//! When the word that an item is true has become too old, and when its owner is reminded of it.

use chrono::{NaiveDate, TimeDelta};

/// How old the word may be, and how long after one reminder the next one comes. Days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub assured_days: u16,
    pub again_days: u16,
}

/// What is done about an item today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this day.
    Wait(NaiveDate),
    /// Remind its owner, and look again on this day. From the second time on the manager is told, too.
    Remind { again_on: NaiveDate },
}

impl Rule {
    /// The first day on which the word of `assured_on` is too old.
    pub fn stale_on(self, assured_on: NaiveDate) -> NaiveDate {
        assured_on + TimeDelta::days(i64::from(self.assured_days) + 1)
    }

    pub fn is_stale(self, assured_on: NaiveDate, today: NaiveDate) -> bool {
        today >= self.stale_on(assured_on)
    }

    /// One reminder a look, however late the look: whoever was away for a year finds one, not twenty-six.
    pub fn step(self, assured_on: NaiveDate, today: NaiveDate) -> Step {
        if self.is_stale(assured_on, today) {
            Step::Remind { again_on: today + TimeDelta::days(i64::from(self.again_days.max(1))) }
        } else {
            Step::Wait(self.stale_on(assured_on))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule { assured_days: 180, again_days: 14 };

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn the_last_day_is_still_fresh() {
        let assured = day("2026-11-23");
        assert!(!RULE.is_stale(assured, day("2027-05-22")), "180 days");
        assert!(RULE.is_stale(assured, day("2027-05-23")));
        assert_eq!(RULE.step(assured, assured), Step::Wait(day("2027-05-23")));
        assert_eq!(RULE.step(assured, day("2027-05-23")), Step::Remind { again_on: day("2027-06-06") });
    }

    proptest! {
        /// Whatever is set, whoever looks at the days it names reminds only of what is stale, moves on every time, and
        /// stops as soon as somebody has said that it is true.
        #[test]
        fn reminders_come_one_by_one(assured_days in 0u16..2000, again_days in 0u16..400, late in 0i64..1000) {
            let rule = Rule { assured_days, again_days };
            let assured = day("2026-11-23");
            let mut today = assured;
            for turn in 0..20 {
                match rule.step(assured, today) {
                    Step::Wait(on) => {
                        prop_assert!(on > today && turn == 0);
                        today = on + TimeDelta::days(late);
                    }
                    Step::Remind { again_on } => {
                        prop_assert!(rule.is_stale(assured, today) && again_on > today);
                        today = again_on;
                    }
                }
            }
            prop_assert!(matches!(rule.step(today, today), Step::Wait(_)));
        }
    }
}
