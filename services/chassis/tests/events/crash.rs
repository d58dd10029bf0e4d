//! The process ends as by a power cut, in three places where it hurts most. A child process runs the same test program.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use async_trait::async_trait;
use chassis::{
    data::{Clock, Db, Ids, Tx},
    events::{
        Consumer, ConsumerRunner, ConsumerSettings, Counts, Event, Handler, HandlerError, LocalLog, Outbox, Relay,
        RelaySettings, SharedBus,
    },
    run::Tasks,
};

use crate::ground::{ALL, add, effect, effects, event, number, open, published, stop, until, until_published};

const FOLDER: &str = "LINJU_TEST_FOLDER";
const EVENTS: i64 = 20;

struct Note;

#[async_trait]
impl Handler for Note {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        Ok(effect(tx, event.id.to_string()).await?)
    }
}

/// Relay and consumer of the service in `folder`.
async fn start(folder: &Path) -> (Db, SharedBus, Outbox, Tasks) {
    let (clock, tasks, outbox) = (Clock::system(), Tasks::default(), Outbox::default());
    let db = open(folder).await;
    let bus: SharedBus = LocalLog::open(&folder.join("bus.db"), clock.clone()).await.unwrap();
    let relay = Relay {
        db: db.clone(),
        bus: Arc::clone(&bus),
        outbox: outbox.clone(),
        clock: clock.clone(),
        tasks: tasks.clone(),
        settings: RelaySettings { lease_s: 1, ..RelaySettings::default() },
    };
    tasks.spawn(relay.run(Ids::random()));
    let handler = Arc::new(Note);
    let consumer = Consumer { name: "note", subjects: vec![ALL.to_owned()], counts: Counts::Every, handler };
    let settings = ConsumerSettings { ack_wait_s: 1, ..ConsumerSettings::default() };
    let runner =
        ConsumerRunner { db: db.clone(), bus: Arc::clone(&bus), clock, tasks: tasks.clone(), consumer, settings };
    tasks.spawn(runner.run());
    (db, bus, outbox, tasks)
}

/// Not a test of its own: what the child process runs until it is cut off.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests of this file"]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let db = open(Path::new(&folder)).await;
    for version in 1..=EVENTS {
        add(&db, &Outbox::default(), event(&Ids::random(), &Clock::system(), Ids::random().next(), version)).await;
    }
    db.close().await;
    let (_db, _bus, _outbox, _tasks) = start(Path::new(&folder)).await;
    std::future::pending::<()>().await;
}

async fn dies_at(place: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--ignored"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.env(FOLDER, folder.path()).env("LINJU_FAILPOINT", place).current_dir(folder.path());
    let status = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
    assert_eq!(status.signal(), Some(6), "{status}: it must end at {place}");
    folder
}

/// After a restart everything is published once and done once.
async fn recovers(folder: &Path) {
    let (db, bus, outbox, tasks) = start(folder).await;
    add(&db, &outbox, event(&Ids::random(), &Clock::system(), Ids::random().next(), EVENTS + 1)).await;
    until_published(&db).await;
    until("nothing left to do", async || bus.lag("note").await.is_ok_and(|lag| lag == 0)).await;
    let all = published(&bus, "reader").await;
    assert_eq!(all.iter().map(|event| event.version).collect::<Vec<_>>(), (1..=EVENTS + 1).collect::<Vec<_>>());
    let mut ids: Vec<String> = all.iter().map(|event| event.id.to_string()).collect();
    ids.sort_unstable();
    assert_eq!(effects(&db).await, ids);
    assert!(bus.parked(1).await.unwrap().is_empty());
    stop(&tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_commit_and_publish() {
    let folder = dies_at("outbox.committed").await;
    let db = open(folder.path()).await;
    assert_eq!(number(&db, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await, EVENTS);
    db.close().await;
    recovers(folder.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_publish_and_mark() {
    let folder = dies_at("relay.published").await;
    let db = open(folder.path()).await;
    assert_eq!(number(&db, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await, EVENTS);
    db.close().await;
    recovers(folder.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_effect_and_ack() {
    let folder = dies_at("consumer.handled").await;
    let db = open(folder.path()).await;
    assert!(!effects(&db).await.is_empty(), "the effect was committed");
    db.close().await;
    recovers(folder.path()).await;
}
