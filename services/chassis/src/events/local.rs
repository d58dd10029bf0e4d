//! The bus of an install without servers: a log in one SQLite file of its own.

mod feed;
mod schema;
mod store;
mod tail;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use chrono::TimeDelta;
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use tokio::sync::Notify;

use self::{
    feed::LocalFeed,
    schema::Model,
    store::{Done, sql},
    tail::LocalTail,
};
use super::{
    Bus, BusError, Event, Feed, Parked, ParkedId, Subscription, Tail,
    subject::{self, Pattern},
};
use crate::data::{Clock, Db, PoolSettings, Tx, Work};

/// Events that every consumer has passed are forgotten after this time, as a JetStream stream forgets them.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// A log in a SQLite file: events in the order of their commits, each id once, a durable cursor for every consumer.
///
/// Feeds of one consumer share its events, in one process or in several. Another process may append to the same file.
#[derive(Debug)]
pub struct LocalLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    /// Wakes the feeds of this process.
    grown: Notify,
    /// Acknowledged and not yet written: they travel with the next write, as each alone would cost a sync of the disk.
    done: Mutex<Vec<Done>>,
    /// Day of the last pruning, counted from 1970.
    pruned: AtomicI64,
}

impl LocalLog {
    /// Opens the log, made where there is none.
    pub async fn open(path: &Path, clock: Clock) -> Result<Arc<Self>, BusError> {
        // Feeds and figures read; each holds a connection for a moment.
        let pool = PoolSettings { max_connections: 4, ..PoolSettings::default() };
        let db = Db::open_file(path, &pool).await.map_err(broken)?;
        if let Err(version) = schema::prepare(&db).await.map_err(broken)? {
            let path = path.display();
            let why = format!("{path} was written by a newer Linju (version {version} of the log): update this one");
            return Err(BusError::Refused(why));
        }
        let inner = Inner { db, clock, grown: Notify::new(), done: Mutex::default(), pruned: AtomicI64::new(0) };
        Ok(Arc::new(Self(Arc::new(inner))))
    }
}

impl Inner {
    /// Runs a write transaction that first takes the acknowledged deliveries off.
    async fn write<T, F>(&self, work: F) -> Result<T, BusError>
    where
        F: for<'t> Fn(&'t Tx) -> Work<'t, T, DbErr> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let done = Arc::new(std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner)));
        let (work, finished) = (Arc::new(work), done.clone());
        let outcome = self.db.write(move |tx: &Tx| {
            let (work, done) = (work.clone(), finished.clone());
            Box::pin(async move {
                store::finish(tx, &done).await?;
                work(tx).await
            })
        });
        let outcome = outcome.await.map_err(broken);
        if outcome.is_err() {
            self.done.lock().unwrap_or_else(PoisonError::into_inner).extend(done.iter().cloned());
        }
        outcome
    }

    fn add_done(&self, done: Done) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(done);
    }

    fn has_done(&self) -> bool {
        !self.done.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    async fn flush_done(&self) -> Result<(), BusError> {
        if self.has_done() { self.write(|_| Box::pin(async { Ok(()) })).await } else { Ok(()) }
    }

    /// Once a day: the time before which events are forgotten.
    fn pruning(&self) -> Option<i64> {
        let now = self.clock.now();
        let day = now.timestamp() / 86_400;
        (self.pruned.swap(day, Ordering::Relaxed) != day).then(|| (now - KEPT_FOR).timestamp_micros())
    }
}

#[async_trait]
impl Bus for LocalLog {
    async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        events.iter().try_for_each(subject::check)?;
        if events.is_empty() {
            return Ok(());
        }
        let (events, now): (Arc<[Event]>, _) = (events.into(), self.0.clock.now().timestamp_micros());
        let pruning = self.0.pruning();
        let append = self.0.write(move |tx| {
            let events = events.clone();
            Box::pin(async move {
                if let Some(before) = pruning {
                    store::prune(tx, before).await?;
                }
                store::append(tx, &events, now).await
            })
        });
        append.await?;
        self.0.grown.notify_waiters();
        Ok(())
    }

    async fn subscribe(&self, consumer: &Subscription) -> Result<Box<dyn Feed>, BusError> {
        let patterns = subject::patterns(consumer)?;
        let (name, subjects) = (consumer.name.clone(), consumer.subjects.join(" "));
        let made = self.0.write(move |tx| {
            let (name, subjects) = (name.clone(), subjects.clone());
            Box::pin(async move {
                store::subscribe(tx, &name, &subjects).await?;
                store::consumer(tx, &name).await
            })
        });
        let cursor = made.await?.map_or(0, |(_, cursor)| cursor);
        Ok(Box::new(LocalFeed::new(self.0.clone(), consumer, patterns, cursor)))
    }

    async fn tail(&self, after: Option<u64>, subjects: &[String]) -> Result<Box<dyn Tail>, BusError> {
        Ok(Box::new(LocalTail::open(self.0.clone(), after, subject::tail_patterns(subjects)?).await?))
    }

    async fn lag(&self, consumer: &str) -> Result<u64, BusError> {
        self.0.flush_done().await?;
        let read = self.0.db.read();
        let found = store::consumer(read, consumer).await.map_err(broken)?;
        let (subjects, cursor) =
            found.ok_or_else(|| BusError::Refused(format!("there is no consumer `{consumer}`")))?;
        let patterns: Vec<_> =
            subjects.split(' ').map(Pattern::parse).collect::<Result<_, _>>().map_err(BusError::Refused)?;
        store::lag(read, consumer, &patterns, cursor).await.map_err(broken)
    }

    async fn park(&self, consumer: &str, event: &Event, reason: &str) -> Result<(), BusError> {
        let insert = "INSERT INTO parked (consumer, seq, reason, parked_at) SELECT ?, seq, ?, ? FROM event WHERE id = ?
            ON CONFLICT (consumer, seq) DO UPDATE SET reason = excluded.reason, parked_at = excluded.parked_at";
        let values = [consumer.into(), reason.into(), self.0.clock.now().into(), event.id.into()];
        let insert = sql(insert, values);
        let parked = self.0.write(move |tx| {
            let insert = insert.clone();
            Box::pin(async move { sea_orm::ConnectionTrait::execute_raw(tx, insert).await })
        });
        if parked.await?.rows_affected() == 0 {
            return Err(BusError::Refused(format!("event {} is not in this log, so it cannot be parked", event.id)));
        }
        Ok(())
    }

    async fn parked(&self, most: usize) -> Result<Vec<Parked>, BusError> {
        let list = "SELECT e.*, p.id AS parked_id, p.consumer, p.reason, p.parked_at
            FROM parked p JOIN event e ON e.seq = p.seq ORDER BY p.id LIMIT ?";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = sea_orm::ConnectionTrait::query_all_raw(self.0.db.read(), sql(list, [most.into()])).await;
        rows.and_then(|rows| rows.iter().map(parked).collect()).map_err(broken)
    }

    async fn retry(&self, id: ParkedId) -> Result<(), BusError> {
        let found = self.0.write(move |tx| Box::pin(store::retry(tx, id))).await?;
        self.0.grown.notify_waiters();
        if found { Ok(()) } else { Err(BusError::NotParked(id)) }
    }

    async fn drop_parked(&self, id: ParkedId) -> Result<(), BusError> {
        let found = self.0.write(move |tx| Box::pin(store::drop_parked(tx, id))).await?;
        if found { Ok(()) } else { Err(BusError::NotParked(id)) }
    }

    async fn check(&self) -> Result<(), BusError> {
        store::newest(self.0.db.read()).await.map(|_| ()).map_err(broken)
    }

    async fn close(&self) {
        if let Err(error) = self.0.flush_done().await {
            tracing::warn!(%error, "the last acknowledgements were not kept; those events come again");
        }
        self.0.db.close().await;
    }
}

fn parked(row: &QueryResult) -> Result<Parked, DbErr> {
    let id: i64 = row.try_get("", "parked_id")?;
    Ok(Parked {
        id: id.cast_unsigned(),
        consumer: row.try_get("", "consumer")?,
        event: Model::from_query_result(row, "")?.into(),
        reason: row.try_get("", "reason")?,
        parked_at: row.try_get("", "parked_at")?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn broken(error: DbErr) -> BusError {
    BusError::Unreachable(error.to_string())
}
