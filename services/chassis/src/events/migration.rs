//! The tables of this wing in a service's database.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, integer, string, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
    },
};

/// Makes the tables `outbox`, `inbox`, `inbox_versions`, `lease` and `timers`. Every service lists it first.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(Tables)
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "m0001_chassis_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [outbox(), inbox(), inbox_versions(), lease(), timers()] {
            manager.create_table(table).await?;
        }
        for index in [outbox_unpublished(), timers_one_per_key(), timers_due()] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        // AUTOINCREMENT on SQLite: the position of a pruned row is never given again.
        .col(big_integer("position").auto_increment().primary_key())
        .col(uuid("id").unique_key())
        .col(string("kind"))
        .col(string("source"))
        .col(string("subject"))
        .col(uuid("key"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("at"))
        .col(text_null("trace"))
        .col(text("data"))
        .col(timestamp_with_time_zone_null("published_at"))
        .col(text_null("refused"))
        .to_owned()
}

fn inbox() -> TableCreateStatement {
    Table::create()
        .table("inbox")
        .col(string("consumer"))
        .col(uuid("event_id"))
        .col(timestamp_with_time_zone("at"))
        .primary_key(Index::create().col("consumer").col("event_id"))
        .to_owned()
}

fn inbox_versions() -> TableCreateStatement {
    Table::create()
        .table("inbox_versions")
        .col(string("consumer"))
        .col(uuid("key"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("consumer").col("key"))
        .to_owned()
}

fn lease() -> TableCreateStatement {
    Table::create()
        .table("lease")
        .col(string("name").primary_key())
        .col(string("owner"))
        .col(big_integer("token"))
        .col(timestamp_with_time_zone("until"))
        .to_owned()
}

fn timers() -> TableCreateStatement {
    Table::create()
        .table("timers")
        .col(big_integer("id").auto_increment().primary_key())
        .col(timestamp_with_time_zone("due_at"))
        .col(string("kind"))
        .col(string("key"))
        .col(text("payload"))
        .col(text_null("lease_owner"))
        .col(timestamp_with_time_zone_null("lease_until"))
        .col(integer("attempts").default(0))
        .col(timestamp_with_time_zone_null("failed_at"))
        .col(text_null("error"))
        .to_owned()
}

/// Small whatever the retention: only what waits is in it.
fn outbox_unpublished() -> IndexCreateStatement {
    Index::create()
        .name("outbox_unpublished")
        .table("outbox")
        .col("position")
        .and_where(Expr::col("published_at").is_null().and(Expr::col("refused").is_null()))
        .to_owned()
}

fn timers_one_per_key() -> IndexCreateStatement {
    Index::create().name("timers_one_per_key").table("timers").col("kind").col("key").unique().to_owned()
}

fn timers_due() -> IndexCreateStatement {
    Index::create()
        .name("timers_due")
        .table("timers")
        .col("due_at")
        .and_where(Expr::col("failed_at").is_null())
        .to_owned()
}
