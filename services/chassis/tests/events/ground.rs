//! A database with the chassis' tables, a bus, and what the tests say about them.

use std::{path::Path, sync::Arc, time::Duration};

use chassis::{
    data::{Clock, Db, Ids, PoolSettings, Tx},
    events::{self, Event, LocalLog, Outbox, Relay, RelaySettings, SharedBus, Subscription},
    run::Tasks,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tempfile::TempDir;
use test_servers::{Database, Postgres};
use uuid::Uuid;

pub(crate) struct Ground {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) folder: TempDir,
    _server: Option<Database>,
}

struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![events::migration()]
    }
}

/// One on SQLite, one on Postgres.
pub(crate) async fn grounds() -> Vec<Ground> {
    with_clocks(Clock::system).await
}

/// With a clock each that stands still at `start`.
pub(crate) async fn grounds_at(start: DateTime<Utc>) -> Vec<Ground> {
    with_clocks(|| Clock::fixed(start)).await
}

async fn with_clocks(clock: impl Fn() -> Clock) -> Vec<Ground> {
    let server = Postgres::shared().unwrap().create_database().unwrap();
    let postgres = Db::open(server.url(), &PoolSettings::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = open(folder.path()).await;
    let postgres = Ground {
        db: postgres,
        clock: clock(),
        ids: Ids::random(),
        folder: tempfile::tempdir().unwrap(),
        _server: Some(server),
    };
    prepare(&postgres.db).await;
    vec![Ground { db: sqlite, clock: clock(), ids: Ids::random(), folder, _server: None }, postgres]
}

/// The SQLite database in `folder`, with its tables.
pub(crate) async fn open(folder: &Path) -> Db {
    let db = Db::open_file(&folder.join("service.db"), &PoolSettings::default()).await.unwrap();
    prepare(&db).await;
    db
}

async fn prepare(db: &Db) {
    Migrations::up(db.raw_writer(), None).await.unwrap();
    for table in ["thing (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)", "effect (name TEXT NOT NULL)"] {
        let create = format!("CREATE TABLE IF NOT EXISTS {table}");
        db.raw_writer().execute_unprepared(&create).await.unwrap();
    }
}

impl Ground {
    pub(crate) async fn bus(&self) -> SharedBus {
        LocalLog::open(&self.folder.path().join("bus.db"), self.clock.clone()).await.unwrap()
    }

    pub(crate) fn relay(&self, bus: &SharedBus, outbox: &Outbox, tasks: &Tasks) -> Relay {
        Relay {
            db: self.db.clone(),
            bus: Arc::clone(bus),
            outbox: outbox.clone(),
            clock: self.clock.clone(),
            tasks: tasks.clone(),
            settings: RelaySettings { lease_s: 1, ..RelaySettings::default() },
        }
    }

    pub(crate) fn start_relay(&self, bus: &SharedBus, outbox: &Outbox, tasks: &Tasks) {
        tasks.spawn(self.relay(bus, outbox, tasks).run(self.ids.clone()));
    }

    /// The event of a key's version.
    pub(crate) fn event(&self, key: Uuid, version: i64) -> Event {
        event(&self.ids, &self.clock, key, version)
    }

    pub(crate) async fn add(&self, outbox: &Outbox, event: Event) {
        add(&self.db, outbox, event).await;
    }
}

pub(crate) fn event(ids: &Ids, clock: &Clock, key: Uuid, version: i64) -> Event {
    Event {
        id: ids.next(),
        kind: "linju.things.v1.ThingChanged".to_owned(),
        source: "things".to_owned(),
        subject: "linju.things.v1.150784.001.-.thing_changed".to_owned(),
        key,
        version,
        at: clock.now(),
        trace: None,
        data: r#"{"note":"登科"}"#.to_owned(),
    }
}

pub(crate) async fn add(db: &Db, outbox: &Outbox, event: Event) {
    let outbox = outbox.clone();
    let add = db.write(move |tx: &Tx| {
        let (outbox, event) = (outbox.clone(), event.clone());
        Box::pin(async move {
            outbox.add(tx, event);
            Ok::<_, DbErr>(())
        })
    });
    add.await.unwrap();
}

pub(crate) const ALL: &str = "linju.things.>";

/// Everything on the bus, in order, as a consumer of its own reads it.
pub(crate) async fn published(bus: &SharedBus, name: &str) -> Vec<Event> {
    let subscription = Subscription {
        name: name.to_owned(),
        subjects: vec![ALL.to_owned()],
        max_attempts: 1,
        ack_wait: Duration::from_secs(30),
    };
    let mut feed = bus.subscribe(&subscription).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = feed.next(500, Duration::from_millis(100)).await.unwrap();
        if some.is_empty() {
            return all;
        }
        for delivery in some {
            feed.ack(&delivery).await.unwrap();
            all.push(delivery.event.unwrap());
        }
    }
}

/// One number from the database.
pub(crate) async fn number(db: &Db, sql: &str) -> i64 {
    let statement = Statement::from_string(db.backend(), sql);
    db.raw_writer().query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Notes that something was done, in the transaction of who does it.
pub(crate) async fn effect(tx: &Tx, name: String) -> Result<(), DbErr> {
    execute(tx, "INSERT INTO effect (name) VALUES ($1)", [name.into()]).await
}

pub(crate) async fn execute<const N: usize>(tx: &Tx, sql: &str, values: [Value; N]) -> Result<(), DbErr> {
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await.map(|_| ())
}

/// The names of what was done, in no order.
pub(crate) async fn effects(db: &Db) -> Vec<String> {
    let all = Statement::from_string(db.backend(), "SELECT name FROM effect ORDER BY name");
    let rows = db.raw_writer().query_all_raw(all).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Waits for something that must come about.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "never came about: {what}");
}

pub(crate) async fn until_published(db: &Db) {
    let unpublished = "SELECT count(*) FROM outbox WHERE published_at IS NULL";
    until("all events published", async || number(db, unpublished).await == 0).await;
}

/// Ends the tasks; they must end.
pub(crate) async fn stop(tasks: &Tasks) {
    tasks.stop();
    assert!(tasks.wait(Duration::from_secs(10)).await, "a task does not stop");
}
