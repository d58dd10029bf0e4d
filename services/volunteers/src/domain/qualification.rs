//! Qualifications: proofs of what somebody has learned, or that nothing stands against them, each for its time.

use chrono::{Months, NaiveDate, TimeDelta};

use super::Refused;

chassis::coded_enum! {
    /// What a proof says.
    Kind, "qualification" {
        FirstAid = "first_aid",
        HealthCertificate = "health_certificate",
        /// The records that bar somebody from work with minors were queried, and there are none.
        MinorClearance = "minor_clearance",
        DrivingLicence = "driving_licence",
        Electrician = "electrician",
        SocialWorker = "social_worker",
        ElderlyCare = "elderly_care",
        Counselling = "counselling",
        Teaching = "teaching",
        Medical = "medical",
    }
}

chassis::coded_enum! {
    /// Whether it holds.
    State, "state of a qualification" {
        Holds = "holds",
        Expired = "expired",
        Revoked = "revoked",
        /// A newer one of the same kind holds in its place.
        Renewed = "renewed",
    }
}

chassis::coded_enum! {
    /// Why one is taken back.
    Revocation, "reason of a revocation" {
        WithdrawnByIssuer = "withdrawn_by_issuer",
        NotGenuine = "not_genuine",
        RecordedWrongly = "recorded_wrongly",
    }
}

/// Whoever has it is told so long before it ends.
pub const WARNING: TimeDelta = TimeDelta::days(30);

impl Kind {
    /// The longest time that it holds, where law or practice sets one: the query of records is repeated every year (Law on
    /// the Protection of Minors, Art. 62), a health certificate is good for one (Regulations on the Food Safety Law,
    /// Art. 45), a Red Cross first-aid certificate for three.
    pub const fn longest(self) -> Option<Months> {
        match self {
            Self::MinorClearance | Self::HealthCertificate => Some(Months::new(12)),
            Self::FirstAid => Some(Months::new(36)),
            Self::DrivingLicence
            | Self::Electrician
            | Self::SocialWorker
            | Self::ElderlyCare
            | Self::Counselling
            | Self::Teaching
            | Self::Medical => None,
        }
    }

    /// What it is called.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::FirstAid => "急救证",
            Self::HealthCertificate => "健康证明",
            Self::MinorClearance => "从业禁止查询",
            Self::DrivingLicence => "驾驶证",
            Self::Electrician => "电工证",
            Self::SocialWorker => "社会工作者证书",
            Self::ElderlyCare => "养老护理证书",
            Self::Counselling => "心理咨询证书",
            Self::Teaching => "教师资格证",
            Self::Medical => "医护资格",
        }
    }
}

/// From which day until which, both included. Without an end it holds for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
}

impl Term {
    /// The time of a proof of this kind. An end that is left out is the latest that the kind allows.
    pub fn of(kind: Kind, issued_on: NaiveDate, until: Option<NaiveDate>, today: NaiveDate) -> Result<Self, Refused> {
        if issued_on > today {
            return Err(Refused::field("qualification.issued_on", "lies in the future: give the day on the proof"));
        }
        let latest = kind.longest().map(|months| (issued_on + months) - TimeDelta::days(1));
        let until = match (until, latest) {
            (Some(until), _) if until < issued_on => {
                return Err(Refused::field("qualification.expires_on", "lies before the day of issue: check both"));
            }
            (Some(until), Some(latest)) if until > latest => {
                return Err(Refused::HoldsTooLong { kind, latest });
            }
            (Some(until), _) => Some(until),
            (None, latest) => latest,
        };
        if until.is_some_and(|until| until < today) {
            return Err(Refused::field("qualification.expires_on", "is over: record the proof that holds now"));
        }
        Ok(Self { from: issued_on, until })
    }

    /// Whether it holds on that day.
    pub fn holds_on(self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
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
    fn a_clearance_holds_a_year_at_most() {
        let (issued, today) = (day("2026-03-01"), day("2026-11-23"));
        let year = Term::of(Kind::MinorClearance, issued, None, today).expect("a term");
        assert_eq!(year.until, Some(day("2027-02-28")));
        assert!(Term::of(Kind::MinorClearance, issued, Some(day("2027-02-28")), today).is_ok());
        let longer = Term::of(Kind::MinorClearance, issued, Some(day("2027-03-01")), today);
        assert_eq!(longer, Err(Refused::HoldsTooLong { kind: Kind::MinorClearance, latest: day("2027-02-28") }));
        assert!(Term::of(Kind::MinorClearance, day("2025-11-01"), None, today).is_err(), "over already");
        assert!(Term::of(Kind::MinorClearance, day("2026-11-24"), None, today).is_err(), "not queried yet");
        let licence = Term::of(Kind::DrivingLicence, issued, None, today).expect("a term");
        assert!(licence.until.is_none() && licence.holds_on(day("2099-01-01")));
    }

    proptest! {
        #[test]
        fn what_is_taken_holds_today_and_never_too_long(
            kind in prop::sample::select(Kind::ALL), ago in 0i64..2_000, length in prop::option::of(-10i64..3_000)
        ) {
            let today = day("2026-11-23");
            let issued = today - TimeDelta::days(ago);
            let until = length.map(|days| issued + TimeDelta::days(days));
            if let Ok(term) = Term::of(kind, issued, until, today) {
                prop_assert!(term.holds_on(today));
                if let Some(longest) = kind.longest() {
                    prop_assert!(!term.holds_on(issued + longest));
                }
            }
        }
    }
}
