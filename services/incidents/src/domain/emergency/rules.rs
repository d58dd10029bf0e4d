//! What is due when, read from a file that an office may replace.

use serde::Deserialize;
use thiserror::Error;

use super::{Grade, Kind, Level};

/// Deadlines, numbers to call, and how long personal data is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Days after the end.
    pub destroy_after_days: u32,
    /// Whom to call before anything else.
    pub call_first: Vec<Number>,
    #[serde(rename = "rule")]
    due: Vec<Rule>,
}

/// A number to call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    pub number: String,
    pub zh: String,
    pub en: String,
}

/// What is due for a kind, or for one level of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub kind: Kind,
    /// None: every level that has no rule of its own.
    pub level: Option<Level>,
    /// After the declaration.
    pub phone_minutes: u32,
    pub first_minutes: u32,
    /// Between follow-ups while it goes on; 0: only when something changes.
    pub follow_up_minutes: u32,
    /// After the end.
    pub final_days: u32,
}

/// Rules that cannot be used, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRules {
    #[error("the emergency rules cannot be read: {0}")]
    Unreadable(String),
    #[error("the emergency rules have none for `{0}`: add a [[rule]] without a level")]
    Missing(Kind),
    #[error("the emergency rules have two for `{}`{}: keep one", .0.kind, .0.level.map(|l| format!(" at level `{l}`")).unwrap_or_default())]
    Twice(Rule),
    #[error("the emergency rules give social-security events a level, which the law does not")]
    NoLevels,
    #[error("`call_first` is empty: name at least 110, 119 and 120")]
    NobodyToCall,
    #[error("`destroy_after_days` is {0}: personal data is destroyed within a year of the end")]
    KeptForTooLong(u32),
}

const DEFAULT: &str = include_str!("../../../data/emergencies.toml");
const LONGEST_DAYS: u32 = 366;

impl Default for Rules {
    /// The rules that come with the program.
    fn default() -> Self {
        // A test reads the file; it is part of the program.
        let nothing = Self { destroy_after_days: 0, call_first: Vec::new(), due: Vec::new() };
        Self::from_toml(DEFAULT).unwrap_or(nothing)
    }
}

impl Rules {
    /// Reads rules and checks that every emergency has one.
    pub fn from_toml(text: &str) -> Result<Self, BadRules> {
        let read: Self = toml::from_str(text).map_err(|e| BadRules::Unreadable(e.to_string()))?;
        for kind in Kind::ALL {
            if !read.due.iter().any(|rule| rule.kind == *kind && rule.level.is_none()) {
                return Err(BadRules::Missing(*kind));
            }
        }
        for (at, rule) in read.due.iter().enumerate() {
            if rule.level.is_some() && !rule.kind.has_levels() {
                return Err(BadRules::NoLevels);
            }
            if read.due[..at].iter().any(|other| (other.kind, other.level) == (rule.kind, rule.level)) {
                return Err(BadRules::Twice(*rule));
            }
        }
        if read.call_first.is_empty() {
            return Err(BadRules::NobodyToCall);
        }
        if read.destroy_after_days > LONGEST_DAYS {
            return Err(BadRules::KeptForTooLong(read.destroy_after_days));
        }
        Ok(read)
    }

    /// What is due for an emergency of this grade.
    pub fn of(&self, grade: Grade) -> Rule {
        let of_kind = || self.due.iter().filter(|rule| rule.kind == grade.kind());
        let exact = of_kind().find(|rule| rule.level.is_some() && rule.level == grade.level());
        let any = || of_kind().find(|rule| rule.level.is_none());
        // Reading has seen to it that every kind has one.
        exact.or_else(any).copied().unwrap_or(Rule {
            kind: grade.kind(),
            level: None,
            phone_minutes: 0,
            first_minutes: 0,
            follow_up_minutes: 0,
            final_days: 0,
        })
    }

    /// Every rule, as written.
    pub fn all(&self) -> &[Rule] {
        &self.due
    }
}
