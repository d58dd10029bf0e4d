//! A guardian's consent that somebody under 18 volunteers.

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Refused,
    age::{MAJORITY, UNACCOMPANIED, age_on, birthday},
    china,
};

chassis::coded_enum! {
    /// How the guardian said yes.
    Channel, "channel of a consent" {
        Paper = "paper",
        Counter = "counter",
        Phone = "phone",
        App = "app",
    }
}

/// What was agreed to, from when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    pub given_on: NaiveDate,
    pub expires_on: NaiveDate,
    pub unaccompanied: bool,
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl Consent {
    /// A consent for somebody born on that day. It ends with the day before the 18th birthday at the latest.
    pub fn new(
        birth_date: NaiveDate,
        given_on: NaiveDate,
        expires_on: Option<NaiveDate>,
        unaccompanied: bool,
        today: NaiveDate,
    ) -> Result<Self, Refused> {
        let of_age = birthday(birth_date, MAJORITY);
        if today >= of_age {
            return Err(Refused::OfAge);
        }
        if given_on > today || given_on < birth_date {
            return Err(Refused::field("consent.given_on", "is no day on which it can have been given: check it"));
        }
        let last = of_age.pred_opt().unwrap_or(of_age);
        let expires_on = expires_on.map_or(last, |day| day.min(last));
        if expires_on < today {
            return Err(Refused::field("consent.expires_on", "is over: ask for a consent that holds now"));
        }
        if unaccompanied && age_on(birth_date, today) < UNACCOMPANIED {
            return Err(Refused::MustBeAccompanied);
        }
        Ok(Self { given_on, expires_on, unaccompanied, withdrawn_at: None })
    }

    /// Whether it holds on that day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        let in_time = self.given_on <= day && day <= self.expires_on;
        in_time && self.withdrawn_at.is_none_or(|at| day < china::day_of(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn it_ends_when_the_volunteer_is_of_age() {
        let (birth, today) = (day("2010-05-01"), day("2026-11-23"));
        let consent = Consent::new(birth, today, None, true, today).expect("a consent");
        assert_eq!(consent.expires_on, day("2028-04-30"));
        let longer = Consent::new(birth, today, Some(day("2040-01-01")), true, today).expect("a consent");
        assert_eq!(longer.expires_on, day("2028-04-30"));
        assert_eq!(Consent::new(day("2008-11-23"), today, None, true, today), Err(Refused::OfAge));
    }

    #[test]
    fn a_child_does_not_come_alone() {
        let (birth, today) = (day("2013-01-01"), day("2026-11-23"));
        assert_eq!(Consent::new(birth, today, None, true, today), Err(Refused::MustBeAccompanied));
        assert!(Consent::new(birth, today, None, false, today).is_ok());
    }

    #[test]
    fn withdrawn_it_holds_no_longer() {
        let today = day("2026-11-23");
        let mut consent = Consent::new(day("2010-05-01"), today, None, true, today).expect("a consent");
        assert!(consent.holds_on(today) && !consent.holds_on(day("2026-11-22")));
        consent.withdrawn_at = Some(china::start_of(today));
        assert!(!consent.holds_on(today) && !consent.holds_on(day("2026-12-01")));
    }
}
