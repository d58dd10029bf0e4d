//! Ages, and what follows from them.

use chrono::{Datelike, NaiveDate};

/// From this birthday on nobody else's consent is needed (Civil Code Art. 17).
pub const MAJORITY: i32 = 18;
/// Below it a guardian comes along, whatever the guardian agreed to.
pub const UNACCOMPANIED: i32 = 14;

/// Full years on `day`; below 0 before the birth. Whoever is born on 29 February is a year older on 1 March.
pub fn age_on(birth_date: NaiveDate, day: NaiveDate) -> i32 {
    let had_birthday = (day.month(), day.day()) >= (birth_date.month(), birth_date.day());
    day.year() - birth_date.year() - i32::from(!had_birthday)
}

/// Under 18 on `day`.
pub fn is_minor(birth_date: NaiveDate, day: NaiveDate) -> bool {
    age_on(birth_date, day) < MAJORITY
}

/// The day of the birthday that makes somebody `age`.
pub fn birthday(birth_date: NaiveDate, age: i32) -> NaiveDate {
    let year = birth_date.year() + age;
    birth_date.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 3, 1)).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn birthdays_count() {
        let birth = day("2008-11-24");
        assert_eq!((age_on(birth, day("2026-11-23")), age_on(birth, day("2026-11-24"))), (17, 18));
        assert!(is_minor(birth, day("2026-11-23")) && !is_minor(birth, day("2026-11-24")));
        let leap = day("2008-02-29");
        assert_eq!((age_on(leap, day("2026-02-28")), age_on(leap, day("2026-03-01"))), (17, 18));
        assert_eq!(birthday(leap, MAJORITY), day("2026-03-01"));
    }

    proptest! {
        #[test]
        fn on_the_birthday_one_is_as_old_as_it_says(days in 0i64..40_000, age in 0i32..120) {
            let birth = day("1920-01-01") + chrono::TimeDelta::days(days);
            let on = birthday(birth, age);
            prop_assert_eq!(age_on(birth, on), age);
            prop_assert_eq!(age_on(birth, on - chrono::TimeDelta::days(1)), age - 1);
        }
    }
}
