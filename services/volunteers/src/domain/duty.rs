//! Duties on the rota.

use chrono::{DateTime, TimeDelta, Utc};

use super::Refused;

chassis::coded_enum! {
    /// Whether a duty takes place.
    DutyState, "state of a duty" {
        Planned = "planned",
        Cancelled = "cancelled",
    }
}

chassis::coded_enum! {
    /// How somebody stands to a duty.
    RosterState, "state on the roster" {
        On = "on",
        GivenUp = "given_up",
        /// May no longer do it.
        TakenOff = "taken_off",
        Came = "came",
        DidNotCome = "did_not_come",
    }
}

/// The longest duty.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// From when until when; `until` is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

impl Span {
    /// A duty's time: it ends after it begins, within a day, and begins after now.
    pub fn new(from: DateTime<Utc>, until: DateTime<Utc>, now: DateTime<Utc>) -> Result<Self, Refused> {
        if until <= from || until - from > LONGEST {
            return Err(Refused::field("ends_at", "is not within 24 hours after `starts_at`: check both"));
        }
        if from <= now {
            return Err(Refused::field("starts_at", "is over: plan duties that are still to come"));
        }
        Ok(Self { from, until })
    }

    /// The same time, one a week. China has no summer time, so a week is always as long.
    pub fn weekly(self, weeks: u32) -> impl Iterator<Item = Self> {
        let later = move |by: TimeDelta| Self { from: self.from + by, until: self.until + by };
        (0..i64::from(weeks)).map(move |week| later(TimeDelta::weeks(week)))
    }

    /// Whether the two share a moment.
    pub fn meets(self, other: Self) -> bool {
        self.from < other.until && other.from < self.until
    }
}

impl RosterState {
    /// Goes off again; until it begins.
    pub fn give_up(self, span: Span, now: DateTime<Utc>) -> Result<Self, Refused> {
        match self {
            Self::On if now < span.from => Ok(Self::GivenUp),
            Self::On => Err(Refused::HasBegun),
            Self::GivenUp | Self::TakenOff | Self::Came | Self::DidNotCome => Err(Refused::NotOnDuty),
        }
    }

    /// What somebody said who was there. It may be put right later.
    #[must_use]
    pub const fn attended(self, came: bool) -> Self {
        match self {
            Self::On | Self::Came | Self::DidNotCome if came => Self::Came,
            Self::On | Self::Came | Self::DidNotCome => Self::DidNotCome,
            Self::GivenUp | Self::TakenOff => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn span(from: &str, hours: i64) -> Span {
        Span { from: at(from), until: at(from) + TimeDelta::hours(hours) }
    }

    #[test]
    fn a_duty_lasts_a_day_at_most() {
        let (now, from) = (at("2026-11-23T08:00:00Z"), at("2026-11-24T00:00:00Z"));
        assert!(Span::new(from, from + LONGEST, now).is_ok());
        for (from, until) in
            [(from, from), (from, from + LONGEST + TimeDelta::seconds(1)), (now, now + TimeDelta::hours(1))]
        {
            assert!(Span::new(from, until, now).is_err(), "{from} {until}");
        }
        let weeks: Vec<_> = span("2026-11-24T00:00:00Z", 3).weekly(3).map(|span| span.from).collect();
        assert_eq!(weeks, [from, from + TimeDelta::days(7), from + TimeDelta::days(14)]);
    }

    #[test]
    fn giving_up_is_for_before() {
        let duty = span("2026-11-24T00:00:00Z", 3);
        assert_eq!(RosterState::On.give_up(duty, at("2026-11-23T23:59:59Z")), Ok(RosterState::GivenUp));
        assert_eq!(RosterState::On.give_up(duty, duty.from), Err(Refused::HasBegun));
        assert_eq!(RosterState::TakenOff.give_up(duty, at("2026-11-23T00:00:00Z")), Err(Refused::NotOnDuty));
        assert_eq!(RosterState::GivenUp.attended(true), RosterState::GivenUp);
        assert_eq!(RosterState::Came.attended(false), RosterState::DidNotCome);
    }

    proptest! {
        #[test]
        fn meeting_is_mutual(a in 0i64..100, b in 1i64..24, c in 0i64..100, d in 1i64..24) {
            let start = at("2026-11-24T00:00:00Z");
            let make = |from, hours| Span {
                from: start + TimeDelta::hours(from), until: start + TimeDelta::hours(from + hours),
            };
            let (one, other) = (make(a, b), make(c, d));
            prop_assert_eq!(one.meets(other), other.meets(one));
            prop_assert_eq!(one.meets(other), (a..a + b).any(|hour| (c..c + d).contains(&hour)));
        }
    }
}
