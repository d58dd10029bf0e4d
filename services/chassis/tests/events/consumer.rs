use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use chassis::{
    data::Tx,
    events::{
        Consumer, ConsumerRunner, ConsumerSettings, Counts, Event, Handler, HandlerError, JetStream, NatsSettings,
        Outbox, SharedBus,
    },
    run::Tasks,
};
use sea_orm::ConnectionTrait;
use test_servers::Nats;
use uuid::Uuid;

use crate::ground::{ALL, Ground, effect, effects, grounds, number, stop, until};

/// Notes each version; those of some keys are not handled so easily.
#[derive(Default)]
struct Notes {
    /// Runs until the handling of `SHAKY` works.
    left: AtomicU32,
}

const POISON: Uuid = Uuid::from_u128(1);
const USELESS: Uuid = Uuid::from_u128(2);
const PANICS: Uuid = Uuid::from_u128(3);
const SHAKY: Uuid = Uuid::from_u128(4);

#[async_trait]
impl Handler for Notes {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        effect(tx, format!("{:03}", event.version)).await?;
        match event.key {
            POISON => Ok(tx.execute_unprepared("INSERT INTO no_such_table (n) VALUES (1)").await.map(|_| ())?),
            USELESS => Err(HandlerError::Useless("nobody can use it".to_owned())),
            PANICS => panic!("the handler of the test panics"),
            SHAKY if self.left.load(Ordering::SeqCst) > 0 => {
                self.left.fetch_sub(1, Ordering::SeqCst);
                Err(HandlerError::Failed("not yet".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn settings() -> ConsumerSettings {
    ConsumerSettings { max_attempts: 3, retry_ms: 1, ..ConsumerSettings::default() }
}

fn start(ground: &Ground, bus: &SharedBus, tasks: &Tasks, counts: Counts, handler: Arc<dyn Handler>) {
    let consumer = Consumer { name: "notes", subjects: vec![ALL.to_owned()], counts, handler };
    let runner = ConsumerRunner {
        db: ground.db.clone(),
        bus: Arc::clone(bus),
        clock: ground.clock.clone(),
        tasks: tasks.clone(),
        consumer,
        settings: settings(),
    };
    tasks.spawn(runner.run());
}

async fn until_all_are_done(bus: &SharedBus) {
    until("nothing left to do", async || bus.lag("notes").await.is_ok_and(|lag| lag == 0)).await;
}

fn names(versions: impl IntoIterator<Item = i64>) -> Vec<String> {
    versions.into_iter().map(|v| format!("{v:03}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_of_a_consumer_do_everything_once() {
    for ground in grounds().await {
        let (bus, outbox, tasks) = (ground.bus().await, Outbox::default(), Tasks::default());
        start(&ground, &bus, &tasks, Counts::Every, Arc::new(Notes::default()));
        start(&ground, &bus, &tasks, Counts::Every, Arc::new(Notes::default()));
        ground.start_relay(&bus, &outbox, &tasks);
        for version in 1..=200 {
            ground.add(&outbox, ground.event(ground.ids.next(), version)).await;
        }
        until("all handled", async || number(&ground.db, "SELECT count(*) FROM inbox").await == 200).await;
        until_all_are_done(&bus).await;
        assert_eq!(effects(&ground.db).await, names(1..=200));
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_handled_is_parked_and_the_rest_goes_on() {
    for ground in grounds().await {
        let (bus, tasks) = (ground.bus().await, Tasks::default());
        let keys = [Uuid::from_u128(9), POISON, Uuid::from_u128(10), USELESS, PANICS, Uuid::from_u128(11)];
        let events: Vec<Event> = (1..).zip(keys).map(|(version, key)| ground.event(key, version)).collect();
        bus.publish(&events).await.unwrap();
        start(&ground, &bus, &tasks, Counts::Every, Arc::new(Notes::default()));
        until("three parked", async || bus.parked(10).await.unwrap().len() == 3).await;
        until_all_are_done(&bus).await;
        assert_eq!(effects(&ground.db).await, names([1, 3, 6]));

        let parked = bus.parked(10).await.unwrap();
        let reason = |key| parked.iter().find(|p| p.event.key == key).unwrap().reason.clone();
        assert_eq!(reason(USELESS), "nobody can use it");
        assert!(reason(POISON).contains("no_such_table"), "{}", reason(POISON));
        assert!(reason(PANICS).contains("panicked"), "{}", reason(PANICS));
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_event_can_be_given_again() {
    for ground in grounds().await {
        let (bus, tasks) = (ground.bus().await, Tasks::default());
        let notes = Arc::new(Notes { left: AtomicU32::new(3) });
        let handler: Arc<dyn Handler> = Arc::<Notes>::clone(&notes);
        start(&ground, &bus, &tasks, Counts::Every, handler);
        bus.publish(&[ground.event(SHAKY, 1)]).await.unwrap();
        until("it is parked", async || bus.parked(10).await.unwrap().len() == 1).await;
        assert_eq!(notes.left.load(Ordering::SeqCst), 0, "three tries and no more");

        let id = bus.parked(10).await.unwrap()[0].id;
        bus.retry(id).await.unwrap();
        until("it is handled", async || effects(&ground.db).await == names([1])).await;
        assert!(bus.parked(10).await.unwrap().is_empty());
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_passes_is_tried_again() {
    for ground in grounds().await {
        let (bus, tasks) = (ground.bus().await, Tasks::default());
        start(&ground, &bus, &tasks, Counts::Every, Arc::new(Notes { left: AtomicU32::new(2) }));
        bus.publish(&[ground.event(SHAKY, 1)]).await.unwrap();
        until("it is handled", async || effects(&ground.db).await == names([1])).await;
        until_all_are_done(&bus).await;
        assert!(bus.parked(10).await.unwrap().is_empty());
        stop(&tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_asks_for_the_newest_is_spared_the_older() {
    for (counts, expected) in [(Counts::Newest, names([2, 2, 3])), (Counts::Every, names([1, 2, 2, 3]))] {
        for ground in grounds().await {
            let (bus, tasks) = (ground.bus().await, Tasks::default());
            let key = ground.ids.next();
            // Two of one change have one version; both count.
            let events: Vec<Event> = [2, 2, 1, 3].into_iter().map(|version| ground.event(key, version)).collect();
            bus.publish(&events).await.unwrap();
            start(&ground, &bus, &tasks, counts, Arc::new(Notes::default()));
            until("all handled", async || number(&ground.db, "SELECT count(*) FROM inbox").await == 4).await;
            assert_eq!(effects(&ground.db).await, expected);
            stop(&tasks).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_parked() {
    for ground in grounds().await {
        let server = Nats::start().unwrap();
        let settings = NatsSettings { url: server.url().to_owned(), ..NatsSettings::default() };
        let (bus, tasks): (SharedBus, _) = (JetStream::connect(settings).await.unwrap(), Tasks::default());
        start(&ground, &bus, &tasks, Counts::Every, Arc::new(Notes::default()));
        let stranger = async_nats::connect(server.url()).await.unwrap();
        let subject = "linju.things.v1.150784.001.-.thing_changed";
        stranger.publish(subject, "{\"no\":\"headers\0\"".into()).await.unwrap();
        stranger.publish(subject, vec![0xff, 0xfe].into()).await.unwrap();
        stranger.flush().await.unwrap();
        bus.publish(&[ground.event(ground.ids.next(), 7)]).await.unwrap();

        until("the good one is handled", async || effects(&ground.db).await == names([7])).await;
        until("two parked", async || bus.parked(10).await.unwrap().len() == 2).await;
        let parked = bus.parked(10).await.unwrap();
        assert!(parked.iter().all(|p| p.event.kind == "unreadable" && p.consumer == "notes"));
        let bodies: Vec<&str> = parked.iter().map(|p| p.event.data.as_str()).collect();
        assert_eq!(bodies, [r#""{\"no\":\"headers\u0000\"""#, r#""//4=""#]);
        stop(&tasks).await;
        bus.close().await;
    }
}
