//! What an office may set for the way to the end of a matter.

use chrono::TimeDelta;

use crate::domain::{matter::MatterRules, pattern::PatternRules, rates::Formulae};

/// The rules of disputes, matters, rates and patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedLoop {
    /// Working time of the office until a dispute should be decided.
    pub dispute_limit: TimeDelta,
    pub matter: MatterRules,
    pub formulae: Formulae,
    pub patterns: PatternRules,
}

impl Default for ClosedLoop {
    fn default() -> Self {
        Self {
            dispute_limit: TimeDelta::hours(8),
            matter: MatterRules::default(),
            formulae: Formulae::default(),
            patterns: PatternRules::default(),
        }
    }
}
