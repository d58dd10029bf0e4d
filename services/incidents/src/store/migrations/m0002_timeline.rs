//! Makes `timeline`, which nobody can change.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, blob_null, text, timestamp_with_time_zone, uuid},
    sea_orm::DbBackend,
};

pub(super) struct Timeline;

impl MigrationName for Timeline {
    fn name(&self) -> &'static str {
        "m0002_timeline"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Timeline {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table()).await?;
        let triggers = match manager.get_database_backend() {
            DbBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        for statement in triggers {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

fn table() -> TableCreateStatement {
    Table::create()
        .table("timeline")
        .col(uuid("id").primary_key())
        .col(uuid("incident_id"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("at"))
        .col(text("kind"))
        .col(text("actor"))
        .col(text("actor_kind"))
        .col(text("visibility"))
        .col(blob_null("text"))
        .col(text("facts"))
        .index(Index::create().name("timeline_version").col("incident_id").col("version").unique())
        .foreign_key(
            ForeignKey::create().name("timeline_incident").from("timeline", "incident_id").to("incidents", "id"),
        )
        .to_owned()
}

/// A text may be sealed anew with another data key (bytes 3 to 6 of its header), which changes nothing that was said.
/// Everything else stays as it was written.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the timeline is append-only'; END $$",
    "CREATE TRIGGER timeline_no_delete BEFORE DELETE ON timeline
    FOR EACH ROW EXECUTE FUNCTION timeline_is_append_only()",
    "CREATE TRIGGER timeline_no_truncate BEFORE TRUNCATE ON timeline
    FOR EACH STATEMENT EXECUTE FUNCTION timeline_is_append_only()",
    "CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline FOR EACH ROW
    WHEN ((OLD.id, OLD.incident_id, OLD.version, OLD.at, OLD.kind, OLD.actor, OLD.actor_kind, OLD.visibility, OLD.facts)
        IS DISTINCT FROM
        (NEW.id, NEW.incident_id, NEW.version, NEW.at, NEW.kind, NEW.actor, NEW.actor_kind, NEW.visibility, NEW.facts)
        OR OLD.text IS NULL OR NEW.text IS NULL OR substr(OLD.text, 3, 4) = substr(NEW.text, 3, 4))
    EXECUTE FUNCTION timeline_is_append_only()",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER timeline_no_delete BEFORE DELETE ON timeline
    BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END",
    "CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline
    WHEN OLD.id IS NOT NEW.id OR OLD.incident_id IS NOT NEW.incident_id OR OLD.version IS NOT NEW.version
        OR OLD.at IS NOT NEW.at OR OLD.kind IS NOT NEW.kind OR OLD.actor IS NOT NEW.actor
        OR OLD.actor_kind IS NOT NEW.actor_kind OR OLD.visibility IS NOT NEW.visibility OR OLD.facts IS NOT NEW.facts
        OR OLD.text IS NULL OR NEW.text IS NULL OR substr(OLD.text, 3, 4) = substr(NEW.text, 3, 4)
    BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END",
];
