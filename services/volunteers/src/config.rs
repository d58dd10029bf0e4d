//! What an office sets for this service: `[service.volunteers]` in the configuration.

use chassis::run::{BadSettings, Context};
use serde::Deserialize;

/// The service's own settings; what is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub people: PeopleSettings,
}

/// Who may volunteer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleSettings {
    /// Years. Below it nobody is taken, whatever a guardian says; the Regulations on Voluntary Service ask for fit age and
    /// health (Art. 15) and name no number.
    pub minimum_age: i32,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        Self { minimum_age: 8 }
    }
}

impl Settings {
    pub fn of(context: &Context) -> Result<Self, BadSettings> {
        // No settings at all are the default ones.
        let settings: Self = if context.settings.is_null() { Self::default() } else { context.config("volunteers")? };
        if !(8..=18).contains(&settings.people.minimum_age) {
            return Err(BadSettings::of_service("volunteers.people.minimum_age", &"is not between 8 and 18"));
        }
        Ok(settings)
    }
}
