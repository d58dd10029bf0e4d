//! Makes `duties` and `roster`.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, text, text_null, timestamp_with_time_zone, uuid},
};

use super::{index, make, refers};

pub(super) struct Rota;

impl MigrationName for Rota {
    fn name(&self) -> &'static str {
        "m0004_rota"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rota {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let duties = Table::create()
            .table("duties")
            .col(uuid("id").primary_key())
            .col(uuid("team_id"))
            .col(uuid("request"))
            .col(big_integer("area_code"))
            .col(timestamp_with_time_zone("starts_at"))
            .col(timestamp_with_time_zone("ends_at"))
            .col(text("place"))
            .col(integer("wanted"))
            .col(integer("taken"))
            .col(text("needs"))
            .col(text("state"))
            .col(big_integer("version"))
            .foreign_key(&mut refers("duties", "team_id", "teams"))
            .to_owned();
        let roster = Table::create()
            .table("roster")
            .col(uuid("duty_id"))
            .col(uuid("volunteer_id"))
            .col(text("state"))
            .col(text_null("obstacle"))
            .col(timestamp_with_time_zone("changed_at"))
            .primary_key(Index::create().col("duty_id").col("volunteer_id"))
            .foreign_key(&mut refers("roster", "duty_id", "duties"))
            .foreign_key(&mut refers("roster", "volunteer_id", "volunteers"))
            .to_owned();
        let indexes = vec![
            index("duties", "team", &["team_id", "starts_at", "id"]),
            index("duties", "area", &["area_code", "starts_at", "id"]),
            index("duties", "request", &["request"]),
            index("roster", "volunteer", &["volunteer_id"]),
        ];
        make(manager, vec![duties, roster], indexes).await
    }
}
