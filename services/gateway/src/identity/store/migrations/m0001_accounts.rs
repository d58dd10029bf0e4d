//! Makes `accounts`, `account_codes`, `account_devices` and `sign_in_attempts`.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, boolean, integer, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

pub(super) struct Accounts;

impl MigrationName for Accounts {
    fn name(&self) -> &'static str {
        "identity_m0001_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Accounts {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [accounts(), codes(), devices(), attempts()] {
            manager.create_table(table).await?;
        }
        let of_provider = Index::create()
            .name("accounts_of_provider")
            .table("accounts")
            .col("issuer")
            .col("issuer_subject")
            .unique()
            .and_where(Expr::col("issuer").is_not_null())
            .to_owned();
        manager.create_index(of_provider).await?;
        for (table, column) in [
            ("account_codes", "account_id"),
            ("account_devices", "account_id"),
            ("account_devices", "seen_at"),
            ("sign_in_attempts", "at"),
        ] {
            let index = Index::create().name(format!("{table}_{column}")).table(table).col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn accounts() -> TableCreateStatement {
    Table::create()
        .table("accounts")
        .col(uuid("id").primary_key())
        .col(blob("name"))
        .col(blob("name_index").unique_key())
        .col(text("state"))
        .col(text_null("password"))
        .col(boolean("must_change"))
        .col(text_null("issuer"))
        .col(text_null("issuer_subject"))
        .col(blob_null("totp"))
        .col(blob_null("totp_pending"))
        .col(big_integer("totp_step"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("signed_in_at"))
        .to_owned()
}

fn of_account() -> ForeignKeyCreateStatement {
    ForeignKey::create().from_col("account_id").to("accounts", "id").to_owned()
}

fn codes() -> TableCreateStatement {
    Table::create()
        .table("account_codes")
        .col(blob("code").primary_key())
        .col(uuid("account_id"))
        .col(text("kind"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .foreign_key(&mut of_account())
        .to_owned()
}

fn devices() -> TableCreateStatement {
    Table::create()
        .table("account_devices")
        .col(blob("hash"))
        .col(uuid("account_id"))
        .col(timestamp_with_time_zone("seen_at"))
        .primary_key(Index::create().col("hash").col("account_id"))
        .foreign_key(&mut of_account())
        .to_owned()
}

fn attempts() -> TableCreateStatement {
    Table::create()
        .table("sign_in_attempts")
        .col(blob("key").primary_key())
        .col(integer("failures"))
        .col(timestamp_with_time_zone("at"))
        .col(timestamp_with_time_zone_null("until"))
        .to_owned()
}
