//! Makes `organisations`, what is lent to them, and what they offer.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, date, date_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use super::{append_only, index, make, refers};

pub(super) struct Organisations;

impl MigrationName for Organisations {
    fn name(&self) -> &'static str {
        "m0011_organisations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Organisations {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = vec![organisations(), steps(), reasons(), assets(), entries(), offers(), uses()];
        let indexes = vec![
            index("organisations", "area", &["area_code", "id"]),
            // An organisation is here once at a time; one that left may come again.
            index("organisations", "uscc", &["uscc"]).unique().and_where(Expr::col("stage").ne("left")).to_owned(),
            index("organisation_steps", "organisation", &["organisation_id", "id"]),
            index("assets", "area", &["area_code", "id"]),
            index("asset_entries", "asset", &["asset_id", "position"]).unique().to_owned(),
            index("asset_entries", "organisation", &["organisation_id"]),
            index("offers", "area", &["area_code", "until", "id"]),
            index("offers", "organisation", &["organisation_id"]),
            index("offer_uses", "offer", &["offer_id"]),
        ];
        make(manager, tables, indexes).await?;
        for table in ["organisation_steps", "asset_entries", "offer_uses"] {
            append_only(manager, table).await?;
        }
        Ok(())
    }
}

fn organisations() -> TableCreateStatement {
    Table::create()
        .table("organisations")
        .col(uuid("id").primary_key())
        .col(text("name"))
        .col(text("kind"))
        .col(text("origin"))
        .col(text_null("uscc"))
        .col(big_integer("area_code"))
        .col(text("services"))
        .col(blob_null("contact_name"))
        .col(blob_null("contact_phone"))
        .col(text("stage"))
        .col(timestamp_with_time_zone("stage_since"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .to_owned()
}

fn steps() -> TableCreateStatement {
    Table::create()
        .table("organisation_steps")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(timestamp_with_time_zone("at"))
        .col(text_null("from_stage"))
        .col(text("stage"))
        .col(text("by"))
        .foreign_key(&mut refers("organisation_steps", "organisation_id", "organisations"))
        .to_owned()
}

/// Apart from the steps, for a sealed value is sealed anew when the key changes, and a step is never written again.
fn reasons() -> TableCreateStatement {
    Table::create()
        .table("organisation_step_reasons")
        .col(uuid("id").primary_key())
        .col(blob("reason"))
        .foreign_key(&mut refers("organisation_step_reasons", "id", "organisation_steps"))
        .to_owned()
}

fn assets() -> TableCreateStatement {
    Table::create()
        .table("assets")
        .col(uuid("id").primary_key())
        .col(text("name"))
        .col(text("kind"))
        .col(big_integer("area_code"))
        .col(text("place"))
        .col(text("unit"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .to_owned()
}

fn entries() -> TableCreateStatement {
    Table::create()
        .table("asset_entries")
        .col(uuid("id").primary_key())
        .col(uuid("asset_id"))
        .col(big_integer("position"))
        .col(timestamp_with_time_zone("at"))
        .col(text("from_account"))
        .col(text("to_account"))
        .col(uuid_null("organisation_id"))
        .col(big_integer("quantity").check(Expr::col("quantity").gt(0)))
        .col(date_null("due_on"))
        .col(text("note"))
        .col(text("by"))
        .check(Expr::col("from_account").ne(Expr::col("to_account")))
        .foreign_key(&mut refers("asset_entries", "asset_id", "assets"))
        .foreign_key(&mut refers("asset_entries", "organisation_id", "organisations"))
        .to_owned()
}

fn offers() -> TableCreateStatement {
    Table::create()
        .table("offers")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(big_integer("area_code"))
        .col(text("kind"))
        .col(text("what"))
        // 0: without a limit.
        .col(big_integer("quantity"))
        .col(text("unit"))
        .col(date("from_day"))
        // 9999-12-31: without end.
        .col(date("until"))
        .col(big_integer("taken_up"))
        .col(timestamp_with_time_zone_null("withdrawn_at"))
        .check(Expr::col("quantity").eq(0).or(Expr::col("taken_up").lte(Expr::col("quantity"))))
        .foreign_key(&mut refers("offers", "organisation_id", "organisations"))
        .to_owned()
}

fn uses() -> TableCreateStatement {
    Table::create()
        .table("offer_uses")
        .col(uuid("id").primary_key())
        .col(uuid("offer_id"))
        .col(timestamp_with_time_zone("at"))
        .col(big_integer("quantity"))
        .col(text("occasion"))
        .col(text("by"))
        .foreign_key(&mut refers("offer_uses", "offer_id", "offers"))
        .to_owned()
}
