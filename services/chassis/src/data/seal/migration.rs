//! Makes `data_keys`.

use sea_orm_migration::{
    prelude::*,
    schema::{blob, integer, text, timestamp_with_time_zone, timestamp_with_time_zone_null},
};

struct DataKeys;

/// Makes the table of data keys. A service lists it before its own migrations.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(DataKeys)
}

impl MigrationName for DataKeys {
    fn name(&self) -> &'static str {
        "chassis_data_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for DataKeys {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("data_keys")
            .col(integer("id").primary_key())
            .col(text("purpose"))
            .col(integer("suite"))
            .col(blob("wrapped"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("retired_at"))
            .to_owned();
        manager.create_table(table).await
    }
}
