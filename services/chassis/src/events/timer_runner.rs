//! Fires timers when they are due.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    Condition, DbBackend, ExprTrait, FromQueryResult,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType, Order, Query, SelectStatement},
};
use serde::Deserialize;

use super::{
    HandlerError, Timer, TimerHandler,
    backoff::{backoff, spread},
    handler::{guarded, passes},
    lease::after,
    timers::{Column, Entity, Model},
};
use crate::{
    data::{Clock, Db, Ids, Tx},
    run::Tasks,
};

/// How timers are run.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimerSettings {
    /// Timers taken at once; after a full batch there is a short rest, so that a week of downtime comes in as a stream.
    pub batch: u64,
    /// Timers fired in one transaction. Where one of them fails, each of these fires alone.
    pub together: usize,
    /// Milliseconds between two looks.
    pub poll_ms: u64,
    /// Milliseconds of rest after a full batch.
    pub rest_ms: u64,
    /// Seconds in which a batch should be done; after them another copy may take what is left.
    pub lease_s: u64,
    /// Tries before a timer is left as failed.
    pub max_attempts: u32,
    /// Seconds before the second try; doubles with every further one.
    pub retry_s: u64,
}

impl Default for TimerSettings {
    fn default() -> Self {
        Self { batch: 500, together: 50, poll_ms: 1_000, rest_ms: 5, lease_s: 60, max_attempts: 10, retry_s: 5 }
    }
}

/// The handlers of a service's timers, by kind.
pub type TimerHandlers = HashMap<&'static str, Arc<dyn TimerHandler>>;

/// Runs a service's timers.
#[derive(Clone)]
pub struct TimerRunner {
    pub db: Db,
    pub clock: Clock,
    pub tasks: Tasks,
    pub handlers: TimerHandlers,
    pub settings: TimerSettings,
}

const LONGEST_RETRY: Duration = Duration::from_hours(1);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl TimerRunner {
    /// Runs until the program stops. Several copies share the work: each timer fires in one of them.
    pub async fn run(self, ids: Ids) {
        if self.handlers.is_empty() {
            return;
        }
        let me = ids.next::<Uuid>().to_string();
        let mut failures = 0u32;
        while !self.tasks.is_stopping() {
            let pause = match self.tick(&me).await {
                Ok(fired) => {
                    failures = 0;
                    let full = fired >= self.settings.batch;
                    spread(Duration::from_millis(if full { self.settings.rest_ms } else { self.settings.poll_ms }))
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!(%error, failures, "timers wait for the database");
                    backoff(failures, FIRST_PAUSE, LONGEST_PAUSE)
                }
            };
            self.tasks.pause(pause).await;
        }
    }

    /// Takes a batch of due timers and fires them, the earliest first; how many were taken.
    async fn tick(&self, me: &str) -> Result<u64, DbErr> {
        let mut taken = self.claim(me).await?;
        let count = taken.len() as u64;
        taken.sort_by_key(|row| (row.due_at, row.id));
        let mut left = taken.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(self.next_together(left));
            let fired = if self.tasks.is_stopping() { Err(None) } else { self.fire_all(now, me).await.map_err(Some) };
            if let Err(error) = fired {
                self.give_back(left, me).await?;
                return error.map_or(Ok(count), Err);
            }
            left = later;
        }
        Ok(count)
    }

    /// How many of the first fire in one transaction. What was tried before fires alone: it may be what fails.
    fn next_together(&self, rows: &[Model]) -> usize {
        let fresh = rows.iter().take(self.settings.together).take_while(|row| row.attempts == 1).count();
        fresh.max(1)
    }

    /// Fires these in one transaction, or where one of them fails each in its own.
    async fn fire_all(&self, rows: &[Model], me: &str) -> Result<(), DbErr> {
        if let [_, _, ..] = rows {
            match self.fire_together(rows, me).await {
                Ok(()) => return Ok(()),
                Err(HandlerError::Db(error)) if passes(&error) => return Err(error),
                Err(error) => tracing::debug!(%error, timers = rows.len(), "timers fire one by one"),
            }
        }
        for row in rows {
            self.fire(row, me).await?;
        }
        Ok(())
    }

    async fn fire_together(&self, rows: &[Model], me: &str) -> Result<(), HandlerError> {
        let limit = Duration::from_secs(self.settings.lease_s);
        let rows: Arc<[Model]> = rows.into();
        let (handlers, me) = (self.handlers.clone(), me.to_owned());
        let work = self.db.write(move |tx: &Tx| {
            let (rows, handlers, me) = (Arc::clone(&rows), handlers.clone(), me.clone());
            Box::pin(async move {
                // As in `fire`: what is not gone now is no longer this copy's.
                let gone = Query::delete()
                    .from_table(Entity)
                    .cond_where(Condition::all().add(Column::Id.is_in(rows.iter().map(|row| row.id))))
                    .and_where(Column::LeaseOwner.eq(me))
                    .and_where(Column::Attempts.eq(1))
                    .returning_col(Column::Id)
                    .to_owned();
                let gone = tx.query_all(&gone).await?;
                let mine: HashSet<i64> = gone.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
                for row in rows.iter().filter(|row| mine.contains(&row.id)) {
                    if let Some(handler) = handlers.get(row.kind.as_str()) {
                        guarded(handler.fire(tx, &Timer::from(row.clone())), limit).await?;
                    }
                }
                Ok(())
            })
        });
        work.await
    }

    /// Only kinds that are known here: during an upgrade an older copy leaves the newer one's timers alone.
    async fn claim(&self, me: &str) -> Result<Vec<Model>, DbErr> {
        let time = Duration::from_secs(self.settings.lease_s);
        let claim = Query::update()
            .table(Entity)
            .value(Column::LeaseOwner, me)
            .value(Column::LeaseUntil, after(&self.db, &self.clock, time))
            .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .and_where(Column::Id.in_subquery(self.due()))
            .returning_all()
            .to_owned();
        let claimed = self.db.write(move |tx: &Tx| {
            let claim = claim.clone();
            Box::pin(async move {
                tx.query_all(&claim).await?.iter().map(|row| Model::from_query_result(row, "")).collect()
            })
        });
        claimed.await
    }

    fn due(&self) -> SelectStatement {
        let free = Column::LeaseUntil.is_null().or(Expr::col(Column::LeaseUntil).lte(after(
            &self.db,
            &self.clock,
            Duration::ZERO,
        )));
        let mut due = Query::select();
        due.column(Column::Id)
            .from(Entity)
            .and_where(Column::FailedAt.is_null())
            .and_where(Column::DueAt.lte(self.clock.now()))
            .and_where(Column::Kind.is_in(self.handlers.keys().copied()))
            .and_where(free)
            .order_by(Column::DueAt, Order::Asc)
            .limit(self.settings.batch);
        // SQLite has one writer and no row locks; sea-query would leave the clause out without a word.
        if self.db.backend() == DbBackend::Postgres {
            due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        due
    }

    async fn fire(&self, row: &Model, me: &str) -> Result<(), DbErr> {
        let Some(handler) = self.handlers.get(row.kind.as_str()).cloned() else { return Ok(()) };
        let attempt = u32::try_from(row.attempts).unwrap_or(u32::MAX);
        // A try beyond the last means that none of them came to an end: it kills the process.
        if attempt > self.settings.max_attempts {
            return self.give_up(row, me, "no try has come to an end").await;
        }
        let (claim, limit) = (claimed(row, me), Duration::from_secs(self.settings.lease_s));
        let timer = Arc::new(Timer::from(row.clone()));
        let work = self.db.write(move |tx: &Tx| {
            let (handler, timer, claim) = (Arc::clone(&handler), Arc::clone(&timer), claim.clone());
            Box::pin(async move {
                // Gone first: it locks the row against `set` and `cancel`, and shows whether one of them came before.
                let still_mine = Entity::delete_many().filter(claim).exec(tx).await?.rows_affected == 1;
                if still_mine { guarded(handler.fire(tx, &timer), limit).await } else { Ok(()) }
            })
        });
        match work.await {
            Ok(()) => Ok(()),
            Err(HandlerError::Db(error)) if passes(&error) => Err(error),
            Err(error) if matches!(error, HandlerError::Useless(_)) || attempt == self.settings.max_attempts => {
                self.give_up(row, me, &error.to_string()).await
            }
            Err(error) => self.put_off(row, me, attempt, &error).await,
        }
    }

    async fn put_off(&self, row: &Model, me: &str, attempt: u32, error: &HandlerError) -> Result<(), DbErr> {
        let delay = backoff(attempt, Duration::from_secs(self.settings.retry_s), LONGEST_RETRY);
        tracing::warn!(kind = row.kind, key = row.key, attempt, %error, ?delay, "a timer is tried again");
        let until = after(&self.db, &self.clock, delay);
        let values = vec![(Column::LeaseOwner, Expr::val(None::<String>)), (Column::LeaseUntil, until)];
        self.update(claimed(row, me), values).await
    }

    async fn give_up(&self, row: &Model, me: &str, reason: &str) -> Result<(), DbErr> {
        tracing::error!(kind = row.kind, key = row.key, attempts = row.attempts, reason, "a timer has failed for good");
        let values =
            vec![(Column::FailedAt, Expr::val(self.clock.now())), (Column::Error, Expr::val(reason.to_owned()))];
        self.update(claimed(row, me), values).await
    }

    /// Leaves to others what was taken and not tried.
    async fn give_back(&self, rows: &[Model], me: &str) -> Result<(), DbErr> {
        let ids = rows.iter().map(|row| row.id);
        let mine = Condition::all().add(Column::Id.is_in(ids)).add(Column::LeaseOwner.eq(me));
        let values = vec![
            (Column::LeaseOwner, Expr::val(None::<String>)),
            (Column::LeaseUntil, Expr::val(None::<DateTimeUtc>)),
            (Column::Attempts, Expr::col(Column::Attempts).sub(1)),
        ];
        self.update(mine, values).await
    }

    async fn update(&self, rows: Condition, values: Vec<(Column, Expr)>) -> Result<(), DbErr> {
        let update = self.db.write(move |tx: &Tx| {
            let update = Query::update().table(Entity).values(values.clone()).cond_where(rows.clone()).to_owned();
            Box::pin(async move { tx.execute(&update).await.map(|_| ()) })
        });
        update.await
    }
}

/// The row as it was taken: neither set anew, nor cancelled, nor taken by another since.
fn claimed(row: &Model, me: &str) -> Condition {
    Condition::all().add(Column::Id.eq(row.id)).add(Column::LeaseOwner.eq(me)).add(Column::Attempts.eq(row.attempts))
}
