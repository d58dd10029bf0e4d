//! The tables and their queries.

pub mod migrations;

use chassis::data::SealedColumn;

/// Every column that holds a sealed value. A table that has one adds it here, or the rotation of keys passes it by.
pub fn sealed_columns() -> Vec<SealedColumn> {
    ["phone"]
        .map(|column| SealedColumn { table: "volunteers", column, id_column: "id" })
        .into_iter()
        .chain(
            [
                ("qualifications", "reference"),
                ("insurances", "policy_number"),
                ("guardian_consents", "guardian_name"),
                ("guardian_consents", "guardian_phone"),
            ]
            .map(|(table, column)| SealedColumn { table, column, id_column: "id" }),
        )
        .collect()
}
