//! Opens a database, Postgres or SQLite, and runs write transactions on it.

use std::{path::Path, sync::Arc, time::Duration};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr,
    sqlx::{
        Connection, Executor,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};
use serde::Deserialize;
use tokio_util::task::TaskTracker;

use super::{Tx, Work, commits::Commits};

/// How many connections a service keeps and how long it waits for one. Every default is set on purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSettings {
    /// Most connections to Postgres, or most readers of a SQLite file. Measured: 4 starve, 16 are good, 32 are worse.
    pub max_connections: u32,
    /// Milliseconds a call waits for a connection before it is told to come again.
    pub acquire_ms: u64,
    /// Seconds after which a connection is replaced.
    pub max_lifetime_s: u64,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { max_connections: 16, acquire_ms: 3_000, max_lifetime_s: 1_200 }
    }
}

/// One service's database.
#[derive(Clone, Debug)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: DbBackend,
    write: DatabaseConnection,
    read: DatabaseConnection,
    writes: TaskTracker,
    commits: Arc<Commits>,
}

impl Db {
    /// Opens `postgres://…` or `sqlite:PATH`; a SQLite file is made where there is none.
    ///
    /// SQLite runs in WAL mode with one writer and several read-only readers, and every commit is synced to the disk.
    pub async fn open(url: &str, pool: &PoolSettings) -> Result<Self, DbErr> {
        let (backend, write, read) = if let Some(path) = url.strip_prefix("sqlite:") {
            let write = sqlite(path, pool, false).await?;
            let read = sqlite(path, pool, true).await?;
            (DbBackend::Sqlite, write, read)
        } else {
            let write = postgres(url, pool).await?;
            (DbBackend::Postgres, write.clone(), write)
        };
        let commits = Arc::new(Commits::new(write.clone()));
        Ok(Self(Arc::new(Inner { backend, write, read, writes: TaskTracker::new(), commits })))
    }

    /// Opens the SQLite file `path`.
    pub async fn open_file(path: &Path, pool: &PoolSettings) -> Result<Self, DbErr> {
        Self::open(&format!("sqlite:{}", path.display()), pool).await
    }

    /// Which of the two it is.
    pub fn backend(&self) -> DbBackend {
        self.0.backend
    }

    /// For reading. On SQLite it cannot write.
    pub fn read(&self) -> &DatabaseConnection {
        &self.0.read
    }

    /// For migrations and other statements that must not run inside a transaction; everything else writes by
    /// [`write`](Self::write).
    pub fn raw_writer(&self) -> &DatabaseConnection {
        &self.0.write
    }

    /// Runs `work` in a write transaction and commits it.
    ///
    /// - On SQLite the transaction is `BEGIN IMMEDIATE`, so that two writers queue instead of failing.
    /// - A serialization failure or deadlock (40001, 40P01) is tried again, at most 3 times with a short random pause, so
    ///   `work` may run more than once: it must not have effects outside of the transaction.
    /// - It is finished even if the caller goes away: a client that hangs up cannot leave half a transaction behind.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t Tx) -> Work<'t, T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
    {
        const ATTEMPTS: u32 = 4;
        let db = self.clone();
        let run = async move {
            let mut attempt = 1;
            loop {
                let tx = Tx::new(db.0.write.clone(), Arc::clone(&db.0.commits));
                let (outcome, may_retry) = match work(&tx).await {
                    Ok(value) => match tx.commit().await {
                        Ok(()) => (Ok(value), false),
                        Err((error, may_retry)) => (Err(E::from(error)), may_retry),
                    },
                    Err(error) => (Err(error), tx.roll_back().await),
                };
                if outcome.is_ok() || !may_retry || attempt == ATTEMPTS {
                    return outcome;
                }
                tokio::time::sleep(jitter(attempt)).await;
                attempt += 1;
            }
        };
        // Spawned here and not through `run::task`, because a write in flight belongs to its database: `close` waits for it.
        match self.0.writes.spawn(run).await {
            Ok(outcome) => outcome,
            Err(e) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
            Err(e) => Err(DbErr::Custom(format!("the write was cut off by shutdown: {e}")).into()),
        }
    }

    /// Waits for the writes in flight, then closes every connection.
    pub async fn close(&self) {
        self.0.writes.close();
        self.0.writes.wait().await;
        let _ = self.0.write.clone().close().await;
        let _ = self.0.read.clone().close().await;
    }
}

/// 1 to 20 ms for the first attempt, doubling.
fn jitter(attempt: u32) -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness the pause is only less well spread.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    Duration::from_micros(1_000 + u64::from(byte[0]) * 74) * 2u32.pow(attempt - 1)
}

async fn sqlite(path: &str, pool: &PoolSettings, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("sqlite:{path}"));
    options
        .max_connections(if read_only { pool.max_connections } else { 1 })
        .acquire_timeout(Duration::from_millis(pool.acquire_ms))
        .idle_timeout(Duration::from_mins(1))
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |o| {
            let o = o.create_if_missing(!read_only).foreign_keys(true).busy_timeout(Duration::from_secs(5));
            if read_only {
                o.read_only(true)
            } else {
                o.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
            }
        });
    Database::connect(options).await
}

async fn postgres(url: &str, pool: &PoolSettings) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url.to_owned());
    options
        .max_connections(pool.max_connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_millis(pool.acquire_ms))
        .idle_timeout(Duration::from_mins(10))
        .max_lifetime(Duration::from_secs(pool.max_lifetime_s))
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_postgres_before_acquire(|connection, seen| {
            Box::pin(async move {
                // A half-open connection would eat the caller's whole deadline: one that has idled must answer in half a
                // second or is thrown away.
                if seen.idle_for < Duration::from_secs(5) {
                    return Ok(true);
                }
                let ping = tokio::time::timeout(Duration::from_millis(500), connection.ping()).await;
                Ok(matches!(ping, Ok(Ok(()))))
            })
        })
        .map_sqlx_postgres_pool_opts(|o| {
            o.after_connect(|connection, _| {
                Box::pin(async move {
                    connection
                        .execute("SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s'")
                        .await?;
                    Ok(())
                })
            })
        });
    Database::connect(options).await
}
