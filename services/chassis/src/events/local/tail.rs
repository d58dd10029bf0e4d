//! Reading the log without a cursor in it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Inner, KEPT_FOR, broken,
    schema::{Entity, Model},
    store,
};
use crate::events::{BusError, Event, Numbered, Tail, subject::Pattern};

/// How often the file is looked at for events that another process has appended.
const POLL: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct LocalTail {
    log: Arc<Inner>,
    patterns: Vec<Pattern>,
    seen: i64,
}

impl LocalTail {
    pub(super) async fn open(log: Arc<Inner>, after: Option<u64>, patterns: Vec<Pattern>) -> Result<Self, BusError> {
        let newest = last(log.db.read()).await.map_err(broken)?;
        let seen = match after {
            None => newest,
            Some(after) => {
                let at = store::count(after);
                if at > newest || at < complete_from(&log).await.map_err(broken)?.unwrap_or(newest + 1) - 1 {
                    return Err(BusError::Lost { after });
                }
                at
            }
        };
        Ok(Self { log, patterns, seen })
    }

    async fn page(&mut self, most: usize) -> Result<Vec<Model>, DbErr> {
        let db = self.log.db.read();
        let newest = last(db).await?;
        let (chosen, values) = store::chosen(&self.patterns);
        let text = format!("SELECT * FROM event WHERE {chosen} AND seq > ? ORDER BY seq LIMIT ?");
        let mut found = Vec::new();
        while found.is_empty() && self.seen < newest {
            let mut values = values.clone();
            values.extend([self.seen.into(), store::count(most).into()]);
            let page = Statement::from_sql_and_values(DbBackend::Sqlite, &text, values);
            let rows = Entity::find().from_raw_sql(page).all(db).await?;
            // A page that is not full has come to the end, perhaps beyond what was the newest a moment ago.
            let end = rows.last().map_or(newest, |row| row.seq);
            self.seen = if rows.len() < most { end.max(newest) } else { end };
            found.extend(rows.into_iter().filter(|row| self.patterns.iter().any(|p| p.matches(&row.subject))));
        }
        Ok(found)
    }
}

#[async_trait]
impl Tail for LocalTail {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Numbered>, BusError> {
        let log = self.log.clone();
        let deadline = Instant::now() + wait;
        loop {
            // Listening starts before the look, so that nothing published in between is slept over.
            let mut grown = std::pin::pin!(log.grown.notified());
            grown.as_mut().enable();
            let rows = match self.page(most.max(1)).await {
                Ok(rows) => rows,
                Err(error) => {
                    sleep(POLL).await;
                    return Err(broken(error));
                }
            };
            let now = Instant::now();
            if !rows.is_empty() || now >= deadline {
                return Ok(rows.into_iter().map(numbered).collect());
            }
            tokio::select! {
                () = grown => {}
                () = sleep_until(deadline.min(now + POLL)) => {}
            }
        }
    }

    fn seen(&self) -> u64 {
        self.seen.cast_unsigned()
    }
}

fn numbered(row: Model) -> Numbered {
    Numbered { number: row.seq.cast_unsigned(), event: Event::from(row) }
}

/// The highest number that was ever given, also where its event is forgotten.
async fn last(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    store::number(db, store::sql("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'event'", [])).await
}

/// From which event on nothing can have been forgotten; none where all may be. What is pending or parked stays beyond its
/// time and says nothing of what was around it.
async fn complete_from(log: &Inner) -> Result<Option<i64>, DbErr> {
    let young = (log.clock.now() - KEPT_FOR).timestamp_micros();
    let first = "SELECT seq FROM event WHERE kept_at >= ?
        OR (seq NOT IN (SELECT seq FROM pending) AND seq NOT IN (SELECT seq FROM parked)) ORDER BY seq LIMIT 1";
    let row = log.db.read().query_one_raw(store::sql(first, [young.into()])).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}
