//! Carries events from the outbox to the bus, in order, one relay at a time.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::{
    DbBackend, ExprTrait, Order, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, Query},
};
use serde::Deserialize;
use tokio::{sync::mpsc, time::Instant};

use super::{
    BusError, Event, Outbox, SharedBus,
    backoff::{backoff, spread},
    failpoint::failpoint,
    lease::{Held, Lease},
    outbox::{Column, Entity, Model, waiting},
};
use crate::{
    data::{Clock, Db, Ids, Tx},
    run::Tasks,
};

/// How the relay works.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelaySettings {
    /// Events published and marked at once.
    pub batch: u64,
    /// Milliseconds between two looks where nothing wakes the relay: for what another copy of the service wrote.
    pub poll_ms: u64,
    /// Seconds after which another copy takes over from one that died.
    pub lease_s: u64,
    /// Days that published events are kept, so that a lost stream can be filled again.
    pub keep_days: u32,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self { batch: 500, poll_ms: 100, lease_s: 5, keep_days: 30 }
    }
}

/// Publishes what is written into one service's outbox.
#[derive(Clone, Debug)]
pub struct Relay {
    pub db: Db,
    pub bus: SharedBus,
    pub outbox: Outbox,
    pub clock: Clock,
    pub tasks: Tasks,
    pub settings: RelaySettings,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("another copy has taken over")]
    Lost,
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Db(#[from] DbErr),
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const BETWEEN_PRUNINGS: Duration = Duration::from_mins(1);
/// Batches that may be published and not yet marked.
const AHEAD: usize = 4;
/// Rows looked at in one statement of pruning.
const PRUNED_AT_ONCE: u64 = 1_000;

impl Relay {
    /// Runs until the program stops. Writers never wait for it: while the bus is away, the outbox grows.
    pub async fn run(self, ids: Ids) {
        let time = Duration::from_secs(self.settings.lease_s);
        let lease = Lease::new(self.db.clone(), self.clock.clone(), "relay", ids.next(), time);
        let mut failures = 0;
        while !self.tasks.is_stopping() {
            match lease.acquire().await {
                Ok(Some(held)) => {
                    let broken = self.serve(&lease, held, &mut failures).await;
                    failures = broken_once_more(broken.as_ref(), failures);
                    // Given back even after a fault: another copy may reach what this one cannot.
                    if let Err(error) = lease.release(held).await {
                        tracing::debug!(%error, "the relay's lease runs out by itself");
                    }
                }
                Ok(None) => failures = 0,
                Err(error) => failures = broken_once_more(Some(&Broken::Db(error)), failures),
            }
            let pause = if failures > 0 { backoff(failures, FIRST_PAUSE, LONGEST_PAUSE) } else { spread(time / 4) };
            self.tasks.pause(pause).await;
        }
    }

    /// Publishes while the lease is held; answers what ended it, or nothing when the program stops.
    ///
    /// A batch is marked while the next one is published, and where more wait than one batch holds, the next one is read
    /// meanwhile: database and bus do not wait for each other, and what is new goes out at once.
    async fn serve(&self, lease: &Lease, held: Held, failures: &mut u32) -> Option<Broken> {
        let (under_way, (published, marks)) = (UnderWay::default(), mpsc::channel(AHEAD));
        let carry_and_mark = async {
            let (carried, marked) =
                tokio::join!(self.carry(held, &under_way, published, failures), self.mark(held, &under_way, marks));
            carried.and(marked).err()
        };
        tokio::select! {
            broken = carry_and_mark => broken,
            broken = self.keep(lease, held) => Some(broken),
        }
    }

    /// Reads and publishes batch after batch, and hands on what is to be marked.
    async fn carry(
        &self,
        held: Held,
        under_way: &UnderWay,
        published: mpsc::Sender<Vec<i64>>,
        failures: &mut u32,
    ) -> Result<(), Broken> {
        let mut ahead = Vec::new();
        while !self.tasks.is_stopping() && !published.is_closed() {
            let rows = if ahead.is_empty() { self.next(under_way).await? } else { std::mem::take(&mut ahead) };
            *failures = 0;
            if rows.is_empty() {
                self.wait_for_more(&published).await;
                continue;
            }
            failpoint("outbox.committed");
            let is_full = rows.len() as u64 >= self.settings.batch;
            let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
            let events: Vec<Event> = rows.into_iter().map(Event::from).collect();
            let read_ahead = async { if is_full { self.next(under_way).await } else { Ok(Vec::new()) } };
            let (outcome, read) = tokio::join!(self.bus.publish(&events), read_ahead);
            match outcome {
                Ok(()) => {
                    failpoint("relay.published");
                    // Refused where marking has failed; then its error ends this.
                    let _ = published.send(positions).await;
                    ahead = read?;
                }
                // One that no bus would ever take must not hold up all others; these are read again.
                Err(BusError::Unpublishable { id, reason }) => {
                    tracing::error!(%id, reason, "an event cannot be published and is left out");
                    let one = events.iter().zip(&positions).find(|(event, _)| event.id == id);
                    let one = one.map(|(_, position)| *position);
                    if self.set(held, one.as_slice(), Column::Refused, Expr::val(reason)).await? != 1 {
                        return Err(Broken::Lost);
                    }
                    under_way.remove(positions.into_iter().chain(read?.iter().map(|row| row.position)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next batch of what waits and is not under way; from now on it is.
    async fn next(&self, under_way: &UnderWay) -> Result<Vec<Model>, DbErr> {
        let mut next = waiting().order_by_asc(Column::Position).limit(self.settings.batch);
        let others = under_way.list();
        if !others.is_empty() {
            next = next.filter(is_listed(self.db.backend(), &others).not());
        }
        let rows = next.all(self.db.read()).await?;
        under_way.add(rows.iter().map(|row| row.position));
        Ok(rows)
    }

    /// Marks what was published, all that has come meanwhile at once, until no more comes.
    async fn mark(
        &self,
        held: Held,
        under_way: &UnderWay,
        mut published: mpsc::Receiver<Vec<i64>>,
    ) -> Result<(), Broken> {
        let mut batches = Vec::new();
        while published.recv_many(&mut batches, AHEAD).await > 0 {
            let positions: Vec<i64> = batches.drain(..).flatten().collect();
            let marked = self.set_published(held, &positions).await?;
            if marked != positions.len() as u64 {
                return Err(Broken::Lost);
            }
            under_way.remove(positions);
        }
        Ok(())
    }

    /// Keeps the lease, and deletes what is past its time.
    async fn keep(&self, lease: &Lease, held: Held) -> Broken {
        let mut pruned = None::<Instant>;
        loop {
            let round = async {
                if pruned.is_none_or(|at| at.elapsed() > BETWEEN_PRUNINGS) && self.prune(held).await? < PRUNED_AT_ONCE {
                    pruned = Some(Instant::now());
                }
                tokio::time::sleep(Duration::from_secs(self.settings.lease_s) / 3).await;
                lease.renew(held).await?.then_some(()).ok_or(Broken::Lost)
            };
            if let Err(broken) = round.await {
                return broken;
            }
        }
    }

    /// Sets a column of waiting rows, if the lease is still held; of how many.
    async fn set(&self, held: Held, positions: &[i64], column: Column, value: Expr) -> Result<u64, DbErr> {
        let list = is_listed(self.db.backend(), positions);
        let run = self.db.write(move |tx: &Tx| {
            let update = Entity::update_many()
                .col_expr(column, value.clone())
                .filter(list.clone())
                .filter(Column::PublishedAt.is_null())
                .filter(held.still());
            Box::pin(async move { Ok(update.exec(tx).await?.rows_affected) })
        });
        run.await
    }

    /// Marks waiting rows as published, if the lease is still held; how many.
    ///
    /// Postgres is not made to wait for the disk: were the last marks lost in a crash, the events would be published once
    /// more under their ids, which bus and consumers know. In return the disk is left to reports and to the bus.
    async fn set_published(&self, held: Held, positions: &[i64]) -> Result<u64, DbErr> {
        let backend = self.db.backend();
        let mut update = Entity::update_many()
            .col_expr(Column::PublishedAt, Expr::val(self.clock.now()))
            .filter(is_listed(backend, positions))
            .filter(Column::PublishedAt.is_null())
            .filter(held.still());
        if backend == DbBackend::Postgres {
            update = update.filter(Expr::cust("(SELECT set_config('synchronous_commit', 'off', true)) = 'off'"));
        }
        // A transaction of its own, in one round trip.
        Ok(update.exec(self.db.raw_writer()).await?.rows_affected)
    }

    async fn wait_for_more(&self, published: &mpsc::Sender<Vec<i64>>) {
        // A SQLite file has no other copy of the service that writes to it.
        let poll =
            Duration::from_millis(self.settings.poll_ms) * if self.db.backend() == DbBackend::Sqlite { 10 } else { 1 };
        tokio::select! {
            () = self.outbox.written.notified() => {}
            () = published.closed() => {}
            _ = self.tasks.pause(spread(poll)) => {}
        }
    }

    /// Deletes what is past its time among the oldest rows; how many.
    async fn prune(&self, held: Held) -> Result<u64, DbErr> {
        let cutoff = self.clock.now() - chrono::TimeDelta::days(i64::from(self.settings.keep_days));
        let run = self.db.write(move |tx: &Tx| {
            let oldest = Query::select()
                .column(Column::Position)
                .from(Entity)
                .order_by(Column::Position, Order::Asc)
                .limit(PRUNED_AT_ONCE)
                .to_owned();
            let delete = Entity::delete_many()
                .filter(Column::Position.in_subquery(oldest))
                .filter(Column::PublishedAt.lt(cutoff))
                .filter(held.still());
            Box::pin(async move { Ok(delete.exec(tx).await?.rows_affected) })
        });
        run.await
    }
}

fn broken_once_more(broken: Option<&Broken>, failures: u32) -> u32 {
    let Some(broken) = broken else { return failures };
    if let Broken::Lost = broken {
        tracing::info!("another copy of the service has taken over the relay");
        return 0;
    }
    // Once, and not with every try of a long outage.
    if failures == 0 {
        tracing::warn!(error = %broken, "events wait in the outbox; publishing is tried again");
    } else {
        tracing::debug!(error = %broken, failures, "events wait in the outbox");
    }
    failures.saturating_add(1)
}

/// Whether the position is one of these; as one parameter, so that a batch of any size is the same prepared statement.
fn is_listed(backend: DbBackend, positions: &[i64]) -> Expr {
    let list = positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match backend {
        DbBackend::Postgres => {
            Expr::cust_with_values("position IN (SELECT unnest(string_to_array($1, ',')::bigint[]))", [list])
        }
        _ => Expr::cust_with_values("position IN (SELECT value FROM json_each(?))", [format!("[{list}]")]),
    }
}

/// Positions that were read and are not yet marked; they must not be read again.
#[derive(Debug, Default)]
struct UnderWay(Mutex<BTreeSet<i64>>);

impl UnderWay {
    fn positions(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self) -> Vec<i64> {
        self.positions().iter().copied().collect()
    }

    fn add(&self, positions: impl IntoIterator<Item = i64>) {
        self.positions().extend(positions);
    }

    fn remove(&self, positions: impl IntoIterator<Item = i64>) {
        let mut under_way = self.positions();
        for position in positions {
            under_way.remove(&position);
        }
    }
}
