//! Makes `promises`, and gives incidents their answers and the deadline that came with them.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob_null, boolean, integer, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

pub(super) struct Promises;

impl MigrationName for Promises {
    fn name(&self) -> &'static str {
        "m0005_promises"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Promises {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [blob_null("answers"), timestamp_with_time_zone_null("source_deadline")] {
            manager.alter_table(Table::alter().table("incidents").add_column(column).to_owned()).await?;
        }
        manager.create_table(table()).await?;
        // What somebody has to act on: few rows among all that were kept.
        let late = Index::create()
            .name("promises_late")
            .table("promises")
            .col("due_at")
            .col("incident_id")
            .and_where(Expr::col("lies_with").is_not_null())
            .to_owned();
        manager.create_index(late).await
    }
}

fn table() -> TableCreateStatement {
    Table::create()
        .table("promises")
        .col(uuid("incident_id").primary_key())
        .col(big_integer("area_code"))
        .col(text("calendar"))
        .col(timestamp_with_time_zone("started_at"))
        .col(big_integer_null("contact_limit"))
        .col(boolean("contact_working"))
        .col(timestamp_with_time_zone_null("contact_due_at"))
        .col(timestamp_with_time_zone_null("contacted_at"))
        .col(integer("contact_step"))
        .col(big_integer_null("resolve_limit"))
        .col(boolean("resolve_working"))
        .col(timestamp_with_time_zone_null("resolve_no_later"))
        .col(timestamp_with_time_zone_null("resolve_due_at"))
        .col(timestamp_with_time_zone_null("resolved_at"))
        .col(integer("resolve_step"))
        .col(text("pauses"))
        .col(timestamp_with_time_zone_null("extended_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(text_null("lies_with"))
        .col(timestamp_with_time_zone_null("due_at"))
        .col(boolean("is_assumed"))
        .foreign_key(
            ForeignKey::create().name("promises_incident").from("promises", "incident_id").to("incidents", "id"),
        )
        .to_owned()
}
