//! Emergencies: kinds and levels of the Emergency Response Law (2024), what is reported upwards and by when, and what becomes
//! of personal data afterwards.

mod rules;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use thiserror::Error;

pub use rules::{BadRules, Number, Rule, Rules};

use super::codes::coded_enum;

coded_enum! {
    /// Art. 2.
    Kind, "kind of emergency" {
        NaturalDisaster = "natural_disaster",
        Accident = "accident",
        PublicHealth = "public_health",
        SocialSecurity = "social_security",
    }
}

coded_enum! {
    /// Art. 3.
    Level, "level of an emergency" {
        Extraordinary = "extraordinary",
        Serious = "serious",
        Large = "large",
        General = "general",
    }
}

coded_enum! {
    /// Which report.
    ReportType, "type of report" {
        Phone = "phone",
        First = "first",
        FollowUp = "follow_up",
        Final = "final",
    }
}

impl Kind {
    /// Art. 3 gives levels to the first three kinds only.
    pub const fn has_levels(self) -> bool {
        !matches!(self, Self::SocialSecurity)
    }
}

/// A kind, with a level where the law has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grade {
    kind: Kind,
    level: Option<Level>,
}

impl Grade {
    pub fn new(kind: Kind, level: Option<Level>) -> Result<Self, Refused> {
        match (kind.has_levels(), level) {
            (true, None) => Err(Refused::LevelMissing),
            (false, Some(_)) => Err(Refused::NoLevels),
            (true, Some(_)) | (false, None) => Ok(Self { kind, level }),
        }
    }

    pub const fn kind(self) -> Kind {
        self.kind
    }

    pub const fn level(self) -> Option<Level> {
        self.level
    }
}

/// One emergency, as far as its reports are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emergency {
    pub grade: Grade,
    pub declared_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// When the phone report, the first report and the final report were given.
    pub phoned_at: Option<DateTime<Utc>>,
    pub first_at: Option<DateTime<Utc>>,
    pub final_at: Option<DateTime<Utc>>,
    /// The last follow-up.
    pub followed_up_at: Option<DateTime<Utc>>,
    pub destroy_on: Option<NaiveDate>,
    pub destroyed_at: Option<DateTime<Utc>>,
    /// What was found overdue and told.
    pub told: Vec<Due>,
}

/// A report that is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Due {
    pub report: ReportType,
    pub at: DateTime<Utc>,
}

/// What a report says.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contents {
    pub source: String,
    pub occurred_at: Option<DateTime<Utc>>,
    pub place: String,
    pub dead: Option<i32>,
    pub injured: Option<i32>,
    pub missing: Option<i32>,
    pub loss_fen: Option<u64>,
    pub course: String,
    pub trend: String,
    pub measures: String,
    pub cause: String,
}

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("level is missing: this kind of emergency has one")]
    LevelMissing,
    #[error("level does not fit: the law gives social-security events no levels, leave it out")]
    NoLevels,
    #[error("contents.{field} is missing: a report of this type says it")]
    PartMissing { field: &'static str },
    #[error("contents.occurred_at lies in the future: give the time at which it happened")]
    NotYet,
    #[error("the emergency goes on: end it before the final report")]
    GoesOn,
    #[error("the emergency is over: give the final report")]
    IsOver,
    #[error("the final report was given: nothing more is reported")]
    Reported,
    #[error("until must lie after the day of destruction and at most a year ahead")]
    KeptForTooLong,
    #[error("there is no day of destruction yet: end the emergency first")]
    NothingToKeep,
    #[error("the personal data was destroyed")]
    Destroyed,
}

const LONGEST_KEEP: Days = Days::new(366);

impl Emergency {
    /// What is to be given, the soonest first.
    pub fn due(&self, rules: &Rules) -> Vec<Due> {
        let rule = rules.of(self.grade);
        let mut due = Vec::new();
        if self.first_at.is_none() {
            if self.phoned_at.is_none() {
                due.push(Due { report: ReportType::Phone, at: self.declared_at + minutes(rule.phone_minutes) });
            }
            due.push(Due { report: ReportType::First, at: self.declared_at + minutes(rule.first_minutes) });
        }
        match (self.ended_at, self.final_at) {
            (Some(ended), None) => {
                due.push(Due { report: ReportType::Final, at: ended + TimeDelta::days(rule.final_days.into()) });
            }
            (None, None) if rule.follow_up_minutes > 0 => {
                let last = self.followed_up_at.max(self.first_at);
                due.extend(
                    last.map(|last| Due { report: ReportType::FollowUp, at: last + minutes(rule.follow_up_minutes) }),
                );
            }
            _ => {}
        }
        due.sort_by_key(|due| due.at);
        due
    }

    /// When the next report falls due of which nobody was told.
    pub fn next_due(&self, rules: &Rules) -> Option<DateTime<Utc>> {
        self.due(rules).into_iter().find(|due| !self.is_told(*due)).map(|due| due.at)
    }

    /// What has fallen due since this was last asked and is not given; each is told once, and a follow-up once for each time.
    pub fn overdue(&mut self, rules: &Rules, now: DateTime<Utc>) -> Vec<Due> {
        let overdue = |due: &Due| due.at <= now && !self.is_told(*due);
        let found: Vec<_> = self.due(rules).into_iter().filter(overdue).collect();
        self.told.retain(|told| found.iter().all(|due| due.report != told.report));
        self.told.extend(&found);
        found
    }

    fn is_told(&self, due: Due) -> bool {
        let again = due.report == ReportType::FollowUp;
        self.told.iter().any(|told| told.report == due.report && (!again || told.at == due.at))
    }

    /// Takes a report; answers whether it comes late.
    pub fn file(
        &mut self,
        report: ReportType,
        contents: &Contents,
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<bool, Refused> {
        match (report, self.ended_at, self.final_at) {
            (_, _, Some(_)) => return Err(Refused::Reported),
            (ReportType::Final, None, None) => return Err(Refused::GoesOn),
            (ReportType::FollowUp, Some(_), None) => return Err(Refused::IsOver),
            _ => {}
        }
        contents.check(report, now)?;
        let late = self.due(rules).iter().any(|due| due.report == report && due.at < now);
        let given = match report {
            ReportType::Phone => &mut self.phoned_at,
            ReportType::First => &mut self.first_at,
            ReportType::FollowUp => &mut self.followed_up_at,
            ReportType::Final => &mut self.final_at,
        };
        *given = match report {
            // A second one adds, and does not change when the first was given.
            ReportType::Phone | ReportType::First => given.or(Some(now)),
            ReportType::FollowUp | ReportType::Final => Some(now),
        };
        Ok(late)
    }

    /// It is over: the day of destruction is set.
    pub fn end(&mut self, rules: &Rules, now: DateTime<Utc>, today: NaiveDate) -> Result<(), Refused> {
        if self.ended_at.is_some() {
            return Err(Refused::IsOver);
        }
        self.ended_at = Some(now);
        self.destroy_on = today.checked_add_days(Days::new(rules.destroy_after_days.into()));
        Ok(())
    }

    /// The data is kept until `until`, by an assessment that somebody wrote.
    pub fn keep(&mut self, until: NaiveDate, today: NaiveDate) -> Result<(), Refused> {
        if self.destroyed_at.is_some() {
            return Err(Refused::Destroyed);
        }
        let planned = self.destroy_on.ok_or(Refused::NothingToKeep)?;
        let latest = today.checked_add_days(LONGEST_KEEP).unwrap_or(today);
        if until <= planned || until > latest {
            return Err(Refused::KeptForTooLong);
        }
        self.destroy_on = Some(until);
        Ok(())
    }
}

impl Contents {
    /// Whether a report of this type says all it must.
    fn check(&self, report: ReportType, now: DateTime<Utc>) -> Result<(), Refused> {
        if self.occurred_at.is_some_and(|at| at > now) {
            return Err(Refused::NotYet);
        }
        let said = |text: &str| !text.trim().is_empty();
        let parts = [
            ("source", said(&self.source)),
            ("occurred_at", self.occurred_at.is_some()),
            ("place", said(&self.place)),
            ("dead", self.dead.is_some()),
            ("injured", self.injured.is_some()),
            ("loss_fen", self.loss_fen.is_some()),
            ("course", said(&self.course)),
            ("trend", said(&self.trend)),
            ("measures", said(&self.measures)),
            ("cause", said(&self.cause)),
        ];
        let needed = needed(report);
        match parts.into_iter().find(|(part, said)| needed.contains(part) && !said) {
            Some((field, _)) => Err(Refused::PartMissing { field }),
            None => Ok(()),
        }
    }
}

/// What a report of this type must say.
pub const fn needed(report: ReportType) -> &'static [&'static str] {
    match report {
        ReportType::Phone => &["place", "course"],
        ReportType::First => &["source", "occurred_at", "place", "dead", "injured", "course", "measures"],
        ReportType::FollowUp => &["dead", "injured", "course", "trend", "measures"],
        ReportType::Final => &["occurred_at", "place", "dead", "injured", "loss_fen", "course", "measures", "cause"],
    }
}

fn minutes(count: u32) -> TimeDelta {
    TimeDelta::minutes(count.into())
}

#[cfg(test)]
mod tests;
