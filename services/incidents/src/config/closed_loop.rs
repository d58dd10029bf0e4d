//! Settings of disputes, rates, matters and patterns.

use chassis::run::BadSettings;
use chrono::TimeDelta;
use serde::Deserialize;

use crate::{
    app::ClosedLoop,
    domain::{
        matter::MatterRules,
        pattern::PatternRules,
        rates::{Formulae, WhichCallBack},
    },
};

/// By when a dispute should be decided.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DisputeSettings {
    /// Working hours of the office.
    pub decide_hours: u16,
}

impl Default for DisputeSettings {
    fn default() -> Self {
        Self { decide_hours: 8 }
    }
}

/// The formulae of the three rates.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// Hours after the first dispatch within which the handler must have contacted the reporter.
    pub contact_hours: u16,
    /// `first` or `last`: which call-back of an incident counts.
    pub call_back: WhichCallBack,
    /// Whether "basically satisfied" is satisfied.
    pub basically_counts: bool,
    /// Whether what was declared unsolvable is "not solved" while nobody was called back.
    pub unsolvable_counts: bool,
}

impl Default for RateSettings {
    fn default() -> Self {
        let Formulae { contact_limit: _, call_back, basically_counts, unsolvable_counts } = Formulae::default();
        Self { contact_hours: 24, call_back, basically_counts, unsolvable_counts }
    }
}

/// The rules, if they make sense.
pub(super) fn rules(
    disputes: DisputeSettings,
    rates: RateSettings,
    matters: MatterRules,
    patterns: PatternRules,
) -> Result<ClosedLoop, BadSettings> {
    let bad = |section: &str, rule: &str| BadSettings::of_service(&format!("incidents.{section}"), &rule);
    let RateSettings { contact_hours, call_back, basically_counts, unsolvable_counts } = rates;
    if disputes.decide_hours == 0 {
        return Err(bad("disputes", "`decide_hours` must be at least 1"));
    }
    if contact_hours == 0 {
        return Err(bad("rates", "`contact_hours` must be at least 1"));
    }
    let contact_limit = TimeDelta::hours(contact_hours.into());
    Ok(ClosedLoop {
        dispute_limit: TimeDelta::hours(disputes.decide_hours.into()),
        matter: matters.checked().map_err(|rule| bad("matters", &rule))?,
        formulae: Formulae { contact_limit, call_back, basically_counts, unsolvable_counts },
        patterns: patterns.checked().map_err(|rule| bad("patterns", &rule))?,
    })
}
