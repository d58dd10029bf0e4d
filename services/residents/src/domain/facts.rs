//! Freshness: which of two statements about a resident stands.

use std::cmp::Ordering;

use chrono::NaiveDate;

text_code! {
    /// Where a statement came from, the more trusted later in the list.
    pub enum Source("source") {
        /// A neighbour's or a partner's word.
        Reported = "reported", ["他人反映"];
        /// A row of a household survey file.
        Survey = "survey", ["摸底表"];
        /// A clerk's entry at a desk.
        Desk = "desk", ["窗口登记"];
        /// Seen at the door.
        Visit = "visit", ["入户走访"];
        /// The resident's own statement.
        Resident = "resident", ["本人申报"];
        /// A public authority's record.
        Authority = "authority", ["部门数据"];
    }
}

text_code! {
    /// The groups of fields that carry a freshness of their own.
    pub enum FactGroup("fact_group") {
        /// Name, sex, birth date, ID number.
        Identity = "identity", ["身份"];
        Contact = "contact", ["联系方式"];
        Registration = "registration", ["户籍"];
        Living = "living", ["居住情况"];
        /// The dwelling, the household and the place in it.
        Household = "household", ["住户"];
        Care = "care", ["关爱标签"];
    }
}

/// A value with the day it was seen to be so, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T> {
    /// What was stated.
    pub value: T,
    /// The day it was observed, which is not the day it was entered.
    pub observed_on: NaiveDate,
    /// Who stated it.
    pub source: Source,
}

/// What an incoming statement does to the one kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The kept one stands: the incoming one is older, or of the same day and no better source.
    Keep,
    /// The incoming one takes its place, be it only with a later day or a better source for the same value.
    Replace,
    /// Nothing is new: value, day and source are the same.
    Same,
}

/// A later observation replaces an earlier one and never the other way round. Of one day the more trusted source
/// stands, and of one source the first statement, so that the same file again changes nothing.
pub fn merge_fact<T: PartialEq>(current: &Fact<T>, incoming: &Fact<T>) -> Merge {
    match (incoming.observed_on, incoming.source).cmp(&(current.observed_on, current.source)) {
        Ordering::Greater => Merge::Replace,
        Ordering::Equal if incoming.value == current.value => Merge::Same,
        Ordering::Equal | Ordering::Less => Merge::Keep,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};
    use proptest::prelude::*;

    use super::{Fact, Merge, Source, merge_fact};

    fn fact(day: u64, value: u8, source: Source) -> Fact<u8> {
        Fact { value, observed_on: NaiveDate::default() + Days::new(day), source }
    }

    #[test]
    fn the_rule_case_by_case() {
        let kept = fact(10, 1, Source::Survey);
        for (incoming, expected) in [
            (fact(11, 2, Source::Reported), Merge::Replace),
            (fact(11, 1, Source::Survey), Merge::Replace),
            (fact(9, 2, Source::Authority), Merge::Keep),
            (fact(9, 1, Source::Survey), Merge::Keep),
            (fact(10, 1, Source::Survey), Merge::Same),
            (fact(10, 1, Source::Authority), Merge::Replace),
            (fact(10, 1, Source::Reported), Merge::Keep),
            (fact(10, 2, Source::Survey), Merge::Keep),
            (fact(10, 2, Source::Reported), Merge::Keep),
            (fact(10, 2, Source::Visit), Merge::Replace),
        ] {
            assert_eq!(merge_fact(&kept, &incoming), expected, "{incoming:?}");
        }
    }

    fn any_fact() -> impl Strategy<Value = Fact<u8>> {
        (0u64..5, 0u8..3, prop::sample::select(Source::ALL)).prop_map(|(day, value, source)| fact(day, value, source))
    }

    fn taken_in_turn(first: Fact<u8>, rest: &[Fact<u8>]) -> (Fact<u8>, bool) {
        rest.iter().fold((first, false), |(kept, changed), incoming| match merge_fact(&kept, incoming) {
            Merge::Replace => (incoming.clone(), true),
            Merge::Keep | Merge::Same => (kept, changed),
        })
    }

    proptest! {
        #[test]
        fn the_latest_day_wins_in_any_order_and_twice_is_once(facts in prop::collection::vec(any_fact(), 1..12)) {
            let (kept, _) = taken_in_turn(facts[0].clone(), &facts[1..]);
            prop_assert_eq!(Some(kept.observed_on), facts.iter().map(|fact| fact.observed_on).max());
            let (again, changed) = taken_in_turn(kept.clone(), &facts);
            prop_assert_eq!(again, kept);
            prop_assert!(!changed);
        }
    }
}
