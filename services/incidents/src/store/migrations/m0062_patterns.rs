//! Makes `patterns`, and sets the timer that looks for them, for the first time as soon as the program serves.

use chrono::{DateTime, Utc};
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob_null, integer, integer_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use crate::store::pattern::FIND_PATTERNS;

pub(super) struct Patterns;

impl MigrationName for Patterns {
    fn name(&self) -> &'static str {
        "m0062_patterns"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Patterns {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table()).await?;
        let index = |name: &str| Index::create().name(name).table("patterns").to_owned();
        manager.create_index(index("patterns_key").col("pattern_key").col("found_at").to_owned()).await?;
        manager.create_index(index("patterns_newest").col("found_at").col("id").to_owned()).await?;
        let timer = Query::insert()
            .into_table("timers")
            .columns(["due_at", "kind", "key", "payload"])
            .values_panic([DateTime::<Utc>::UNIX_EPOCH.into(), FIND_PATTERNS.into(), "nightly".into(), "{}".into()])
            .to_owned();
        manager.execute(timer).await
    }
}

fn table() -> TableCreateStatement {
    Table::create()
        .table("patterns")
        .col(uuid("id").primary_key())
        .col(text("pattern_key"))
        .col(big_integer("area_code"))
        .col(text("category"))
        .col(text("rule"))
        .col(integer_null("south"))
        .col(integer_null("west"))
        .col(integer("reports"))
        .col(timestamp_with_time_zone("first_at"))
        .col(timestamp_with_time_zone("last_at"))
        .col(text("evidence"))
        .col(text("state"))
        .col(timestamp_with_time_zone("found_at"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(text_null("decided_by"))
        .col(blob_null("reason"))
        .col(uuid_null("incident_id"))
        .col(uuid_null("matter_id"))
        .col(big_integer("version"))
        .to_owned()
}
