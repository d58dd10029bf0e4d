//! What the tests of every service stand on: the service on a database of its own, behind the real access layer, with a clock
//! that stands still, and the people who call it. A service adds its clients and its own words.

#![expect(clippy::missing_errors_doc, reason = "every failure fails a test, and says itself why")]

mod person;
mod refusal;
mod timers;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use chassis::{
    access::{Gate, SigningKey, TokenSigner, TokenVerifier},
    data::{Clock, Db, Ids, Keyring, MasterKey, PoolSettings, Suite},
    events::{LocalLog, Outbox, TimerHandlers},
    run::{self, Context, Meter, Parts, Service},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tempfile::TempDir;
use tonic::{Request, service::Routes};
use tower::Layer;
use uuid::Uuid;

pub use person::Person;
pub use refusal::{field, reason};

/// Where everything happens: a subdistrict, one of its communities and a grid of that.
pub const SUBDISTRICT: &str = "511903001";
pub const COMMUNITY: &str = "511903001008";
pub const GRID: &str = "511903001008002";

/// All that a service answers, behind the gate.
pub type Gated = <Gate as Layer<Routes>>::Service;

/// One service on one database; gone with the value.
pub struct Base {
    pub db: Db,
    pub clock: Clock,
    pub keys: Keyring,
    /// All that the service answers.
    pub gated: Gated,
    /// What the service was built from.
    pub context: Context,
    pub folder: TempDir,
    timers: TimerHandlers,
    signer: TokenSigner,
    _database: Option<test_servers::Database>,
}

/// 2026-11-23, 16:00 in China.
pub fn morning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).unwrap_or_default()
}

impl Base {
    pub async fn sqlite(service: &dyn Service) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join(format!("{}.db", service.name()));
        let db = Db::open_file(&file, &PoolSettings::default()).await?;
        Self::on(service, db, folder, None).await
    }

    pub async fn postgres(service: &dyn Service) -> Result<Self> {
        let database = tokio::task::spawn_blocking(|| test_servers::Postgres::shared()?.create_database()).await??;
        let pool = PoolSettings { max_connections: 8, acquire_ms: 30_000, ..PoolSettings::default() };
        let db = Db::open(database.url(), &pool).await?;
        Self::on(service, db, tempfile::tempdir()?, Some(database)).await
    }

    async fn on(
        service: &dyn Service,
        db: Db,
        folder: TempDir,
        database: Option<test_servers::Database>,
    ) -> Result<Self> {
        run::migrate(&db, service).await?;
        let clock = Clock::fixed(morning());
        let master = Arc::new(MasterKey::new_to_file(&folder.path().join("master.key"))?);
        let keys = Keyring::load(&db, master, Suite::Aes256Gcm, &clock).await?;
        let context = Context {
            db: db.clone(),
            clock: clock.clone(),
            ids: Ids::seeded(clock.clone(), 1),
            keys: keys.clone(),
            outbox: Outbox::default(),
            message_bytes: 1 << 20,
            settings: serde_json::json!({}),
        };
        let bus = LocalLog::open(&folder.path().join("events.db"), clock.clone()).await?;
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let verifier = TokenVerifier::new(key.public(), clock.clone());
        let gate = Gate::new(verifier, 1000, Meter::new().map_err(anyhow::Error::msg)?);
        let Parts { routes, timers, .. } = service.build(context.clone(), bus)?;
        let (gated, signer) = (gate.layer(routes), TokenSigner::new(&key, clock.clone()));
        Ok(Self { db, clock, keys, gated, context, folder, timers, signer, _database: database })
    }

    /// A request of somebody.
    pub fn of<T>(&self, who: &Person, message: T) -> Result<Request<T>> {
        let token = self.signer.sign(&who.principal, TimeDelta::minutes(10))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        if let Some(purpose) = who.purpose {
            request.metadata_mut().insert("linju-purpose", purpose.parse()?);
        }
        Ok(request)
    }

    /// What a statement answers: the first column as text, a row a line.
    pub async fn rows(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.db.raw_writer().query_all_raw(Statement::from_string(self.db.backend(), sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0).context("a text")).collect()
    }

    pub async fn count(&self, table: &str) -> Result<i64> {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT count(*) FROM {table}"));
        let row = self.db.raw_writer().query_one_raw(statement).await?.context("a row")?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Changes rows behind the service's back; how many.
    pub async fn run(&self, sql: &str) -> Result<u64, DbErr> {
        Ok(self.db.raw_writer().execute_unprepared(sql).await?.rows_affected())
    }

    /// Kinds and bodies of the events that wait in the outbox, in order.
    pub async fn told(&self) -> Result<Vec<String>> {
        self.rows("SELECT kind || ' ' || data FROM outbox ORDER BY position").await
    }

    pub fn is_postgres(&self) -> bool {
        self.db.backend() == DbBackend::Postgres
    }
}

/// Different request ids; nothing depends on their values.
pub fn any_id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}
