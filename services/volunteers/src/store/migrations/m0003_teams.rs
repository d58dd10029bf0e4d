//! Makes `teams` and `memberships`.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, boolean, date, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
        uuid_null,
    },
};

use super::{index, make, refers};

pub(super) struct Teams;

impl MigrationName for Teams {
    fn name(&self) -> &'static str {
        "m0003_teams"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Teams {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = vec![teams(), memberships()];
        let indexes = vec![
            index("teams", "area", &["area_code", "id"]),
            index("memberships", "team", &["team_id", "id"]),
            index("memberships", "volunteer", &["volunteer_id"]),
            // Somebody is in a team, or asked, once at a time.
            index("memberships", "open", &["team_id", "volunteer_id"])
                .unique()
                .and_where(Expr::col("standing").ne("ended"))
                .to_owned(),
        ];
        make(manager, tables, indexes).await
    }
}

fn teams() -> TableCreateStatement {
    Table::create()
        .table("teams")
        .col(uuid("id").primary_key())
        .col(text("name"))
        .col(text("kind"))
        .col(big_integer("area_code"))
        .col(text("service_areas"))
        .col(date("founded_on"))
        .col(uuid_null("organisation_id"))
        .col(text("needs"))
        .col(text("state"))
        .col(text_null("disband_reason"))
        .col(boolean("synthetic"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .to_owned()
}

fn memberships() -> TableCreateStatement {
    Table::create()
        .table("memberships")
        .col(uuid("id").primary_key())
        .col(uuid("team_id"))
        .col(uuid("volunteer_id"))
        .col(text("standing"))
        .col(text("role"))
        .col(timestamp_with_time_zone("asked_at"))
        .col(text("asked_by"))
        .col(timestamp_with_time_zone_null("joined_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(text_null("end_reason"))
        .foreign_key(&mut refers("memberships", "team_id", "teams"))
        .foreign_key(&mut refers("memberships", "volunteer_id", "volunteers"))
        .to_owned()
}
