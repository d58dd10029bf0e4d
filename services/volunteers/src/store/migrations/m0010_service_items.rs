//! Makes `service_items`, fills it with Dengke's list, and sets the timer of each item: it fires on the day of the word, and
//! sets itself to the day on which the office's own rule calls that word old.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, date, integer, text, timestamp_with_time_zone, uuid},
};

use super::make;
use crate::{
    app::SERVICE_ITEM,
    domain::{
        catalogue::{
            Status,
            defaults::{self, List, Listed},
        },
        china::start_of,
    },
};

pub(super) struct ServiceItems;

impl MigrationName for ServiceItems {
    fn name(&self) -> &'static str {
        "m0010_service_items"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ServiceItems {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        make(manager, vec![table()], Vec::new()).await?;
        let damaged = |rule: String| DbErr::Migration(format!("the default services: {rule}"));
        let List { area, assured_on, items } = defaults::dengke().map_err(damaged)?;
        let at = start_of(assured_on);
        let mut rows = Query::insert().into_table("service_items").columns(COLUMNS).to_owned();
        let mut timers = Query::insert().into_table("timers").columns(["due_at", "kind", "key", "payload"]).to_owned();
        for (position, Listed { id, code, owner, details }) in (1_i32..).zip(items) {
            let details = serde_json::to_string(&details).map_err(|e| damaged(e.to_string()))?;
            rows.values_panic([
                id.0.into(),
                code.into(),
                area.into(),
                position.into(),
                details.into(),
                Status::Active.code().into(),
                "".into(),
                owner.into(),
                assured_on.into(),
                0_i32.into(),
                at.into(),
                1_i64.into(),
            ]);
            timers.values_panic([at.into(), SERVICE_ITEM.into(), id.to_string().into(), "".into()]);
        }
        manager.execute(rows).await?;
        manager.execute(timers).await
    }
}

const COLUMNS: [&str; 12] = [
    "id",
    "code",
    "area_code",
    "position",
    "details",
    "status",
    "alert",
    "owner",
    "assured_on",
    "reminded",
    "updated_at",
    "version",
];

fn table() -> TableCreateStatement {
    Table::create()
        .table("service_items")
        .col(uuid("id").primary_key())
        .col(text("code").unique_key())
        .col(big_integer("area_code"))
        .col(integer("position"))
        .col(text("details"))
        .col(text("status"))
        .col(text("alert"))
        .col(text("owner"))
        .col(date("assured_on"))
        .col(integer("reminded"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .to_owned()
}
