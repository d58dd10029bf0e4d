//! The tables and their queries.

pub mod json;
pub mod migrations;
pub mod organisation;
pub mod qualification;
pub mod rota;
pub mod service_item;
pub mod team;
pub mod volunteer;

use chassis::data::SealedColumn;

use qualification::{consent, insurance};

/// Every column that holds a sealed value. A table that has one adds it here, or the rotation of keys passes it by.
pub fn sealed_columns() -> Vec<SealedColumn> {
    vec![
        volunteer::PHONE,
        organisation::CONTACT_NAME,
        organisation::CONTACT_PHONE,
        organisation::reason::REASON,
        qualification::REFERENCE,
        insurance::POLICY_NUMBER,
        consent::GUARDIAN_NAME,
        consent::GUARDIAN_PHONE,
    ]
}
