//! Keys, sealed fields, the audit log and tokens: what they keep, and what they notice.

mod audit;
mod keys;
mod reseal;
mod tokens;

use anyhow::Result;
use chassis::{
    access,
    data::{self, Db, PoolSettings},
};
use chrono::{DateTime, Utc};
use sea_orm_migration::SchemaManager;
use tempfile::TempDir;

/// A database with the chassis' tables, gone with the value.
struct TestDb {
    db: Db,
    _folder: TempDir,
    /// None: it is SQLite.
    postgres: Option<test_servers::Database>,
}

impl TestDb {
    async fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("t.db"), &PoolSettings::default()).await?;
        Self::migrated(db, folder, None).await
    }

    async fn postgres() -> Result<Self> {
        let postgres = test_servers::Postgres::shared()?.create_database()?;
        let pool = PoolSettings { max_connections: 4, ..PoolSettings::default() };
        let db = Db::open(postgres.url(), &pool).await?;
        Self::migrated(db, tempfile::tempdir()?, Some(postgres)).await
    }

    async fn both() -> Result<[Self; 2]> {
        Ok([Self::sqlite().await?, Self::postgres().await?])
    }

    async fn migrated(db: Db, folder: TempDir, postgres: Option<test_servers::Database>) -> Result<Self> {
        let manager = SchemaManager::new(db.raw_writer());
        for migration in [data::migration(), access::audit::migration(), access::audit::migration_of_acting()] {
            migration.up(&manager).await?;
        }
        Ok(Self { db, _folder: folder, postgres })
    }

    async fn run(&self, sql: &str) -> Result<u64> {
        use chassis::sea_orm::ConnectionTrait;
        Ok(self.db.raw_writer().execute_unprepared(sql).await?.rows_affected())
    }
}

/// 2026-11-23 08:00 UTC.
fn morning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).expect("a time")
}
