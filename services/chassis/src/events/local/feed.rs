//! What one consumer reads from the log.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Inner, broken,
    store::{self, Claim, Claimed, Done},
};
use crate::events::{BusError, Delivery, Feed, Subscription, subject::Pattern};

/// How often the file is looked at for events that another process has appended, and for deliveries that come again.
const POLL: Duration = Duration::from_millis(250);
/// A consumer that skips more events than this has its cursor moved, so that pruning goes on.
const SKIPPED: i64 = 1_000;

#[derive(Debug)]
pub(super) struct LocalFeed {
    log: Arc<Inner>,
    consumer: String,
    patterns: Vec<Pattern>,
    ack_wait: TimeDelta,
    /// No event up to this one is new to the consumer; kept in memory, as the events of others do not deserve a commit.
    seen: i64,
    /// The cursor as it was last known to be kept.
    kept: i64,
}

impl LocalFeed {
    pub(super) fn new(log: Arc<Inner>, subscription: &Subscription, patterns: Vec<Pattern>, cursor: i64) -> Self {
        let ack_wait = TimeDelta::from_std(subscription.ack_wait).unwrap_or(TimeDelta::MAX);
        Self { log, consumer: subscription.name.clone(), patterns, ack_wait, seen: cursor, kept: cursor }
    }

    async fn claim(&mut self, most: usize) -> Result<Vec<Delivery>, BusError> {
        let now = self.log.clock.now();
        let until = now.checked_add_signed(self.ack_wait).unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC);
        let claim = Claim {
            consumer: self.consumer.clone(),
            patterns: self.patterns.clone(),
            most,
            now: now.timestamp_micros(),
            until: until.timestamp_micros(),
        };
        let newest = store::newest(self.log.db.read()).await.map_err(broken)?;
        let found = store::may_find(self.log.db.read(), &claim, self.seen).await.map_err(broken)?;
        if !found {
            self.seen = self.seen.max(newest);
        }
        if !found && self.seen - self.kept < SKIPPED && !self.log.has_done() {
            return Ok(Vec::new());
        }
        let claimed = self.log.write(move |tx| {
            let claim = claim.clone();
            Box::pin(async move {
                let claimed = store::claim(tx, &claim).await?;
                let cursor = store::consumer(tx, &claim.consumer).await?.map_or(0, |(_, cursor)| cursor);
                Ok((claimed, cursor))
            })
        });
        let (claimed, cursor) = claimed.await?;
        (self.seen, self.kept) = (cursor, cursor);
        Ok(claimed.into_iter().map(delivery).collect())
    }

    fn done(&self, delivery: &Delivery) -> Result<Done, BusError> {
        let seq = delivery.token.parse();
        let seq =
            seq.map_err(|_| BusError::Refused(format!("`{}` is no delivery of the local log", delivery.token)))?;
        Ok(Done { consumer: self.consumer.clone(), seq, attempt: delivery.attempt })
    }
}

fn delivery(claimed: Claimed) -> Delivery {
    let Claimed { event, attempt } = claimed;
    Delivery { token: event.seq.to_string(), attempt, event: Ok(event.into()) }
}

#[async_trait]
impl Feed for LocalFeed {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        let log = self.log.clone();
        let deadline = Instant::now() + wait;
        loop {
            // Listening starts before the look, so that nothing published in between is slept over.
            let mut grown = std::pin::pin!(log.grown.notified());
            grown.as_mut().enable();
            let list = match self.claim(most).await {
                Ok(list) => list,
                Err(error) => {
                    sleep(POLL).await;
                    return Err(error);
                }
            };
            let now = Instant::now();
            if !list.is_empty() || now >= deadline {
                return Ok(list);
            }
            tokio::select! {
                () = grown => {}
                () = sleep_until(deadline.min(now + POLL)) => {}
            }
        }
    }

    /// Kept with the next write to the log; lost only if the process is killed before it.
    async fn ack(&mut self, delivery: &Delivery) -> Result<(), BusError> {
        self.log.add_done(self.done(delivery)?);
        Ok(())
    }

    async fn nak(&mut self, delivery: &Delivery, delay: Duration) -> Result<(), BusError> {
        let done = self.done(delivery)?;
        let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
        let at = self.log.clock.now().checked_add_signed(delay).unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC);
        let at = at.timestamp_micros();
        let postpone = self.log.write(move |tx| {
            let done = done.clone();
            Box::pin(async move { store::postpone(tx, &done, at).await })
        });
        postpone.await
    }
}
