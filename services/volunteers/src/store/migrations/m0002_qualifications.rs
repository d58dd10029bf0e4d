//! Makes `qualifications`, `insurances` and `guardian_consents`.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, boolean, date, date_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

use super::{index, make, refers};

pub(super) struct Qualifications;

impl MigrationName for Qualifications {
    fn name(&self) -> &'static str {
        "m0002_qualifications"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Qualifications {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = vec![qualifications(), insurances(), consents()];
        let indexes = vec![
            index("qualifications", "of", &["volunteer_id"]),
            // What ends soon in an area.
            index("qualifications", "ending", &["state", "expires_on", "id"]),
            index("insurances", "of", &["volunteer_id"]),
            index("guardian_consents", "of", &["volunteer_id"]),
        ];
        make(manager, tables, indexes).await
    }
}

fn qualifications() -> TableCreateStatement {
    Table::create()
        .table("qualifications")
        .col(uuid("id").primary_key())
        .col(uuid("volunteer_id"))
        .col(big_integer("area_code"))
        .col(text("kind"))
        .col(text("state"))
        .col(date("issued_on"))
        .col(date_null("expires_on"))
        .col(text("issuer"))
        .col(blob_null("reference"))
        .col(timestamp_with_time_zone_null("warned_at"))
        .col(text_null("revocation"))
        .col(text("recorded_by"))
        .col(timestamp_with_time_zone("recorded_at"))
        .foreign_key(&mut refers("qualifications", "volunteer_id", "volunteers"))
        .to_owned()
}

fn insurances() -> TableCreateStatement {
    Table::create()
        .table("insurances")
        .col(uuid("id").primary_key())
        .col(uuid("volunteer_id"))
        .col(text("insurer"))
        .col(blob_null("policy_number"))
        .col(date("covers_from"))
        .col(date("covers_until"))
        .col(text("recorded_by"))
        .col(timestamp_with_time_zone("recorded_at"))
        .foreign_key(&mut refers("insurances", "volunteer_id", "volunteers"))
        .to_owned()
}

fn consents() -> TableCreateStatement {
    Table::create()
        .table("guardian_consents")
        .col(uuid("id").primary_key())
        .col(uuid("volunteer_id"))
        .col(blob("guardian_name"))
        .col(blob("guardian_phone"))
        .col(text("channel"))
        .col(text("text_version"))
        .col(date("given_on"))
        .col(date("expires_on"))
        .col(boolean("unaccompanied"))
        .col(timestamp_with_time_zone_null("withdrawn_at"))
        .col(text("recorded_by"))
        .col(timestamp_with_time_zone("recorded_at"))
        .foreign_key(&mut refers("guardian_consents", "volunteer_id", "volunteers"))
        .to_owned()
}
