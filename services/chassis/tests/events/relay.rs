use std::collections::HashMap;

use chassis::{
    data::{Clock, Db, Ids, Tx},
    events::{Event, JetStream, LocalLog, NatsSettings, Outbox, OutboxState, SharedBus, replay},
    run::Tasks,
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use test_servers::Nats;
use uuid::Uuid;

use crate::ground::{Ground, event, execute, grounds, grounds_at, number, published, stop, until, until_published};

/// Changes one of five things many times, each change with two events of one version.
async fn change_things(db: Db, outbox: Outbox, ids: Ids, clock: Clock, rounds: u32) {
    for round in 0..rounds {
        let (outbox, ids, clock) = (outbox.clone(), ids.clone(), clock.clone());
        let change = db.write(move |tx: &Tx| {
            let (outbox, ids, clock) = (outbox.clone(), ids.clone(), clock.clone());
            Box::pin(async move {
                let bump = "UPDATE thing SET version = version + 1 WHERE id = $1 RETURNING version";
                let id = i64::from(round % 5);
                let bump = Statement::from_sql_and_values(tx.get_database_backend(), bump, [id.into()]);
                let version = tx.query_one_raw(bump).await?.unwrap().try_get_by_index(0)?;
                for _ in 0..2 {
                    outbox.add(tx, event(&ids, &clock, Uuid::from_u128(id.cast_unsigned().into()), version));
                }
                Ok::<_, DbErr>(())
            })
        });
        change.await.unwrap();
    }
}

async fn make_things(db: &Db) {
    let make = db.write(|tx: &Tx| {
        Box::pin(async move {
            for id in 0..5 {
                execute(tx, "INSERT INTO thing (id, version) VALUES ($1, 0)", [i64::from(id).into()]).await?;
            }
            Ok::<_, DbErr>(())
        })
    });
    make.await.unwrap();
}

fn assert_in_order(events: &[Event]) {
    let mut seen: HashMap<Uuid, (i64, Uuid)> = HashMap::new();
    for event in events {
        let next = (event.version, event.id);
        if let Some(before) = seen.insert(event.key, next) {
            assert!(before < next, "{before:?} came before {next:?}");
        }
    }
}

async fn write_from_eight_tasks(ground: &Ground, outbox: &Outbox) {
    make_things(&ground.db).await;
    let writers =
        (0..8).map(|_| change_things(ground.db.clone(), outbox.clone(), ground.ids.clone(), ground.clock.clone(), 25));
    futures::future::join_all(writers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_key_come_in_the_order_of_their_versions() {
    for ground in grounds().await {
        let (bus, outbox, tasks) = (ground.bus().await, Outbox::default(), Tasks::default());
        ground.start_relay(&bus, &outbox, &tasks);
        write_from_eight_tasks(&ground, &outbox).await;
        until_published(&ground.db).await;
        let events = published(&bus, "reader").await;
        assert_eq!(events.len(), 400);
        assert_in_order(&events);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_at_once_lose_nothing_and_keep_the_order() {
    for ground in grounds().await {
        let (bus, outbox) = (ground.bus().await, Outbox::default());
        let (one, other) = (Tasks::default(), Tasks::default());
        ground.start_relay(&bus, &outbox, &one);
        ground.start_relay(&bus, &outbox, &other);
        write_from_eight_tasks(&ground, &outbox).await;
        until_published(&ground.db).await;
        stop(&one).await;
        // Whichever of them held the lease, the one that is left goes on.
        ground.add(&outbox, ground.event(Uuid::max(), 1)).await;
        until_published(&ground.db).await;
        let events = published(&bus, "reader").await;
        assert_eq!(events.len(), 401);
        assert_in_order(&events);
        stop(&other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_commit_keep_their_order() {
    for ground in grounds().await {
        let (outbox, events) = (Outbox::default(), (1..=50).map(|v| ground.event(Uuid::nil(), v)).collect::<Vec<_>>());
        let write = ground.db.write(move |tx: &Tx| {
            for event in &events {
                outbox.add(tx, event.clone());
            }
            Box::pin(async { Ok::<_, DbErr>(()) })
        });
        write.await.unwrap();
        let disordered =
            "SELECT count(*) FROM outbox a JOIN outbox b ON a.position < b.position AND a.version > b.version";
        assert_eq!(number(&ground.db, disordered).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_not_told() {
    for ground in grounds().await {
        let (outbox, event) = (Outbox::default(), ground.event(Uuid::nil(), 1));
        let write = ground.db.write(move |tx: &Tx| {
            outbox.add(tx, event.clone());
            Box::pin(async { Err::<(), _>(DbErr::Custom("no".to_owned())) })
        });
        assert!(write.await.is_err());
        assert_eq!(number(&ground.db, "SELECT count(*) FROM outbox").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_bus_takes_does_not_hold_up_the_rest() {
    for ground in grounds().await {
        let (bus, outbox, tasks) = (ground.bus().await, Outbox::default(), Tasks::default());
        let bad = Event { subject: "no subject".to_owned(), ..ground.event(Uuid::nil(), 1) };
        let good = ground.event(Uuid::nil(), 2);
        ground.add(&outbox, bad).await;
        ground.add(&outbox, good.clone()).await;
        ground.start_relay(&bus, &outbox, &tasks);
        let state = async || OutboxState::read(ground.db.read(), &ground.clock).await.unwrap();
        until("the good one published", async || state().await.unpublished == 0).await;
        assert_eq!(state().await.refused, 1);
        assert_eq!(published(&bus, "reader").await, [good]);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_on_while_the_bus_is_away() {
    for ground in grounds().await {
        let mut server = Nats::start().unwrap();
        let settings = NatsSettings { url: server.url().to_owned(), ..NatsSettings::default() };
        let bus: SharedBus = JetStream::connect(settings).await.unwrap();
        let (outbox, tasks) = (Outbox::default(), Tasks::default());
        ground.start_relay(&bus, &outbox, &tasks);
        ground.add(&outbox, ground.event(Uuid::nil(), 1)).await;
        until_published(&ground.db).await;

        tokio::task::block_in_place(|| server.kill9()).unwrap();
        for version in 2..=20 {
            ground.add(&outbox, ground.event(Uuid::nil(), version)).await;
        }
        let state = OutboxState::read(ground.db.read(), &ground.clock).await.unwrap();
        assert_eq!(state.unpublished, 19);
        tokio::task::block_in_place(|| server.restart()).unwrap();
        until_published(&ground.db).await;
        let versions: Vec<i64> = published(&bus, "reader").await.iter().map(|event| event.version).collect();
        assert_eq!(versions, (1..=20).collect::<Vec<_>>());
        stop(&tasks).await;
        bus.close().await;
    }
}

fn start() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_is_deleted_and_what_waits_is_not() {
    for ground in grounds_at(start()).await {
        let (bus, outbox, tasks) = (ground.bus().await, Outbox::default(), Tasks::default());
        ground.start_relay(&bus, &outbox, &tasks);
        ground.add(&outbox, ground.event(Uuid::nil(), 1)).await;
        until_published(&ground.db).await;
        stop(&tasks).await;

        ground.add(&outbox, ground.event(Uuid::nil(), 2)).await;
        ground.clock.advance(TimeDelta::days(31));
        let left = async || number(&ground.db, "SELECT min(version) FROM outbox").await;
        assert_eq!(left().await, 1);
        let tasks = Tasks::default();
        ground.start_relay(&bus, &outbox, &tasks);
        until("the old one deleted", async || left().await == 2).await;
        until_published(&ground.db).await;
        assert_eq!(number(&ground.db, "SELECT count(*) FROM outbox").await, 1);
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_stream_is_filled_again() {
    for ground in grounds_at(start()).await {
        let (bus, outbox, tasks) = (ground.bus().await, Outbox::default(), Tasks::default());
        ground.start_relay(&bus, &outbox, &tasks);
        for version in 1..=700 {
            ground.add(&outbox, ground.event(Uuid::nil(), version)).await;
            if version == 100 {
                until_published(&ground.db).await;
                ground.clock.advance(TimeDelta::days(1));
            }
        }
        until_published(&ground.db).await;
        stop(&tasks).await;

        let new: SharedBus = LocalLog::open(&ground.folder.path().join("new.db"), ground.clock.clone()).await.unwrap();
        let again = replay(&ground.db, new.as_ref(), start() + TimeDelta::hours(1), |_| ()).await.unwrap();
        assert_eq!(again, 600);
        // Once more, from the beginning: nothing is there twice.
        let mut heard = 0;
        assert_eq!(replay(&ground.db, new.as_ref(), start(), |n| heard = n).await.unwrap(), 700);
        assert_eq!(heard, 700);
        let mut versions: Vec<i64> = published(&new, "reader").await.iter().map(|event| event.version).collect();
        assert_eq!(versions[..600], (101..=700).collect::<Vec<_>>());
        versions.sort_unstable();
        assert_eq!(versions, (1..=700).collect::<Vec<_>>());
    }
}
