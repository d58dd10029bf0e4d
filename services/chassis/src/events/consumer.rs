//! Reads others' events and does, once, what they ask for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use sea_orm::DbErr;
use serde::Deserialize;
use tokio::time::Instant;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    BusError, Delivery, Event, Feed, Handler, HandlerError, SharedBus, Subscription,
    backoff::backoff,
    failpoint::failpoint,
    handler::{guarded, passes},
    inbox,
};
use crate::{
    data::{Clock, Db, Tx},
    run::Tasks,
};

/// Which events of one key count. They come in order unless one fails or a process dies; then later ones overtake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Each has an effect of its own and is handled, late or not.
    Every,
    /// Each tells the whole state: one that is older than what was handled is dropped.
    Newest,
}

/// What a service reads from the bus.
#[derive(Clone)]
pub struct Consumer {
    /// Unique on the bus, for example `residents-care`.
    pub name: &'static str,
    pub subjects: Vec<String>,
    pub counts: Counts,
    pub handler: Arc<dyn Handler>,
}

/// How a consumer works.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsumerSettings {
    /// Events handled in one transaction.
    pub batch: usize,
    /// Tries before an event is parked.
    pub max_attempts: u32,
    /// Seconds that the handling of one event may take.
    pub ack_wait_s: u64,
    /// Milliseconds before the second try; doubles with every further one.
    pub retry_ms: u64,
    /// Most seconds between two tries.
    pub retry_most_s: u64,
    /// Days that it is remembered what was handled: no less than any outbox and the stream keep their events.
    pub keep_days: u32,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self { batch: 64, max_attempts: 8, ack_wait_s: 30, retry_ms: 500, retry_most_s: 300, keep_days: 31 }
    }
}

/// Runs one consumer.
#[derive(Clone)]
pub struct ConsumerRunner {
    pub db: Db,
    pub bus: SharedBus,
    pub clock: Clock,
    pub tasks: Tasks,
    pub consumer: Consumer,
    pub settings: ConsumerSettings,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a feed is listened to; bounds also how long shutdown waits for an idle consumer.
const LISTEN: Duration = Duration::from_millis(500);
/// Failures of a feed in a row after which it is opened anew.
const FEED_FAILURES: u32 = 5;
const BETWEEN_PRUNINGS: Duration = Duration::from_mins(10);
const PRUNED_AT_ONCE: u64 = 1_000;

impl ConsumerRunner {
    /// Runs until the program stops.
    pub async fn run(self) {
        let subscription = Subscription {
            name: self.consumer.name.to_owned(),
            subjects: self.consumer.subjects.clone(),
            max_attempts: self.settings.max_attempts,
            ack_wait: Duration::from_secs(self.settings.ack_wait_s),
        };
        let mut failures = 0u32;
        while !self.tasks.is_stopping() {
            let ended = match self.bus.subscribe(&subscription).await {
                Ok(mut feed) => self.read(feed.as_mut(), &mut failures).await,
                Err(error) => Err(error),
            };
            let Err(error) = ended else { return };
            failures = failures.saturating_add(1);
            if failures == 1 {
                tracing::warn!(consumer = self.consumer.name, %error, "events cannot be read; it is tried again");
            }
            self.tasks.pause(backoff(failures, FIRST_PAUSE, LONGEST_PAUSE)).await;
        }
    }

    async fn read(&self, feed: &mut dyn Feed, failures: &mut u32) -> Result<(), BusError> {
        let (mut in_a_row, mut pruned) = (0, None::<Instant>);
        while !self.tasks.is_stopping() {
            match feed.next(self.settings.batch, LISTEN).await {
                Ok(deliveries) => {
                    in_a_row = 0;
                    self.take(feed, deliveries).await?;
                    *failures = 0;
                }
                Err(error) if in_a_row == FEED_FAILURES => return Err(error),
                Err(_) => in_a_row += 1,
            }
            if pruned.is_none_or(|at| at.elapsed() > BETWEEN_PRUNINGS) && self.prune().await < PRUNED_AT_ONCE {
                pruned = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// All of them in one transaction, and where that fails one by one.
    async fn take(&self, feed: &mut dyn Feed, deliveries: Vec<Delivery>) -> Result<(), BusError> {
        let mut readable = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            match delivery.event.clone() {
                Err(unreadable) => {
                    let reason = unreadable.reason.clone();
                    self.park(feed, &delivery, &unreadable.stand_in(self.clock.now()), &reason).await?;
                }
                // Counted by the bus, so that also an event that kills the process comes to an end.
                Ok(event) if delivery.attempt > self.settings.max_attempts => {
                    self.park(feed, &delivery, &event, "no try to handle it has come to an end").await?;
                }
                Ok(event) => readable.push((delivery, event)),
            }
        }
        if readable.is_empty() {
            return Ok(());
        }
        if let [(delivery, event)] = readable.as_slice() {
            return self.take_one(feed, delivery, event).await;
        }
        let together = self.handle(readable.iter().map(|(_, event)| event.clone()).collect()).await;
        for (delivery, event) in &readable {
            match together {
                Ok(()) => feed.ack(delivery).await?,
                Err(_) => self.take_one(feed, delivery, event).await?,
            }
        }
        Ok(())
    }

    async fn take_one(&self, feed: &mut dyn Feed, delivery: &Delivery, event: &Event) -> Result<(), BusError> {
        let mut outages = 0;
        let error = loop {
            match self.handle(Arc::new([event.clone()])).await {
                Ok(()) => return feed.ack(delivery).await,
                // The fault is not the event's: it is held until the database is back, and no try is counted.
                Err(HandlerError::Db(error)) if passes(&error) => {
                    outages += 1;
                    tracing::warn!(consumer = self.consumer.name, %error, outages, "events wait for the database");
                    if !self.tasks.pause(backoff(outages, FIRST_PAUSE, LONGEST_PAUSE)).await {
                        return Ok(());
                    }
                }
                Err(error) => break error,
            }
        };
        let last = matches!(error, HandlerError::Useless(_)) || delivery.attempt >= self.settings.max_attempts;
        if last {
            return self.park(feed, delivery, event, &error.to_string()).await;
        }
        let first = Duration::from_millis(self.settings.retry_ms);
        let delay = backoff(delivery.attempt, first, Duration::from_secs(self.settings.retry_most_s));
        let (consumer, attempt) = (self.consumer.name, delivery.attempt);
        tracing::warn!(consumer, id = %event.id, kind = event.kind, attempt, %error, ?delay, "an event is tried again");
        feed.nak(delivery, delay).await
    }

    async fn handle(&self, events: Arc<[Event]>) -> Result<(), HandlerError> {
        let (consumer, now, limit) =
            (self.consumer.clone(), self.clock.now(), Duration::from_secs(self.settings.ack_wait_s));
        let work = self.db.write(move |tx: &Tx| {
            let (consumer, events) = (consumer.clone(), Arc::clone(&events));
            Box::pin(async move {
                let mut new = inbox::note(tx, consumer.name, &events, now).await?;
                for event in events.iter() {
                    let is_new = new.remove(&event.id);
                    if is_new
                        && (consumer.counts == Counts::Every || inbox::is_newest(tx, consumer.name, event).await?)
                    {
                        let handled = guarded(consumer.handler.handle(tx, event), limit);
                        handled.instrument(span(consumer.name, event)).await?;
                    }
                }
                Ok(())
            })
        });
        work.await.inspect(|()| failpoint("consumer.handled"))
    }

    async fn park(
        &self,
        feed: &mut dyn Feed,
        delivery: &Delivery,
        event: &Event,
        reason: &str,
    ) -> Result<(), BusError> {
        let consumer = self.consumer.name;
        self.bus.park(consumer, event, reason).await?;
        tracing::error!(consumer, id = %event.id, kind = event.kind, reason, "an event is parked: see `linju dlq list`");
        feed.ack(delivery).await
    }

    async fn prune(&self) -> u64 {
        let cutoff = self.clock.now() - chrono::TimeDelta::days(i64::from(self.settings.keep_days));
        let name = self.consumer.name;
        let pruned = self.db.write(move |tx: &Tx| Box::pin(inbox::prune(tx, name, cutoff, PRUNED_AT_ONCE)));
        pruned.await.unwrap_or_else(|error: DbErr| {
            tracing::debug!(consumer = name, %error, "the inbox is pruned later");
            0
        })
    }
}

/// Continues the trace of the call that caused the event.
fn span(consumer: &'static str, event: &Event) -> Span {
    let span = tracing::info_span!("handle", consumer, kind = event.kind, id = %event.id);
    if let Some(trace) = &event.trace {
        let carrier = HashMap::from([("traceparent".to_owned(), trace.clone())]);
        // Refused only where no tracing is set up; then there is nothing to continue.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
    span
}
