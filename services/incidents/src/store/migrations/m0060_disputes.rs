//! Makes `disputes`, and lets an incident know how it came to its unit.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid},
};

pub(super) struct Disputes;

impl MigrationName for Disputes {
    fn name(&self) -> &'static str {
        "m0060_disputes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Disputes {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("incidents").add_column(text_null("handing")).to_owned()).await?;
        manager.create_table(table()).await?;
        let index = |name: &str| Index::create().name(name).table("disputes").to_owned();
        // One that is open for an incident, and what reviewers have to decide.
        let open =
            index("disputes_open").col("incident_id").unique().and_where(Expr::col("outcome").is_null()).to_owned();
        manager.create_index(open).await?;
        manager.create_index(index("disputes_due").col("due_at").col("id").to_owned()).await
    }
}

fn table() -> TableCreateStatement {
    Table::create()
        .table("disputes")
        .col(uuid("id").primary_key())
        .col(uuid("incident_id"))
        .col(big_integer("area_code"))
        .col(text("unit"))
        .col(text("basis"))
        .col(timestamp_with_time_zone("disputed_at"))
        .col(timestamp_with_time_zone("due_at"))
        .col(boolean("overdue"))
        .col(text_null("outcome"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(text_null("decided_by"))
        .foreign_key(
            ForeignKey::create().name("disputes_incident").from("disputes", "incident_id").to("incidents", "id"),
        )
        .to_owned()
}
