use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chassis::{
    data::{Db, Tx},
    events::{HandlerError, Timer, TimerHandler, TimerHandlers, TimerRunner, TimerSettings, timers},
    run::Tasks,
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DbErr;
use tokio::sync::Notify;

use crate::ground::{Ground, effect, effects, grounds, grounds_at, number, stop, until};

fn start() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn timer(key: &str, due_at: DateTime<Utc>) -> Timer {
    Timer { kind: "note".to_owned(), key: key.to_owned(), due_at, payload: "{}".to_owned() }
}

async fn set(db: &Db, timers: Vec<Timer>) {
    let set = db.write(move |tx: &Tx| {
        let timers = timers.clone();
        Box::pin(async move {
            for timer in &timers {
                timers::set(tx, timer).await?;
            }
            Ok::<_, DbErr>(())
        })
    });
    set.await.unwrap();
}

async fn cancel(db: &Db, key: &'static str) -> bool {
    let cancel = db.write(move |tx: &Tx| Box::pin(async move { timers::cancel(tx, "note", key).await }));
    cancel.await.unwrap()
}

/// Notes the key and payload of what fired.
struct Note;

#[async_trait]
impl TimerHandler for Note {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        effect(tx, format!("{} {}", timer.key, timer.payload)).await?;
        match timer.key.as_str() {
            "again" if timer.payload == "{}" => {
                let next = Timer { payload: "{\"n\":2}".to_owned(), ..timer.clone() };
                Ok(timers::set(tx, &next).await?)
            }
            "fails" => Err(HandlerError::Failed("it never works".to_owned())),
            "panics" => panic!("the handler of the test panics"),
            _ => Ok(()),
        }
    }
}

/// Says that it began, and never ends.
struct Hangs(Arc<Notify>);

#[async_trait]
impl TimerHandler for Hangs {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        effect(tx, timer.key.clone()).await?;
        self.0.notify_one();
        std::future::pending().await
    }
}

fn run(ground: &Ground, tasks: &Tasks) {
    let handlers: TimerHandlers = HashMap::from([("note", Arc::new(Note) as Arc<dyn TimerHandler>)]);
    tasks.spawn(runner(ground, tasks, handlers).run(ground.ids.clone()));
}

fn runner(ground: &Ground, tasks: &Tasks, handlers: TimerHandlers) -> TimerRunner {
    let settings = TimerSettings { poll_ms: 10, rest_ms: 1, retry_s: 0, max_attempts: 3, ..TimerSettings::default() };
    TimerRunner { db: ground.db.clone(), clock: ground.clock.clone(), tasks: tasks.clone(), handlers, settings }
}

async fn left(ground: &Ground) -> i64 {
    number(&ground.db, "SELECT count(*) FROM timers WHERE failed_at IS NULL").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_fire_once_each_in_two_copies() {
    for ground in grounds().await {
        let due = ground.clock.now();
        set(&ground.db, (0..1_000).map(|n| timer(&format!("{n:04}"), due)).collect()).await;
        let tasks = Tasks::default();
        run(&ground, &tasks);
        run(&ground, &tasks);
        until("all fired", async || left(&ground).await == 0).await;
        let expected: Vec<String> = (0..1_000).map(|n| format!("{n:04} {{}}")).collect();
        let fired = effects(&ground.db).await;
        assert_eq!(fired.len(), 1_000);
        assert!(fired == expected, "one fired twice and another never");
        stop(&tasks).await;
    }
}

/// Each batch is followed by the next and not by a wait, and what one copy has taken no other takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_drained_by_several_without_a_look_in_between() {
    for ground in grounds().await {
        let due = ground.clock.now();
        for part in 0..4 {
            set(&ground.db, (0..500).map(|n| timer(&format!("{:04}", part * 500 + n), due)).collect()).await;
        }
        let tasks = Tasks::default();
        let handlers: TimerHandlers = HashMap::from([("note", Arc::new(Note) as Arc<dyn TimerHandler>)]);
        for _ in 0..3 {
            let mut copy = runner(&ground, &tasks, handlers.clone());
            (copy.settings.batch, copy.settings.together, copy.settings.poll_ms) = (40, 7, 3_600_000);
            tasks.spawn(copy.run(ground.ids.clone()));
        }
        until("all fired", async || left(&ground).await == 0).await;
        let expected: Vec<String> = (0..2_000).map(|n| format!("{n:04} {{}}")).collect();
        assert!(effects(&ground.db).await == expected, "one fired twice or never");
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_takes_no_other_along() {
    for ground in grounds().await {
        let now = ground.clock.now();
        let mut all: Vec<_> = (0..20).map(|n| timer(&format!("{n:02}"), now)).collect();
        all.insert(10, timer("fails", now));
        set(&ground.db, all).await;
        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("the rest fired", async || left(&ground).await == 0).await;
        let expected: Vec<String> = (0..20).map(|n| format!("{n:02} {{}}")).collect();
        assert_eq!(effects(&ground.db).await, expected);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_fire_when_due_also_after_a_restart() {
    for ground in grounds_at(start()).await {
        set(&ground.db, vec![timer("soon", start()), timer("later", start() + TimeDelta::days(3))]).await;
        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("the first fired", async || left(&ground).await == 1).await;
        assert_eq!(effects(&ground.db).await, ["soon {}"]);
        stop(&tasks).await;

        ground.clock.advance(TimeDelta::days(7));
        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("the second fired", async || left(&ground).await == 0).await;
        assert_eq!(effects(&ground.db).await, ["later {}", "soon {}"]);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_counts() {
    for ground in grounds_at(start()).await {
        let due = start() + TimeDelta::days(1);
        set(&ground.db, vec![timer("replaced", start() + TimeDelta::days(9)), timer("taken back", due)]).await;
        let payload = "{\"new\":true}".to_owned();
        // In one transaction, too, the later one replaces the earlier.
        set(&ground.db, vec![timer("replaced", due), Timer { payload, ..timer("replaced", due) }]).await;
        assert!(cancel(&ground.db, "taken back").await);
        assert!(!cancel(&ground.db, "taken back").await);
        ground.clock.advance(TimeDelta::days(2));
        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("all fired", async || left(&ground).await == 0).await;
        assert_eq!(effects(&ground.db).await, ["replaced {\"new\":true}"]);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_may_set_itself_again() {
    for ground in grounds().await {
        set(&ground.db, vec![timer("again", ground.clock.now())]).await;
        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("fired twice", async || left(&ground).await == 0).await;
        assert_eq!(effects(&ground.db).await, ["again {\"n\":2}", "again {}"]);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_left_with_the_reason_and_the_rest_fires() {
    for ground in grounds().await {
        let now = ground.clock.now();
        set(&ground.db, vec![timer("fails", now), timer("panics", now), timer("works", now)]).await;
        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("the others given up", async || left(&ground).await == 0).await;
        assert_eq!(effects(&ground.db).await, ["works {}"]);
        let told = "SELECT count(*) FROM timers WHERE attempts = 3 AND \
                    (error = 'it never works' OR error LIKE '%panicked%')";
        assert_eq!(number(&ground.db, told).await, 2);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_could_not_finish_fires_in_another() {
    for ground in grounds().await {
        set(&ground.db, vec![timer("taken", ground.clock.now())]).await;
        let (dead, began) = (Tasks::default(), Arc::new(Notify::new()));
        let hangs: TimerHandlers =
            HashMap::from([("note", Arc::new(Hangs(Arc::clone(&began))) as Arc<dyn TimerHandler>)]);
        let mut taker = runner(&ground, &dead, hangs);
        taker.settings.lease_s = 1;
        dead.spawn(taker.run(ground.ids.clone()));
        began.notified().await;
        dead.stop();

        let tasks = Tasks::default();
        run(&ground, &tasks);
        until("it fired", async || left(&ground).await == 0).await;
        assert_eq!(effects(&ground.db).await, ["taken {}"], "what the first began was rolled back");
        stop(&tasks).await;
        stop(&dead).await;
    }
}
