//! Whom to tell of a public warning: `call_lists` and `calls`.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, integer, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid},
};

/// The migration.
pub(super) struct CallLists;

impl MigrationName for CallLists {
    fn name(&self) -> &'static str {
        "residents_m0010_call_lists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CallLists {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let lists = Table::create()
            .table("call_lists")
            .col(uuid("id").primary_key())
            .col(big_integer("area_code"))
            .col(boolean("exercise"))
            .col(timestamp_with_time_zone("expires_at"))
            .col(boolean("closed"))
            .col(integer("to_call"))
            .col(integer("reached"))
            .col(timestamp_with_time_zone_null("destroyed_at"))
            .col(big_integer("version"))
            .to_owned();
        manager.create_table(lists).await?;
        let calls = Table::create()
            .table("calls")
            .col(uuid("list_id"))
            .col(uuid("resident_id"))
            .col(big_integer("area_code"))
            .col(text_null("outcome"))
            .col(text_null("tried_by"))
            .col(timestamp_with_time_zone_null("tried_at"))
            .primary_key(Index::create().col("list_id").col("resident_id"))
            .foreign_key(ForeignKey::create().name("calls_list").from("calls", "list_id").to("call_lists", "id"))
            .to_owned();
        manager.create_table(calls).await
    }
}
