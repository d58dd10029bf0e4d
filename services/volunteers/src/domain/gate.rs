//! The gate before every piece of work: may this volunteer do this, from the beginning to the end of it?
//!
//! It never says only no: every obstacle is named, so that it can be removed. It looks at what the law and the work ask for,
//! and at nothing else; it prefers nobody.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    age::is_minor,
    china,
    consent::Consent,
    life::State,
    qualification::{Kind, Term},
};

/// What a piece of work asks of whoever does it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Needs {
    pub qualifications: BTreeSet<Kind>,
    /// May endanger the volunteer: only with accident insurance (Regulations on Voluntary Service, Art. 17).
    pub risky: bool,
    /// With minors: asks for the clearance, too (Law on the Protection of Minors, Art. 62).
    pub with_minors: bool,
    pub adults_only: bool,
}

impl Needs {
    /// What both ask together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            qualifications: self.qualifications.union(&other.qualifications).copied().collect(),
            risky: self.risky || other.risky,
            with_minors: self.with_minors || other.with_minors,
            adults_only: self.adults_only || other.adults_only,
        }
    }

    fn kinds(&self) -> BTreeSet<Kind> {
        let mut kinds = self.qualifications.clone();
        if self.with_minors {
            kinds.insert(Kind::MinorClearance);
        }
        kinds
    }
}

/// What is known of a volunteer, as far as the gate looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub state: State,
    /// The day on which a pause ends by itself.
    pub resume_on: Option<NaiveDate>,
    pub birth_date: NaiveDate,
    /// Those that were neither revoked nor renewed.
    pub qualifications: Vec<(Kind, Term)>,
    /// First and last day of each cover.
    pub insured: Vec<(NaiveDate, NaiveDate)>,
    /// The newest; none was ever given.
    pub consent: Option<Consent>,
}

/// What stands against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    NotActive,
    QualificationMissing(Kind),
    /// Holds at the beginning, and no longer at the end; until then.
    QualificationEndsBefore(Kind, NaiveDate),
    NotInsured,
    ConsentMissing,
    UnderAge,
}

impl Obstacle {
    /// What it is called in tables and events.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotActive => "not_active",
            Self::QualificationMissing(_) => "qualification_missing",
            Self::QualificationEndsBefore(..) => "qualification_ends_before",
            Self::NotInsured => "not_insured",
            Self::ConsentMissing => "consent_missing",
            Self::UnderAge => "under_age",
        }
    }

    /// The qualification it is about.
    pub const fn qualification(self) -> Option<Kind> {
        match self {
            Self::QualificationMissing(kind) | Self::QualificationEndsBefore(kind, _) => Some(kind),
            Self::NotActive | Self::NotInsured | Self::ConsentMissing | Self::UnderAge => None,
        }
    }

    /// For people: what it is, and what removes it.
    pub fn zh(self) -> String {
        match self {
            Self::NotActive => "志愿者当前不在服务状态，请先办理审核或恢复服务".to_owned(),
            Self::QualificationMissing(kind) => format!("缺少有效的{}，请先登记", kind.zh()),
            Self::QualificationEndsBefore(kind, until) => {
                format!("{}在{until}到期，早于服务结束时间，请先续办", kind.zh())
            }
            Self::NotInsured => "该服务可能有人身风险，服务期间没有意外伤害保险，请先投保".to_owned(),
            Self::ConsentMissing => "未满十八周岁，服务期间没有监护人同意，请先登记".to_owned(),
            Self::UnderAge => "该服务只限年满十八周岁的志愿者".to_owned(),
        }
    }
}

impl Facts {
    /// Everything that stands against work with these needs between two times; nothing: go. A day that the work only touches
    /// counts whole, and its end at midnight belongs to the day before.
    pub fn obstacles(&self, needs: &Needs, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Obstacle> {
        let first = china::day_of(from);
        let last = china::day_of(until - chrono::TimeDelta::microseconds(1)).max(first);
        let mut found = Vec::new();
        if !self.serves_on(first) {
            found.push(Obstacle::NotActive);
        }
        found.extend(needs.kinds().into_iter().filter_map(|kind| self.lacks(kind, first, last)));
        if needs.risky && !covered(&self.insured, first, last) {
            found.push(Obstacle::NotInsured);
        }
        if needs.adults_only && is_minor(self.birth_date, first) {
            found.push(Obstacle::UnderAge);
        }
        if !self.consented_on(first) || !self.consented_on(last) {
            found.push(Obstacle::ConsentMissing);
        }
        found
    }

    /// Of age, or with a guardian's consent that holds.
    pub fn consented_on(&self, day: NaiveDate) -> bool {
        !is_minor(self.birth_date, day) || self.consent.is_some_and(|consent| consent.holds_on(day))
    }

    fn serves_on(&self, day: NaiveDate) -> bool {
        match self.state {
            State::Active => true,
            State::Paused => self.resume_on.is_some_and(|resume| resume <= day),
            State::Applicant | State::InProcess | State::Archived => false,
        }
    }

    fn lacks(&self, kind: Kind, first: NaiveDate, last: NaiveDate) -> Option<Obstacle> {
        let terms = || self.qualifications.iter().filter(|(held, _)| *held == kind).map(|(_, term)| *term);
        if terms().any(|term| term.holds_on(first) && term.holds_on(last)) {
            return None;
        }
        let at_first = terms().filter(|term| term.holds_on(first)).filter_map(|term| term.until).max();
        Some(
            at_first
                .map_or(Obstacle::QualificationMissing(kind), |until| Obstacle::QualificationEndsBefore(kind, until)),
        )
    }
}

/// Whether the covers hold from the first day to the last without a gap.
fn covered(covers: &[(NaiveDate, NaiveDate)], first: NaiveDate, last: NaiveDate) -> bool {
    let mut day = first;
    loop {
        let Some(until) =
            covers.iter().filter(|(from, until)| *from <= day && day <= *until).map(|(_, until)| *until).max()
        else {
            return false;
        };
        match until.succ_opt() {
            Some(next) if until < last => day = next,
            _ => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn grown_up() -> Facts {
        Facts {
            state: State::Active,
            resume_on: None,
            birth_date: day("1980-01-01"),
            qualifications: vec![(
                Kind::MinorClearance,
                Term { from: day("2026-01-01"), until: Some(day("2026-12-31")) },
            )],
            insured: vec![(day("2026-11-01"), day("2026-11-30")), (day("2026-12-01"), day("2026-12-15"))],
            consent: None,
        }
    }

    fn shift(facts: &Facts, needs: &Needs, from: &str, hours: i64) -> Vec<Obstacle> {
        let from: DateTime<Utc> = from.parse().expect("a time");
        facts.obstacles(needs, from, from + TimeDelta::hours(hours))
    }

    #[test]
    fn a_clearance_that_ends_during_the_shift_is_refused() {
        let needs = Needs { with_minors: true, ..Needs::default() };
        // 22:00 on 31 December in China, the last day of the clearance.
        assert_eq!(shift(&grown_up(), &needs, "2026-12-31T14:00:00Z", 2), []);
        let over = Obstacle::QualificationEndsBefore(Kind::MinorClearance, day("2026-12-31"));
        assert_eq!(shift(&grown_up(), &needs, "2026-12-31T14:00:00Z", 3), [over]);
        let missing = Obstacle::QualificationMissing(Kind::MinorClearance);
        assert_eq!(shift(&grown_up(), &needs, "2027-01-01T14:00:00Z", 3), [missing]);
        assert!(over.zh().contains("2026-12-31"));
    }

    #[test]
    fn risky_work_asks_for_cover_without_a_gap() {
        let needs = Needs { risky: true, ..Needs::default() };
        assert_eq!(shift(&grown_up(), &needs, "2026-11-30T02:00:00Z", 24), [], "one cover follows the other");
        assert_eq!(shift(&grown_up(), &needs, "2026-12-15T02:00:00Z", 24), [Obstacle::NotInsured]);
    }

    #[test]
    fn whoever_is_under_age_needs_a_guardian() {
        let consent = Consent {
            given_on: day("2026-01-01"),
            expires_on: day("2026-11-30"),
            unaccompanied: true,
            withdrawn_at: None,
        };
        let young = Facts { birth_date: day("2010-01-01"), consent: Some(consent), ..grown_up() };
        let needs = Needs { adults_only: true, ..Needs::default() };
        assert_eq!(shift(&young, &Needs::default(), "2026-11-30T02:00:00Z", 2), []);
        assert_eq!(shift(&young, &Needs::default(), "2026-12-01T02:00:00Z", 2), [Obstacle::ConsentMissing]);
        assert_eq!(shift(&young, &needs, "2026-11-30T02:00:00Z", 2), [Obstacle::UnderAge]);
    }

    #[test]
    fn a_pause_ends_by_its_day() {
        let paused = Facts { state: State::Paused, resume_on: Some(day("2026-12-01")), ..grown_up() };
        assert_eq!(shift(&paused, &Needs::default(), "2026-11-30T02:00:00Z", 2), [Obstacle::NotActive]);
        assert_eq!(shift(&paused, &Needs::default(), "2026-12-01T02:00:00Z", 2), []);
    }

    proptest! {
        /// More needs never open what fewer close, and a longer time never opens what a shorter one closes.
        #[test]
        fn more_is_never_easier(
            start in 0i64..400, hours in 1i64..72, more in 0i64..72,
            with_minors: bool, risky: bool, adults_only: bool, first_aid: bool
        ) {
            let from = china::start_of(day("2026-01-01")) + TimeDelta::days(start);
            let qualifications = first_aid.then_some(Kind::FirstAid).into_iter().collect();
            let needs = Needs { qualifications, risky, with_minors, adults_only };
            let few = grown_up().obstacles(&Needs::default(), from, from + TimeDelta::hours(hours)).len();
            let all = grown_up().obstacles(&needs, from, from + TimeDelta::hours(hours)).len();
            let longer = grown_up().obstacles(&needs, from, from + TimeDelta::hours(hours + more)).len();
            prop_assert!(few <= all && all <= longer);
        }
    }
}
