//! What people ask about their data, and leave to look at minors' records.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, integer, string, string_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

/// The migration.
pub(super) struct Rights;

impl MigrationName for Rights {
    fn name(&self) -> &'static str {
        "residents_m0002_rights"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rights {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(data_requests()).await?;
        manager.create_table(minor_access()).await?;
        for (name, table, columns) in INDEXES {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index.take()).await?;
        }
        Ok(())
    }
}

const INDEXES: [(&str, &str, &[&str]); 4] = [
    ("data_requests_area", "data_requests", &["area_code", "id"]),
    ("data_requests_resident", "data_requests", &["resident_id"]),
    ("minor_access_reader", "minor_access", &["reader", "state"]),
    ("minor_access_area", "minor_access", &["area_code", "id"]),
];

fn data_requests() -> TableCreateStatement {
    Table::create()
        .table("data_requests")
        .col(uuid("id").primary_key())
        .col(string("kind"))
        .col(uuid("resident_id"))
        .col(big_integer("area_code"))
        .col(string_null("field"))
        .col(string_null("purpose"))
        .col(blob_null("value"))
        .col(blob("reason"))
        .col(string("state"))
        .col(text("requested_by"))
        .col(timestamp_with_time_zone("requested_at"))
        .col(timestamp_with_time_zone("due_at"))
        .col(timestamp_with_time_zone_null("overdue_at"))
        .col(text_null("answered_by"))
        .col(timestamp_with_time_zone_null("answered_at"))
        .col(blob_null("answer"))
        .col(blob_null("before"))
        .foreign_key(ForeignKey::create().from("data_requests", "resident_id").to("residents", "id"))
        .to_owned()
}

fn minor_access() -> TableCreateStatement {
    Table::create()
        .table("minor_access")
        .col(uuid("id").primary_key())
        .col(uuid("resident_id"))
        .col(big_integer("area_code"))
        .col(string("purpose"))
        .col(text("reader"))
        .col(blob_null("reason"))
        .col(string("state"))
        .col(timestamp_with_time_zone("requested_at"))
        .col(integer("days"))
        .col(text_null("decided_by"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(blob_null("decision"))
        .col(timestamp_with_time_zone_null("until"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(ForeignKey::create().from("minor_access", "resident_id").to("residents", "id"))
        .to_owned()
}
