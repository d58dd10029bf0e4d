//! Makes `volunteers`, `volunteer_words` (what one is found by) and `volunteer_changes` (the life cycle, append-only).

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, boolean, date, date_null, integer, string, text, text_null,
        timestamp_with_time_zone, uuid, uuid_null,
    },
};

use super::{append_only, index, make, refers};

pub(super) struct Volunteers;

impl MigrationName for Volunteers {
    fn name(&self) -> &'static str {
        "m0001_volunteers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Volunteers {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = vec![volunteers(), words(), changes()];
        let indexes = vec![
            // The list of an area, in the order of registration: ids grow with time.
            index("volunteers", "area", &["area_code", "id"]),
            index("volunteers", "resident", &["resident_id"]),
            index("volunteer_words", "of", &["volunteer_id"]),
            index("volunteer_changes", "of", &["volunteer_id", "version"]).unique().to_owned(),
        ];
        make(manager, tables, indexes).await?;
        append_only(manager, "volunteer_changes").await
    }
}

fn volunteers() -> TableCreateStatement {
    Table::create()
        .table("volunteers")
        .col(uuid("id").primary_key())
        .col(text("number").unique_key())
        .col(big_integer("area_code"))
        .col(text("state"))
        .col(text_null("reason"))
        .col(date_null("resume_on"))
        .col(text("state_by"))
        .col(text("name"))
        .col(blob_null("phone"))
        // Name and phone together, so that nobody is registered twice.
        .col(blob("identity_index").unique_key())
        .col(date("birth_date"))
        .col(uuid_null("resident_id"))
        .col(text_null("account").unique_key())
        .col(text("skills"))
        .col(text("languages"))
        .col(text("availability"))
        .col(text("service_areas"))
        .col(integer("weekly_minutes"))
        .col(boolean("risks_told"))
        .col(boolean("synthetic"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .to_owned()
}

/// Skills (`s:haircut`), languages (`l:csl`) and areas in which one helps (`a:511903001008`).
fn words() -> TableCreateStatement {
    Table::create()
        .table("volunteer_words")
        .col(string("word"))
        .col(uuid("volunteer_id"))
        .primary_key(Index::create().col("word").col("volunteer_id"))
        .foreign_key(&mut refers("volunteer_words", "volunteer_id", "volunteers"))
        .to_owned()
}

fn changes() -> TableCreateStatement {
    Table::create()
        .table("volunteer_changes")
        .col(uuid("id").primary_key())
        .col(uuid("volunteer_id"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("at"))
        .col(text("from_state"))
        .col(text("state"))
        .col(text_null("reason"))
        .col(text("state_by"))
        .col(text("actor"))
        .foreign_key(&mut refers("volunteer_changes", "volunteer_id", "volunteers"))
        .to_owned()
}
