//! Makes the tables of partners' alarms. None of their columns could hold who or whose somebody is.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, boolean, double, double_null, integer, integer_null, text, text_null,
        timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
    sea_orm::DbBackend,
};

pub(super) struct Alarms;

impl MigrationName for Alarms {
    fn name(&self) -> &'static str {
        "m0030_alarms"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Alarms {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [partners(), devices(), situations(), alarms(), marks(), refused(), look_ups()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
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

fn partners() -> TableCreateStatement {
    Table::create()
        .table("partners")
        .col(text("name").primary_key())
        .col(text("key"))
        .col(text("areas"))
        .col(text("kinds"))
        .col(text("video_hosts"))
        .col(integer("rate"))
        .col(boolean("removed"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("changed_at"))
        .to_owned()
}

fn devices() -> TableCreateStatement {
    Table::create()
        .table("alarm_devices")
        .col(uuid("id").primary_key())
        .col(text("partner"))
        .col(text("code"))
        .col(big_integer("area_code"))
        .col(text("place"))
        .col(double("latitude"))
        .col(double("longitude"))
        .col(boolean("restricted"))
        .col(integer("heartbeat_s"))
        .col(integer_null("damping_s"))
        .col(boolean("retired"))
        .col(timestamp_with_time_zone("changed_at"))
        .col(timestamp_with_time_zone_null("last_seen_at"))
        .col(timestamp_with_time_zone_null("silent_since"))
        .col(integer("real_verdicts"))
        .col(integer("false_verdicts"))
        .to_owned()
}

fn situations() -> TableCreateStatement {
    Table::create()
        .table("situations")
        .col(uuid("id").primary_key())
        .col(text("kind"))
        .col(big_integer("area_code"))
        .col(text("state"))
        .col(integer("priority"))
        .col(integer("alarms"))
        .col(integer("devices"))
        .col(integer("repeats"))
        .col(boolean("storm"))
        .col(integer("escalated"))
        .col(text("place"))
        .col(double("latitude"))
        .col(double("longitude"))
        .col(timestamp_with_time_zone("opened_at"))
        .col(timestamp_with_time_zone("last_at"))
        .col(timestamp_with_time_zone_null("verified_at"))
        .col(text_null("verified_by"))
        .col(blob_null("finding"))
        .col(uuid_null("incident_id"))
        .col(big_integer("version"))
        .to_owned()
}

fn alarms() -> TableCreateStatement {
    Table::create()
        .table("alarms")
        .col(uuid("id").primary_key())
        .col(text("partner"))
        .col(text("partner_alarm_id"))
        .col(uuid("device_id"))
        .col(text("device"))
        .col(big_integer("area_code"))
        .col(uuid("situation_id"))
        .col(text("kind"))
        .col(integer("priority"))
        .col(timestamp_with_time_zone("at"))
        .col(timestamp_with_time_zone("received_at"))
        .col(double_null("latitude"))
        .col(double_null("longitude"))
        .col(blob_null("note"))
        .col(blob_null("video"))
        .to_owned()
}

fn marks() -> TableCreateStatement {
    Table::create()
        .table("alarm_marks")
        .col(uuid("device_id"))
        .col(text("kind"))
        .col(uuid("situation_id"))
        .col(timestamp_with_time_zone("last_at"))
        .primary_key(Index::create().col("device_id").col("kind"))
        .to_owned()
}

fn refused() -> TableCreateStatement {
    Table::create()
        .table("refused_messages")
        .col(text("partner"))
        .col(text("reason"))
        .col(timestamp_with_time_zone("minute"))
        .col(big_integer("messages"))
        .col(text("sample"))
        .primary_key(Index::create().col("partner").col("reason").col("minute"))
        .to_owned()
}

fn look_ups() -> TableCreateStatement {
    Table::create()
        .table("video_look_ups")
        .col(uuid("id").primary_key())
        .col(timestamp_with_time_zone("at"))
        .col(text("who"))
        .col(text("reason"))
        .col(blob("detail"))
        .col(text("purpose"))
        .col(uuid("alarm_id"))
        .col(uuid("situation_id"))
        .col(text("device"))
        .col(big_integer("area_code"))
        .to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create().name(name).table(table).to_owned();
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        index("alarm_devices_code", "alarm_devices", &["partner", "code"]).unique().to_owned(),
        index("alarm_devices_area", "alarm_devices", &["area_code", "code", "id"]),
        index("situations_area", "situations", &["area_code", "opened_at", "id"]),
        index("situations_newest", "situations", &["opened_at", "id"]),
        // What alarms are gathered into: few rows among many that were looked at.
        index("situations_open", "situations", &["kind", "area_code", "last_at"])
            .and_where(Expr::col("state").eq("open"))
            .to_owned(),
        index("alarms_once", "alarms", &["partner", "partner_alarm_id"]).unique().to_owned(),
        index("alarms_situation", "alarms", &["situation_id", "id"]),
        index("video_look_ups_area", "video_look_ups", &["at", "id"]),
    ]
}

/// The register of look-ups is only ever added to; a text may be sealed anew.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION video_look_ups_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the register of look-ups is only ever added to'; END $$",
    "CREATE TRIGGER video_look_ups_no_delete BEFORE DELETE ON video_look_ups
    FOR EACH ROW EXECUTE FUNCTION video_look_ups_keep()",
    "CREATE TRIGGER video_look_ups_no_truncate BEFORE TRUNCATE ON video_look_ups
    FOR EACH STATEMENT EXECUTE FUNCTION video_look_ups_keep()",
    "CREATE TRIGGER video_look_ups_no_update BEFORE UPDATE ON video_look_ups FOR EACH ROW
    WHEN ((OLD.id, OLD.at, OLD.who, OLD.reason, OLD.purpose, OLD.alarm_id, OLD.situation_id, OLD.device, OLD.area_code)
        IS DISTINCT FROM
        (NEW.id, NEW.at, NEW.who, NEW.reason, NEW.purpose, NEW.alarm_id, NEW.situation_id, NEW.device, NEW.area_code)
        OR substr(OLD.detail, 3, 4) = substr(NEW.detail, 3, 4))
    EXECUTE FUNCTION video_look_ups_keep()",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER video_look_ups_no_delete BEFORE DELETE ON video_look_ups
    BEGIN SELECT RAISE(ABORT, 'the register of look-ups is only ever added to'); END",
    "CREATE TRIGGER video_look_ups_no_update BEFORE UPDATE ON video_look_ups
    WHEN OLD.id IS NOT NEW.id OR OLD.at IS NOT NEW.at OR OLD.who IS NOT NEW.who OR OLD.reason IS NOT NEW.reason
        OR OLD.purpose IS NOT NEW.purpose OR OLD.alarm_id IS NOT NEW.alarm_id
        OR OLD.situation_id IS NOT NEW.situation_id OR OLD.device IS NOT NEW.device
        OR OLD.area_code IS NOT NEW.area_code OR substr(OLD.detail, 3, 4) = substr(NEW.detail, 3, 4)
    BEGIN SELECT RAISE(ABORT, 'the register of look-ups is only ever added to'); END",
];
