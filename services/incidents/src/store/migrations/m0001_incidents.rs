//! Makes `incidents`.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob_null, date_null, double_null, integer_null, text, text_null,
        timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

pub(super) struct Incidents;

impl MigrationName for Incidents {
    fn name(&self) -> &'static str {
        "m0001_incidents"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Incidents {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn table() -> TableCreateStatement {
    Table::create()
        .table("incidents")
        .col(uuid("id").primary_key())
        .col(text("number").unique_key())
        .col(big_integer("area_code"))
        .col(text("channel"))
        .col(text("state"))
        .col(text_null("category"))
        .col(text_null("urgency"))
        .col(blob_null("description"))
        .col(blob_null("address"))
        .col(double_null("latitude"))
        .col(double_null("longitude"))
        .col(text_null("reporter"))
        .col(blob_null("reporter_name"))
        .col(blob_null("reporter_phone"))
        .col(text_null("unit"))
        .col(text("worked_by"))
        .col(text_null("proposed_by"))
        .col(uuid_null("duplicate_of"))
        .col(date_null("next_look_on"))
        .col(big_integer_null("endangers_area"))
        .col(text_null("endangers_compound"))
        .col(text_null("endangers_building"))
        .col(integer_null("need_help"))
        .col(text_null("satisfaction"))
        .col(timestamp_with_time_zone("reported_at"))
        .col(timestamp_with_time_zone_null("closed_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .col(text_null("source_system"))
        .col(text_null("source_number"))
        .col(blob_null("source_content"))
        .col(timestamp_with_time_zone_null("source_updated_at"))
        .col(big_integer_null("source_version"))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str, columns: &[&'static str]| {
        let mut index = Index::create().name(name).table("incidents").to_owned();
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        // The desk of a grid or community, and figures of an area and period.
        index("incidents_area", &["area_code", "reported_at", "id"]),
        // The newest of a wide area, where sorting all of them would cost more than passing over a few.
        index("incidents_newest", &["reported_at", "id"]),
        // What is open: few rows among many closed ones.
        index("incidents_state", &["state", "reported_at", "id"]),
        index("incidents_reporter", &["reporter", "reported_at", "id"])
            .and_where(Expr::col("reporter").is_not_null())
            .to_owned(),
        index("incidents_source", &["source_system", "source_number"])
            .unique()
            .and_where(Expr::col("source_number").is_not_null())
            .to_owned(),
    ]
}
