//! Brings a service's database to this program's version.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, TransactionTrait, sea_query::IntoIden};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf, seaql_migrations};

use super::{Service, StartError};
use crate::{access::audit, data, data::Db, events};

/// The tables of the chassis, then the service's own.
struct Migrator<'s>(&'s dyn Service);

#[async_trait::async_trait]
impl MigratorTraitSelf for Migrator<'_> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let mut all = vec![
            data::migration(),
            data::requests_migration(),
            audit::migration(),
            audit::migration_of_acting(),
            events::migration(),
        ];
        all.extend(self.0.migrations());
        all
    }

    fn migration_table_name(&self) -> DynIden {
        seaql_migrations::Entity.into_iden()
    }
}

/// Applies what is missing, and says how many that were. Each migration is one transaction on both databases, so one that
/// was killed left nothing; on Postgres a second program that migrates at the same time waits for the first.
pub async fn migrate(db: &Db, service: &dyn Service) -> Result<usize, StartError> {
    let name = service.name();
    let failed = |e| StartError::of_migration(name, e);
    // The lock lives in a transaction of its own connection and ends with it, however this program ends.
    let lock = match db.backend() {
        #[expect(clippy::disallowed_methods, reason = "holds a lock and writes nothing")]
        DbBackend::Postgres => Some(db.raw_writer().begin().await.map_err(failed)?),
        _ => None,
    };
    if let Some(lock) = &lock {
        lock.execute_unprepared("SELECT pg_advisory_xact_lock(hashtext('linju migrate'))").await.map_err(failed)?;
    }
    let before = pending(db, service).await?;
    Migrator(service).up(db.raw_writer(), None).await.map_err(failed)?;
    if let Some(lock) = lock {
        lock.rollback().await.map_err(failed)?;
    }
    Ok(before)
}

/// How many migrations the database lacks. Changes nothing.
pub async fn pending(db: &Db, service: &dyn Service) -> Result<usize, StartError> {
    let missing = Migrator(service).get_pending_migrations_read_only(db.raw_writer()).await;
    missing.map(|m| m.len()).map_err(|e: DbErr| StartError::of_migration(service.name(), e))
}
