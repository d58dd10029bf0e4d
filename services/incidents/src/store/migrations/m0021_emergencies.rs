//! Makes `emergencies`, `emergency_reports` and what is left when their personal data is destroyed; and lets the timeline of an
//! incident whose data is destroyed lose its texts.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob_null, boolean, date_null, integer, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
    sea_orm::DbBackend,
};

pub(super) struct Emergencies;

impl MigrationName for Emergencies {
    fn name(&self) -> &'static str {
        "m0021_emergencies"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Emergencies {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [emergencies(), reports(), destroyed(), certificates()] {
            manager.create_table(table).await?;
        }
        let newest =
            Index::create().name("emergencies_newest").table("emergencies").col("declared_at").col("id").to_owned();
        manager.create_index(newest).await?;
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

fn emergencies() -> TableCreateStatement {
    Table::create()
        .table("emergencies")
        .col(uuid("id").primary_key())
        .col(uuid("incident_id").unique_key())
        .col(big_integer("area_code"))
        .col(text("kind"))
        .col(text_null("level"))
        .col(timestamp_with_time_zone("declared_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(timestamp_with_time_zone_null("phoned_at"))
        .col(timestamp_with_time_zone_null("first_at"))
        .col(timestamp_with_time_zone_null("final_at"))
        .col(timestamp_with_time_zone_null("followed_up_at"))
        .col(date_null("destroy_on"))
        .col(timestamp_with_time_zone_null("destroyed_at"))
        .col(text_null("assessment"))
        .col(text_null("assessed_by"))
        .col(big_integer("version"))
        .foreign_key(
            ForeignKey::create().name("emergencies_incident").from("emergencies", "incident_id").to("incidents", "id"),
        )
        .to_owned()
}

fn reports() -> TableCreateStatement {
    Table::create()
        .table("emergency_reports")
        .col(uuid("id").primary_key())
        .col(uuid("emergency_id"))
        .col(text("kind"))
        .col(blob_null("contents"))
        .col(timestamp_with_time_zone("filed_at"))
        .col(text("filed_by"))
        .col(boolean("late"))
        .index(Index::create().name("emergency_reports_order").col("emergency_id").col("filed_at").col("id").unique())
        .foreign_key(
            ForeignKey::create()
                .name("emergency_reports_of")
                .from("emergency_reports", "emergency_id")
                .to("emergencies", "id"),
        )
        .to_owned()
}

/// Incidents whose texts may be emptied, and have been.
fn destroyed() -> TableCreateStatement {
    Table::create()
        .table("destroyed_incidents")
        .col(uuid("incident_id").primary_key())
        .col(uuid("emergency_id"))
        .to_owned()
}

fn certificates() -> TableCreateStatement {
    Table::create()
        .table("destruction_certificates")
        .col(uuid("emergency_id").primary_key())
        .col(timestamp_with_time_zone("destroyed_at"))
        .col(text("rule"))
        .col(integer("incidents"))
        .col(integer("timeline_texts"))
        .col(integer("reports"))
        .col(text("line"))
        .col(text("digest"))
        .to_owned()
}

/// As before: a text may be sealed anew with another data key, and nothing else changes. New: where the incident's data is
/// destroyed, the text may go.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION timeline_text_may_go() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.text IS NOT NULL AND NEW.text IS NULL
            AND EXISTS (SELECT 1 FROM destroyed_incidents WHERE incident_id = OLD.incident_id) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the timeline is append-only';
    END $$",
    "DROP TRIGGER timeline_no_update ON timeline",
    "CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline FOR EACH ROW
    WHEN ((OLD.id, OLD.incident_id, OLD.version, OLD.at, OLD.kind, OLD.actor, OLD.actor_kind, OLD.visibility, OLD.facts)
        IS DISTINCT FROM
        (NEW.id, NEW.incident_id, NEW.version, NEW.at, NEW.kind, NEW.actor, NEW.actor_kind, NEW.visibility, NEW.facts)
        OR OLD.text IS NULL OR substr(OLD.text, 3, 4) = substr(NEW.text, 3, 4))
    EXECUTE FUNCTION timeline_is_append_only()",
    "CREATE TRIGGER timeline_text_goes BEFORE UPDATE ON timeline FOR EACH ROW
    WHEN (NEW.text IS NULL) EXECUTE FUNCTION timeline_text_may_go()",
];

const SQLITE: &[&str] = &[
    "DROP TRIGGER timeline_no_update",
    "CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline
    WHEN OLD.id IS NOT NEW.id OR OLD.incident_id IS NOT NEW.incident_id OR OLD.version IS NOT NEW.version
        OR OLD.at IS NOT NEW.at OR OLD.kind IS NOT NEW.kind OR OLD.actor IS NOT NEW.actor
        OR OLD.actor_kind IS NOT NEW.actor_kind OR OLD.visibility IS NOT NEW.visibility OR OLD.facts IS NOT NEW.facts
        OR OLD.text IS NULL OR substr(OLD.text, 3, 4) = substr(NEW.text, 3, 4)
        OR (NEW.text IS NULL
            AND NOT EXISTS (SELECT 1 FROM destroyed_incidents WHERE incident_id = OLD.incident_id))
    BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END",
];
