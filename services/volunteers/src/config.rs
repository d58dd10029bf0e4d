//! What an office sets for this service: `[service.volunteers]` in the configuration.

use std::collections::BTreeMap;

use chassis::run::{BadSettings, Context};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{catalogue::hsds::Office, organisation::Kind};

/// The service's own settings; what is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub people: PeopleSettings,
    pub catalogue: CatalogueSettings,
    pub organisations: OrganisationsSettings,
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

/// What people can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueSettings {
    /// Days for which the word that an item is true counts; then its owner is reminded.
    pub assured_days: u16,
    /// Days between two reminders.
    pub again_days: u16,
    /// Who publishes the list, as the directory names it.
    pub office: Office,
}

impl Default for CatalogueSettings {
    fn default() -> Self {
        let office = Office {
            id: DENGKE,
            name: "登科街道办事处".to_owned(),
            description: "四川省巴中市恩阳区登科街道办事处\nDengke Subdistrict Office, Enyang District, Bazhong"
                .to_owned(),
        };
        Self { assured_days: 180, again_days: 14, office }
    }
}

/// The id under which the default office is published; drawn once.
const DENGKE: Uuid = Uuid::from_u128(0x5b1e_6d60_7c2f_4a0b_9f57_1c8e_2a64_d903);

/// Who serves here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganisationsSettings {
    /// How the USCC of each kind begins (GB 32100: registering department and category); a kind without a list takes any.
    pub uscc_prefixes: BTreeMap<Kind, Vec<String>>,
}

impl Default for OrganisationsSettings {
    fn default() -> Self {
        let begins = |kind, with: &str| (kind, vec![with.to_owned()]);
        Self {
            uscc_prefixes: BTreeMap::from([
                begins(Kind::SocialAssociation, "51"),
                begins(Kind::SocialService, "52"),
                begins(Kind::Foundation, "53"),
                begins(Kind::Enterprise, "9"),
                begins(Kind::PublicInstitution, "12"),
                begins(Kind::StateOrgan, "11"),
            ]),
        }
    }
}

impl Settings {
    pub fn of(context: &Context) -> Result<Self, BadSettings> {
        // No settings at all are the default ones.
        let settings: Self = if context.settings.is_null() { Self::default() } else { context.config("volunteers")? };
        if !(8..=18).contains(&settings.people.minimum_age) {
            return Err(BadSettings::of_service("volunteers.people.minimum_age", &"is not between 8 and 18"));
        }
        let CatalogueSettings { assured_days, again_days, office: _ } = &settings.catalogue;
        if *assured_days == 0 || *again_days == 0 {
            return Err(BadSettings::of_service("volunteers.catalogue", &"counts days from 1"));
        }
        Ok(settings)
    }
}
