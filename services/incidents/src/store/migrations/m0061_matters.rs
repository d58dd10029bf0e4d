//! Makes `matters`, their entries, which nobody can change, and what belongs to them.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, blob, blob_null, integer, text, text_null, timestamp_with_time_zone, uuid},
    sea_orm::DbBackend,
};

pub(super) struct Matters;

impl MigrationName for Matters {
    fn name(&self) -> &'static str {
        "m0061_matters"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Matters {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [matters(), entries(), said(), incidents()] {
            manager.create_table(table).await?;
        }
        let index = |name: &str, table: &'static str| Index::create().name(name).table(table).to_owned();
        manager.create_index(index("matters_newest", "matters").col("raised_at").col("id").to_owned()).await?;
        manager.create_index(index("matter_incidents_of", "matter_incidents").col("matter_id").to_owned()).await?;
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

fn matters() -> TableCreateStatement {
    Table::create()
        .table("matters")
        .col(uuid("id").primary_key())
        .col(big_integer("area_code"))
        .col(text("title"))
        .col(text_null("category"))
        .col(text("stage"))
        .col(text_null("place"))
        .col(text("state"))
        .col(timestamp_with_time_zone("raised_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(big_integer("version"))
        .to_owned()
}

fn entries() -> TableCreateStatement {
    Table::create()
        .table("matter_entries")
        .col(uuid("id").primary_key())
        .col(uuid("matter_id"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("at"))
        .col(text("kind"))
        .col(text("actor"))
        .col(text("actor_kind"))
        .col(text_null("public_text"))
        .col(blob_null("text"))
        .col(text("facts"))
        .index(Index::create().name("matter_entries_version").col("matter_id").col("version").unique())
        .foreign_key(
            ForeignKey::create().name("matter_entries_of").from("matter_entries", "matter_id").to("matters", "id"),
        )
        .to_owned()
}

/// Who has spoken: as a keyed hash, and not what they said.
fn said() -> TableCreateStatement {
    Table::create()
        .table("matter_said")
        .col(uuid("id").primary_key())
        .col(uuid("matter_id"))
        .col(integer("round"))
        .col(blob("who"))
        .index(Index::create().name("matter_said_once").col("matter_id").col("round").col("who").unique())
        .to_owned()
}

fn incidents() -> TableCreateStatement {
    Table::create()
        .table("matter_incidents")
        .col(uuid("incident_id").primary_key())
        .col(uuid("matter_id"))
        .foreign_key(
            ForeignKey::create()
                .name("matter_incidents_incident")
                .from("matter_incidents", "incident_id")
                .to("incidents", "id"),
        )
        .to_owned()
}

/// As with the timeline of incidents: a text may be sealed anew with another data key, and nothing else changes.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION matter_entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the entries of a matter are append-only'; END $$",
    "CREATE TRIGGER matter_entries_no_delete BEFORE DELETE ON matter_entries
    FOR EACH ROW EXECUTE FUNCTION matter_entries_are_append_only()",
    "CREATE TRIGGER matter_entries_no_truncate BEFORE TRUNCATE ON matter_entries
    FOR EACH STATEMENT EXECUTE FUNCTION matter_entries_are_append_only()",
    "CREATE TRIGGER matter_entries_no_update BEFORE UPDATE ON matter_entries FOR EACH ROW
    WHEN ((OLD.id, OLD.matter_id, OLD.version, OLD.at, OLD.kind, OLD.actor, OLD.actor_kind, OLD.public_text, OLD.facts)
        IS DISTINCT FROM
        (NEW.id, NEW.matter_id, NEW.version, NEW.at, NEW.kind, NEW.actor, NEW.actor_kind, NEW.public_text, NEW.facts)
        OR OLD.text IS NULL OR NEW.text IS NULL OR substr(OLD.text, 3, 4) = substr(NEW.text, 3, 4))
    EXECUTE FUNCTION matter_entries_are_append_only()",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER matter_entries_no_delete BEFORE DELETE ON matter_entries
    BEGIN SELECT RAISE(ABORT, 'the entries of a matter are append-only'); END",
    "CREATE TRIGGER matter_entries_no_update BEFORE UPDATE ON matter_entries
    WHEN OLD.id IS NOT NEW.id OR OLD.matter_id IS NOT NEW.matter_id OR OLD.version IS NOT NEW.version
        OR OLD.at IS NOT NEW.at OR OLD.kind IS NOT NEW.kind OR OLD.actor IS NOT NEW.actor
        OR OLD.actor_kind IS NOT NEW.actor_kind OR OLD.public_text IS NOT NEW.public_text OR OLD.facts IS NOT NEW.facts
        OR OLD.text IS NULL OR NEW.text IS NULL OR substr(OLD.text, 3, 4) = substr(NEW.text, 3, 4)
    BEGIN SELECT RAISE(ABORT, 'the entries of a matter are append-only'); END",
];
