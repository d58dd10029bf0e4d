//! Makes `sessions`, `bearers` and `identity_revision`.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, boolean, integer, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

pub(super) struct Sessions;

impl MigrationName for Sessions {
    fn name(&self) -> &'static str {
        "identity_m0002_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Sessions {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [sessions(), bearers(), revision()] {
            manager.create_table(table).await?;
        }
        let first = Query::insert()
            .into_table("identity_revision")
            .columns(["id", "revision"])
            .values_panic([1.into(), 1i64.into()])
            .to_owned();
        manager.execute(first).await?;
        for (table, column) in [
            ("sessions", "account_id"),
            ("sessions", "provider_session"),
            ("sessions", "expires_at"),
            ("bearers", "session_id"),
            ("bearers", "expires_at"),
        ] {
            let index = Index::create().name(format!("{table}_{column}")).table(table).col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn sessions() -> TableCreateStatement {
    Table::create()
        .table("sessions")
        .col(uuid("id").primary_key())
        .col(uuid("account_id"))
        .col(text("kind"))
        .col(blob_null("label"))
        .col(boolean("factor"))
        .col(text_null("subset"))
        .col(text_null("claimed"))
        .col(text_null("provider_session"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("seen_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(ForeignKey::create().from_col("account_id").to("accounts", "id"))
        .to_owned()
}

fn bearers() -> TableCreateStatement {
    Table::create()
        .table("bearers")
        .col(blob("hash").primary_key())
        .col(uuid("session_id"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(
            ForeignKey::create().from_col("session_id").to("sessions", "id").on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn revision() -> TableCreateStatement {
    Table::create().table("identity_revision").col(integer("id").primary_key()).col(big_integer("revision")).to_owned()
}
