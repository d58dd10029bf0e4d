//! Makes `attachments`.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, integer, text, timestamp_with_time_zone, uuid, uuid_null},
};

pub(crate) struct Attachments;

impl MigrationName for Attachments {
    fn name(&self) -> &'static str {
        "attachments_0001"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Attachments {
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
        .table("attachments")
        .col(uuid("id").primary_key())
        .col(text("record_kind"))
        .col(uuid("record_id"))
        .col(text("state"))
        .col(text("added_by"))
        .col(blob("filename"))
        .col(blob("content_key"))
        .col(uuid("object").unique_key())
        .col(uuid_null("thumbnail").unique_key())
        .col(text("content_type"))
        .col(big_integer("size"))
        .col(big_integer_null("thumbnail_size"))
        .col(integer("width"))
        .col(integer("height"))
        .col(text("sha256"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("attachments_record")
            .table("attachments")
            .col("record_kind")
            .col("record_id")
            .col("id")
            .to_owned(),
        // Few among many: what has not become whole, or is to be deleted.
        Index::create()
            .name("attachments_left_over")
            .table("attachments")
            .col("state")
            .col("created_at")
            .and_where(Expr::col("state").ne("stored"))
            .to_owned(),
    ]
}
