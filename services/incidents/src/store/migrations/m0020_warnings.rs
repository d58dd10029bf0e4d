//! Makes `warnings` and `warning_calls`.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, integer, text, timestamp_with_time_zone, uuid, uuid_null},
};

pub(super) struct Warnings;

impl MigrationName for Warnings {
    fn name(&self) -> &'static str {
        "m0020_warnings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Warnings {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let warnings = Table::create()
            .table("warnings")
            .col(uuid("id").primary_key())
            .col(text("identifier").unique_key())
            .col(big_integer("area_code"))
            .col(timestamp_with_time_zone("sent_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .col(boolean("cancels"))
            .col(text("message"))
            .col(uuid("first_id"))
            .col(uuid_null("follows"))
            .col(uuid_null("followed_by").unique_key())
            .col(text("sent_by"))
            .to_owned();
        manager.create_table(warnings).await?;
        let newest = Index::create().name("warnings_newest").table("warnings").col("sent_at").col("id").to_owned();
        manager.create_index(newest).await?;
        let calls = Table::create()
            .table("warning_calls")
            .col(uuid("first_id").primary_key())
            .col(integer("to_call"))
            .col(integer("reached"))
            .to_owned();
        manager.create_table(calls).await
    }
}
