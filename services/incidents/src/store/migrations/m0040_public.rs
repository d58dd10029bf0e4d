//! Makes what the public side keeps: what of a report is shown, what was added to it from outside, and wrong guesses.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob_null, boolean, integer, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

pub(super) struct Public;

impl MigrationName for Public {
    fn name(&self) -> &'static str {
        "m0040_public"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Public {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [publications(), posted_updates(), status_tries()] {
            manager.create_table(table).await?;
        }
        // What changed lately of what came for the public: few rows, so that others are written no slower.
        let changed = Index::create()
            .name("incidents_open311")
            .table("incidents")
            .col("updated_at")
            .and_where(Expr::col("channel").eq("open311"))
            .to_owned();
        manager.create_index(changed).await?;
        let old = Index::create().name("status_tries_since").table("status_tries").col("since").to_owned();
        manager.create_index(old).await
    }
}

fn publications() -> TableCreateStatement {
    Table::create()
        .table("publications")
        .col(uuid("incident_id").primary_key())
        .col(blob_null("media_urls"))
        .col(boolean("withheld"))
        .col(text_null("decided_by"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .foreign_key(
            ForeignKey::create()
                .name("publications_incident")
                .from("publications", "incident_id")
                .to("incidents", "id"),
        )
        .to_owned()
}

fn posted_updates() -> TableCreateStatement {
    let mut key = Index::create().col("incident_id").col("caller").col("update_id").to_owned();
    Table::create()
        .table("posted_updates")
        .col(uuid("incident_id"))
        .col(text("caller"))
        .col(text("update_id"))
        .col(big_integer("version"))
        .primary_key(&mut key)
        .foreign_key(
            ForeignKey::create()
                .name("posted_updates_incident")
                .from("posted_updates", "incident_id")
                .to("incidents", "id"),
        )
        .to_owned()
}

fn status_tries() -> TableCreateStatement {
    Table::create()
        .table("status_tries")
        .col(text("number").primary_key())
        .col(integer("wrong"))
        .col(timestamp_with_time_zone("since"))
        .to_owned()
}
