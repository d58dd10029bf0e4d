//! What people can ask for: the office's list of services.

pub mod defaults;
pub mod freshness;
pub mod hsds;
mod promise;

use std::collections::BTreeSet;

use chassis::data::AreaCode;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{RefusedKind, gate::Needs, team::TeamKind};

pub use promise::{NotAPromise, Promise, Unit};

chassis::typed_id!(
    /// Names one item of the catalogue. It is what the published directory calls the service.
    ServiceItemId
);

chassis::coded_enum! {
    /// How an item is asked for and done.
    Form, "form of a service" {
        /// Somebody goes and does it.
        Errand = "errand",
        /// At regular times, by a plan.
        Visit = "visit",
        /// At a time and place, for several.
        Activity = "activity",
        /// At a counter or centre.
        OnSite = "on_site",
    }
}

chassis::coded_enum! {
    /// Whether it can be had, in the words of HSDS 3.0.
    Status, "status of a service" {
        Active = "active",
        Inactive = "inactive",
        Defunct = "defunct",
        TemporarilyClosed = "temporarily closed",
    }
}

impl Status {
    /// Nobody can ask for it, and nobody is reminded of it.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Inactive | Self::Defunct)
    }
}

/// A paper or a thing that whoever asks brings along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub zh: String,
    pub en: String,
}

/// Everything the office says of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    pub form: Form,
    /// The name.
    pub zh: String,
    pub en: String,
    pub about_zh: String,
    pub about_en: String,
    /// For whom.
    #[serde(default)]
    pub eligibility_zh: String,
    #[serde(default)]
    pub eligibility_en: String,
    /// Years.
    #[serde(default)]
    pub minimum_age: Option<i32>,
    #[serde(default)]
    pub maximum_age: Option<i32>,
    #[serde(default)]
    pub documents: Vec<Document>,
    /// Until somebody comes; none: by arrangement.
    #[serde(default)]
    pub promise: Option<Promise>,
    /// Who does it; none: whoever is matched.
    #[serde(default)]
    pub team_kinds: BTreeSet<TeamKind>,
    /// The organisation that does it, if one does.
    #[serde(default)]
    pub organisation_id: Option<Uuid>,
    /// What it asks of whoever does it.
    #[serde(default)]
    pub needs: Needs,
    /// Looked for first.
    #[serde(default)]
    pub skills: Vec<String>,
    /// Money may pass through the volunteer's hands.
    #[serde(default)]
    pub money: bool,
    /// Prescribed medicine may be carried.
    #[serde(default)]
    pub prescriptions: bool,
    /// What it costs; empty: nothing.
    #[serde(default)]
    pub fees_zh: String,
    #[serde(default)]
    pub fees_en: String,
}

impl Details {
    /// What only a rule can say: names are not blank, ages do not cross.
    pub fn check(&self) -> Result<(), Refused> {
        let said = [
            ("item.zh", &self.zh),
            ("item.en", &self.en),
            ("item.about_zh", &self.about_zh),
            ("item.about_en", &self.about_en),
        ];
        if let Some((field, _)) = said.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(Refused::Field { field, message: "is blank: say it in both languages" });
        }
        match (self.minimum_age, self.maximum_age) {
            (Some(minimum), Some(maximum)) if minimum > maximum => Err(Refused::Field {
                field: "item.maximum_age",
                message: "is below the minimum age: nobody could ask for it",
            }),
            _ => Ok(()),
        }
    }
}

/// One item as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: ServiceItemId,
    /// What the rest of the house calls it.
    pub code: String,
    pub area: AreaCode,
    pub details: Details,
    pub status: Status,
    /// What the public is told while it is closed.
    pub alert: String,
    /// The account that answers for it.
    pub owner: String,
    /// The last day on which somebody said that all this is true.
    pub assured_on: NaiveDate,
    pub updated_at: DateTime<Utc>,
}

/// Why a change of the catalogue is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{field} {message}")]
    Field { field: &'static str, message: &'static str },
    #[error("an item of this code is there already: choose another, or change that one")]
    CodeTaken,
    #[error("only the owner of the item or the office of its area says that it is true")]
    NotItsOwner,
    #[error("say in `alert` what the public is to know while it is closed")]
    AlertMissing,
}

impl Refused {
    /// The word that programs rely on.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Field { .. } => "INVALID_FIELD",
            Self::CodeTaken => "SERVICE_CODE_TAKEN",
            Self::NotItsOwner => "NOT_ITS_OWNER",
            Self::AlertMissing => "ALERT_MISSING",
        }
    }

    /// The field it is about.
    pub const fn about(self) -> Option<&'static str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::CodeTaken => Some("item.code"),
            Self::AlertMissing => Some("alert"),
            Self::NotItsOwner => None,
        }
    }

    pub const fn kind(self) -> RefusedKind {
        match self {
            Self::Field { .. } | Self::AlertMissing => RefusedKind::Invalid,
            Self::CodeTaken => RefusedKind::State,
            Self::NotItsOwner => RefusedKind::Permission,
        }
    }
}
