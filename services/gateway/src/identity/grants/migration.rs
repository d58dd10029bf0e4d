//! The tables of grants and mandates.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
        uuid_null,
    },
};

struct Grants;

/// The migrations of this module.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Grants)]
}

impl MigrationName for Grants {
    fn name(&self) -> &'static str {
        "gateway_grants_m0001"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Grants {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(grants()).await?;
        manager.create_table(mandates()).await?;
        for (name, table, column) in [
            ("grants_account", "grants", "account"),
            ("grants_person", "grants", "person"),
            ("grants_area", "grants", "area"),
            ("mandates_holder", "mandates", "holder"),
            ("mandates_person", "mandates", "person"),
            ("mandates_area", "mandates", "area"),
        ] {
            manager.create_index(Index::create().name(name).table(table).col(column).to_owned()).await?;
        }
        Ok(())
    }
}

fn grants() -> TableCreateStatement {
    Table::create()
        .table("grants")
        .col(uuid("id").primary_key())
        .col(uuid("account"))
        .col(text("role"))
        .col(big_integer_null("area"))
        .col(text_null("unit"))
        .col(uuid_null("place"))
        .col(uuid_null("person"))
        .col(timestamp_with_time_zone("starts_at"))
        .col(timestamp_with_time_zone_null("ends_at"))
        .col(text("granted_by"))
        .col(text("reason"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(text_null("revoked_by"))
        .col(text_null("revoke_reason"))
        .to_owned()
}

fn mandates() -> TableCreateStatement {
    Table::create()
        .table("mandates")
        .col(uuid("id").primary_key())
        .col(uuid("holder"))
        .col(uuid("person"))
        .col(text("covers"))
        .col(big_integer("area"))
        .col(timestamp_with_time_zone("starts_at"))
        .col(timestamp_with_time_zone("ends_at"))
        .col(text("proof"))
        .col(text("recorded_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(text_null("revoked_by"))
        .col(text_null("revoke_reason"))
        .to_owned()
}
