//! From a report to the commit of a consumer of its event: the whole way through service, outbox, relay, JetStream and
//! inbox, at a steady rate.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use chassis::{
    data::{Clock, Db, PoolSettings, SealedColumn, Tx},
    events::{
        Consumer, ConsumerRunner, ConsumerSettings, Counts, Event, Handler, HandlerError, JetStream, NatsSettings,
        SharedBus,
    },
    run::{self, BadSettings, Context, Parts, Service, Tasks},
};
use linju_proto::incidents::v1::Incident;
use prost::Message as _;
use sea_orm_migration::MigrationTrait;
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use super::report::{METHOD, request, wait_for_relay};
use crate::{
    Plan,
    ground::{Ground, Install},
    load::{self, Open, histogram, ms},
    stats::Spread,
    table::{Table, Target},
};

/// Reports a second.
const RATE: f64 = 500.0;

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let install = ground.install()?;
    let serving = install.serve(&["incidents"])?;
    let service = install.caller(&serving, METHOD).await?;
    let listener = Listener::start(ground, &install).await?;

    let (mut committed, mut whole) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..=plan.rounds {
        let reports: Arc<Mutex<Vec<Report>>> = Arc::default();
        let call = |n, planned| {
            let (service, reports) = (service.clone(), Arc::clone(&reports));
            async move {
                let incident = Incident::decode(service.call(n, request()).await?)?;
                let (id, answered) = (incident.id.parse()?, Instant::now());
                reports.lock().unwrap_or_else(PoisonError::into_inner).push(Report { id, planned, answered });
                Ok(())
            }
        };
        let open: Open = load::open(RATE, plan.leg + Duration::from_secs(2), call).await?;
        let reports = std::mem::take(&mut *reports.lock().unwrap_or_else(PoisonError::into_inner));
        wait_for_relay(&install)?;
        let (mut from_plan, mut from_answer) = (histogram()?, histogram()?);
        for Report { id, planned, answered } in reports {
            let done = listener.committed(id).await?;
            from_plan.saturating_record(micros(done.duration_since(planned))?);
            // The consumer may be done before the answer is here.
            from_answer.saturating_record(micros(done.saturating_duration_since(answered))?);
        }
        eprintln!(
            "  p50 {:.1} ms, p99 {:.1} ms after the answer; p50 {:.1} ms, p99 {:.1} ms after the planned start; {:.2} % late",
            ms(&from_answer, 0.5),
            ms(&from_answer, 0.99),
            ms(&from_plan, 0.5),
            ms(&from_plan, 0.99),
            open.behind * 100.0
        );
        if round > 0 && open.is_valid() {
            for (i, quantile) in [0.5, 0.99].into_iter().enumerate() {
                committed[i].push(ms(&from_answer, quantile));
                whole[i].push(ms(&from_plan, quantile));
            }
        }
    }
    listener.tasks.stop();
    if committed[0].is_empty() {
        bail!("the generator fell behind its plan in every round");
    }
    let name = |what: &str| format!("Report's answer to consumer's commit at {RATE:.0}/s (open loop), {what}");
    let [p50, p99] = committed.map(|rounds| Spread::of(&rounds));
    table.held(&name("p50"), (Target::AtMost(15.0), "≤ 15 ms"), p50, p50.fixed(1, " ms"));
    table.held(&name("p99"), (Target::AtMost(50.0), "≤ 50 ms"), p99, p99.fixed(1, " ms"));
    let [p50, p99] = whole.map(|rounds| Spread::of(&rounds));
    table.shown(
        "– from the planned start of the report, the report itself included",
        format!("p50 {}, p99 {}", p50.fixed(1, " ms"), p99.fixed(1, " ms")),
    );
    Ok(())
}

struct Report {
    id: Uuid,
    planned: Instant,
    answered: Instant,
}

fn micros(time: Duration) -> Result<u64> {
    Ok(u64::try_from(time.as_micros())?.max(1))
}

type Commits = Arc<Mutex<HashMap<Uuid, Instant>>>;

/// A consumer of reports with a database of its own.
struct Listener {
    tasks: Tasks,
    commits: Commits,
}

impl Listener {
    async fn start(ground: &Ground, install: &Install<'_>) -> Result<Self> {
        let (tasks, commits) = (Tasks::default(), Commits::default());
        let url = ground.database("bench_listener")?;
        let db = Db::open(&url, &PoolSettings { max_connections: 4, ..PoolSettings::default() }).await?;
        run::migrate(&db, &Bare).await?;
        let nats = NatsSettings { url: install.nats.url().to_owned(), ..NatsSettings::default() };
        let runner = ConsumerRunner {
            db,
            bus: JetStream::connect(nats).await?,
            clock: Clock::system(),
            tasks: tasks.clone(),
            consumer: Consumer {
                name: "bench-listener",
                subjects: vec!["linju.incidents.v1.*.*.*.incident_reported".to_owned()],
                counts: Counts::Every,
                handler: Arc::new(Note { tasks: tasks.clone(), commits: Arc::clone(&commits) }),
            },
            settings: ConsumerSettings::default(),
        };
        tasks.spawn(runner.run());
        Ok(Self { tasks, commits })
    }

    /// When the event of an incident was committed by the consumer.
    async fn committed(&self, id: Uuid) -> Result<Instant> {
        let find = async {
            loop {
                let found = self.commits.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                match found {
                    Some(at) => break at,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), find).await.context("an event was not consumed in 30 s")
    }
}

/// Notes the time at which the transaction that handles an event is committed.
struct Note {
    tasks: Tasks,
    commits: Commits,
}

#[async_trait]
impl Handler for Note {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        let (done, commits, key) = (Arc::new(Notify::new()), Arc::clone(&self.commits), event.key);
        tx.wake(&done);
        let stopping = self.tasks.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = done.notified() => {
                    commits.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Instant::now());
                }
                // A transaction that is rolled back wakes nobody.
                () = stopping.stopping() => {}
            }
        });
        Ok(())
    }
}

/// A service of nothing but what the chassis gives to each: inbox, outbox, timers.
pub(super) struct Bare;

impl Service for Bare {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }

    fn sealed_columns(&self) -> Vec<SealedColumn> {
        Vec::new()
    }

    fn build(&self, _: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        Ok(Parts::default())
    }
}
