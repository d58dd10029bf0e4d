//! A new notice of holidays moves what was promised: open promises are counted anew, some at a time.

use std::collections::HashMap;

use chassis::{
    data::Tx,
    events::{Timer, timers},
};
use uuid::Uuid;

use super::{
    App,
    change::Beside,
    promise::{Kept, tell},
};
use crate::{
    domain::{Decision, Event, IncidentId, calendar::WorkingCalendar, promise::Promise},
    error::Error,
    store::{calendar, incident, promise as table},
};

/// The kind of the timer that counts the next promises anew; its payload is the last one that was.
pub const RECOUNT: &str = "incidents.promises_recount";

/// Promises of one transaction.
const BATCH: u64 = 200;

impl App {
    /// Begins anew from the first promise; also where it was under way already.
    pub(super) async fn recount_from(&self, tx: &Tx, last: Option<Uuid>) -> Result<(), Error> {
        let payload = last.map(|id| id.to_string()).unwrap_or_default();
        let (kind, key, due_at) = (RECOUNT.to_owned(), "holidays".to_owned(), self.clock.now());
        Ok(timers::set(tx, &Timer { kind, key, due_at, payload }).await?)
    }

    /// Counts the next promises anew, and sees to those that follow.
    pub async fn recount_promises(&self, tx: &Tx, after: Option<Uuid>) -> Result<(), Error> {
        let running = table::running(tx, after, BATCH).await?;
        let mut calendars = HashMap::new();
        for id in &running {
            self.recount(tx, IncidentId(*id), &mut calendars).await?;
        }
        if running.len() as u64 == BATCH { self.recount_from(tx, running.last().copied()).await } else { Ok(()) }
    }

    async fn recount(
        &self,
        tx: &Tx,
        id: IncidentId,
        calendars: &mut HashMap<String, WorkingCalendar>,
    ) -> Result<(), Error> {
        let Some(row) = incident::find_locked(tx, id).await? else { return Ok(()) };
        let Some(standing) = table::find(tx, id).await? else { return Ok(()) };
        let mut promise = standing.promise()?;
        let unit = standing.calendar;
        let calendar = match calendars.get(&unit) {
            Some(calendar) => calendar.clone(),
            None => calendars.entry(unit.clone()).or_insert(calendar::working(tx, &unit).await?).clone(),
        };
        let before = times(&promise);
        promise.recount(&calendar);
        let (contact_by, expected_at) = times(&promise);
        let is_assumed = promise.is_assumed;
        // The steps in between may have moved where the end has not.
        let kept = Kept { promise, unit, calendar };
        if before == (contact_by, expected_at) {
            return self.write_promise(tx, &row, kept).await;
        }
        let mut decision = Decision { next: row.incident()?, events: Vec::new() };
        let moved = Event::PromiseMoved { contact_by, expected_at, is_assumed };
        tell(&mut decision, self.clock.now(), moved);
        self.write_decided(tx, row, decision, Beside::said(""), Some(kept)).await.map(|_| ())
    }
}

type Time = Option<chrono::DateTime<chrono::Utc>>;

fn times(promise: &Promise) -> (Time, Time) {
    (promise.contact.as_ref().map(|track| track.due_at), promise.expected_at())
}
