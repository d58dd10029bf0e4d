//! What Open311 can be told, under `[service.gateway.open311]`.

use serde::Deserialize;

/// How the office shows itself to Open311's clients.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Open311Settings {
    /// The one `jurisdiction_id` that is known, by custom the office's web host; empty: whatever is sent is passed over.
    pub jurisdiction: String,
    /// Who answers questions about the endpoint, as discovery tells it.
    pub contact: String,
    /// How somebody gets an `api_key`, as discovery tells it.
    pub key_service: String,
    /// `agency_responsible` of every request; empty: none is named.
    pub agency: String,
    /// Names, questions and states in this language.
    pub language: Language,
    /// The endpoint is for tries, and says so in discovery.
    pub test: bool,
}

/// The languages that the contracts' texts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Zh,
    En,
}
