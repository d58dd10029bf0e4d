//! Makes `audit` and `audit_head`, and the triggers that keep the program itself from changing what is written.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob, blob_null, integer, text, text_null, timestamp_with_time_zone, uuid,
    },
};

struct Audit;

/// Makes the tables of the audit log. A service lists it before its own migrations.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(Audit)
}

impl MigrationName for Audit {
    fn name(&self) -> &'static str {
        "chassis_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Audit {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(entries()).await?;
        let head = Table::create()
            .table("audit_head")
            .col(integer("id").primary_key())
            .col(big_integer("seq"))
            .col(blob("hash"))
            .to_owned();
        manager.create_table(head).await?;
        let start = Query::insert()
            .into_table("audit_head")
            .columns(["id", "seq", "hash"])
            .values_panic([1.into(), 0_i64.into(), vec![0_u8; 32].into()])
            .to_owned();
        let connection = manager.get_connection();
        connection.execute(&start).await?;
        connection.execute_unprepared("CREATE INDEX audit_pending ON audit (id) WHERE seq IS NULL").await?;
        let triggers = match connection.get_database_backend() {
            DbBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        connection.execute_unprepared(triggers).await?;
        Ok(())
    }
}

struct Acting;

/// In which roles a look was taken and on what approval, and finding looks by whose record it was. It replaces the trigger
/// that guards the columns.
pub fn migration_of_acting() -> Box<dyn MigrationTrait> {
    Box::new(Acting)
}

impl MigrationName for Acting {
    fn name(&self) -> &'static str {
        "chassis_audit_acting"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Acting {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE audit ADD COLUMN acting text").await?;
        connection.execute_unprepared("ALTER TABLE audit ADD COLUMN basis text").await?;
        connection.execute_unprepared("CREATE INDEX audit_subject ON audit (subject, id)").await?;
        connection.execute_unprepared("CREATE INDEX audit_basis ON audit (basis) WHERE basis IS NOT NULL").await?;
        let trigger = match connection.get_database_backend() {
            DbBackend::Postgres => POSTGRES_ACTING,
            _ => SQLITE_ACTING,
        };
        connection.execute_unprepared(trigger).await?;
        Ok(())
    }
}

fn entries() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(uuid("id").primary_key())
        .col(timestamp_with_time_zone("at"))
        .col(text("who"))
        .col(text_null("on_behalf"))
        .col(text("purpose"))
        .col(text("method"))
        .col(text("subject"))
        .col(text("fields"))
        .col(text("request"))
        .col(big_integer_null("seq").unique_key())
        .col(blob_null("prev"))
        .col(blob_null("hash"))
        .to_owned()
}

const POSTGRES: &str = "
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to';
END $$;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW WHEN (
    OLD.hash IS NOT NULL
    OR (NEW.id, NEW.at, NEW.who, NEW.on_behalf, NEW.purpose, NEW.method, NEW.subject, NEW.fields, NEW.request)
    IS DISTINCT FROM
    (OLD.id, OLD.at, OLD.who, OLD.on_behalf, OLD.purpose, OLD.method, OLD.subject, OLD.fields, OLD.request)
) EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_head_no_truncate BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.seq <= OLD.seq OR NEW.id <> OLD.id)
    EXECUTE FUNCTION audit_keep();
";

const SQLITE: &str = "
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN
    OLD.hash IS NOT NULL
    OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at OR NEW.who IS NOT OLD.who OR NEW.on_behalf IS NOT OLD.on_behalf
    OR NEW.purpose IS NOT OLD.purpose OR NEW.method IS NOT OLD.method OR NEW.subject IS NOT OLD.subject
    OR NEW.fields IS NOT OLD.fields OR NEW.request IS NOT OLD.request
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head WHEN NEW.seq <= OLD.seq OR NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
";

const POSTGRES_ACTING: &str = "
DROP TRIGGER audit_no_update ON audit;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW WHEN (
    OLD.hash IS NOT NULL
    OR (NEW.id, NEW.at, NEW.who, NEW.on_behalf, NEW.purpose, NEW.method, NEW.subject, NEW.fields, NEW.request,
        NEW.acting, NEW.basis)
    IS DISTINCT FROM
    (OLD.id, OLD.at, OLD.who, OLD.on_behalf, OLD.purpose, OLD.method, OLD.subject, OLD.fields, OLD.request,
        OLD.acting, OLD.basis)
) EXECUTE FUNCTION audit_keep();
";

const SQLITE_ACTING: &str = "
DROP TRIGGER audit_no_update;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN
    OLD.hash IS NOT NULL
    OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at OR NEW.who IS NOT OLD.who OR NEW.on_behalf IS NOT OLD.on_behalf
    OR NEW.purpose IS NOT OLD.purpose OR NEW.method IS NOT OLD.method OR NEW.subject IS NOT OLD.subject
    OR NEW.fields IS NOT OLD.fields OR NEW.request IS NOT OLD.request
    OR NEW.acting IS NOT OLD.acting OR NEW.basis IS NOT OLD.basis
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
";
