//! What an office sets for this service: `[service.incidents]` in the configuration.

mod closed_loop;

use std::path::PathBuf;

use chassis::run::{BadSettings, Context};
use serde::Deserialize;

use crate::{
    app::ClosedLoop,
    domain::{
        emergency,
        matter::MatterRules,
        pattern::PatternRules,
        promise::{Duty, Rules, Rung},
    },
};

pub use closed_loop::{DisputeSettings, RateSettings};

/// The service's own settings; what is left out keeps its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub promise: PromiseSettings,
    /// A file (TOML) in place of the rules for emergencies that come with the program; `data/emergencies.toml` is the pattern.
    pub emergency_rules: Option<PathBuf>,
    pub disputes: DisputeSettings,
    pub rates: RateSettings,
    pub matters: MatterRules,
    pub patterns: PatternRules,
}

/// When somebody is told that promised time runs out, and how long a question may hold it up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromiseSettings {
    /// Percent of the time at which the unit is warned.
    pub warnings: Option<Vec<u16>>,
    /// From which percent on it lies with whom.
    pub ladder: Option<Vec<RungSetting>>,
    /// Hours, by the calendar, that questions to the reporter may hold up one incident.
    pub pause_hours: Option<i64>,
}

/// One rung of the ladder, for example `{ percent = 100, duty = "dispatcher" }`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RungSetting {
    pub percent: u16,
    pub duty: Duty,
}

impl Settings {
    pub fn of(context: &Context) -> Result<Self, BadSettings> {
        // No settings at all are the default ones.
        if context.settings.is_null() { Ok(Self::default()) } else { context.config("incidents") }
    }

    /// The rules of emergencies, the office's own where it names some.
    pub fn emergency_rules(&self) -> Result<emergency::Rules, BadSettings> {
        let Some(file) = &self.emergency_rules else { return Ok(emergency::Rules::default()) };
        let bad = |reason: &dyn std::fmt::Display| {
            BadSettings::of_service("incidents.emergency_rules", &format!("{}: {reason}", file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|e| bad(&e))?;
        emergency::Rules::from_toml(&text).map_err(|e| bad(&e))
    }

    /// The rules of disputes, rates, matters and patterns, if they make sense.
    pub fn closed_loop(&self) -> Result<ClosedLoop, BadSettings> {
        closed_loop::rules(self.disputes, self.rates, self.matters, self.patterns)
    }

    /// The rules of promises, if they make sense.
    pub fn rules(&self) -> Result<Rules, BadSettings> {
        let PromiseSettings { warnings, ladder, pause_hours } = &self.promise;
        let ladder = ladder.as_ref().map(|ladder| {
            ladder.iter().map(|RungSetting { percent, duty }| Rung { percent: *percent, duty: *duty }).collect()
        });
        let rules = Rules::default().with(warnings.clone(), ladder, *pause_hours);
        rules.map_err(|bad| BadSettings::of_service("incidents.promise", &bad))
    }
}
