//! What this service can be told, under `[service.residents]`.

use chassis::run::BadSettings;
use serde::Deserialize;

/// Settings of the register.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidentsSettings {
    pub minors: MinorSettings,
}

/// How minors' records are opened.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinorSettings {
    /// Days for which an approval can be given, at most 30.
    pub longest_days: i32,
    /// Requests and approvals that one reader may have open at once: whoever needs more copies in bulk.
    pub most_open: u64,
}

impl Default for MinorSettings {
    fn default() -> Self {
        Self { longest_days: 7, most_open: 20 }
    }
}

impl ResidentsSettings {
    /// Refuses what would make the approval a formality.
    pub fn check(self, service: &str) -> Result<Self, BadSettings> {
        if (1..=30).contains(&self.minors.longest_days) {
            return Ok(self);
        }
        Err(BadSettings::of_service(service, &"minors.longest_days must be from 1 to 30"))
    }
}
