//! Timers that are all due, taken by two copies of a program that share one database: how many fire in a second, and
//! whether any of them had two owners.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use chassis::{
    data::{Clock, Db, Ids, PoolSettings, Tx},
    events::{HandlerError, Timer, TimerHandler, TimerHandlers, TimerRunner, TimerSettings},
    run::{self, Tasks},
};

use super::propagation::Bare;
use crate::{
    Plan,
    ground::Ground,
    stats::{Spread, thousands},
    table::{Table, Target},
};

const KIND: &str = "bench.due";
const COPIES: usize = 2;

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let (timers, limit) = if plan.full { (1_000_000, 240) } else { (50_000, 30) };
    let url = ground.database("bench_timers")?;
    run::migrate(&Db::open(&url, &PoolSettings::default()).await?, &Bare).await?;
    ground.sql(
        "bench_timers",
        &format!(
            "INSERT INTO timers (due_at, kind, key, payload) \
             SELECT now() - make_interval(secs => n), '{KIND}', n::text, '{{}}' FROM generate_series(1, {timers}) n"
        ),
    )?;
    ground.sql("bench_timers", "VACUUM ANALYZE")?;
    ground.sql("bench_timers", "CHECKPOINT")?;

    let fired = Arc::new(Fired { times: (0..=timers).map(|_| AtomicU8::new(0)).collect(), all: AtomicU32::new(0) });
    let (tasks, began) = (Tasks::default(), Instant::now());
    for _ in 0..COPIES {
        let handler: Arc<dyn TimerHandler> = fired.clone();
        let handlers: TimerHandlers = HashMap::from([(KIND, handler)]);
        let db = Db::open(&url, &PoolSettings::default()).await?;
        let runner = TimerRunner {
            db,
            clock: Clock::system(),
            tasks: tasks.clone(),
            handlers,
            settings: TimerSettings::default(),
        };
        tasks.spawn(runner.run(Ids::random()));
    }
    let all = || fired.all.load(Ordering::Relaxed);
    while all() < timers && began.elapsed() < Duration::from_secs(limit) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (count, seconds) = (all(), began.elapsed().as_secs_f64());
    tasks.stop();
    ensure!(tasks.wait(Duration::from_secs(30)).await, "the copies did not stop");

    let left: u32 = ground.sql("bench_timers", "SELECT count(*) FROM timers")?.parse()?;
    let gone = all();
    ensure!(left + gone == timers, "{timers} timers were set, {gone} have fired and {left} are left");
    let twice = fired.times.iter().filter(|times| times.load(Ordering::Relaxed) > 1).count();
    ensure!(twice == 0, "{twice} timers have fired twice");
    let rate = f64::from(count) / seconds;
    let name = format!(
        "Timers claimed and fired, each in a transaction of its own, by {COPIES} copies of {} that are due",
        thousands(f64::from(timers))
    );
    let reached = format!("{}/s ({} in {seconds:.0} s)", thousands(rate), thousands(f64::from(count)));
    table.held(&name, (Target::AtLeast(5_000.0), "≥ 5,000/s"), Spread::of(&[rate]), reached);
    table.shown("– timers that had two owners", format!("none of {}", thousands(f64::from(gone))));
    Ok(())
}

/// How often each has fired.
struct Fired {
    times: Vec<AtomicU8>,
    all: AtomicU32,
}

#[async_trait]
impl TimerHandler for Fired {
    async fn fire(&self, _: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let number: usize =
            timer.key.parse().map_err(|_| HandlerError::Failed("a key that is no number".to_owned()))?;
        let count = self.times.get(number).ok_or_else(|| HandlerError::Failed("an unknown timer".to_owned()))?;
        count.fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
