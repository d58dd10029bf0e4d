//! What the reporter was promised: made and moved by what happens to the incident, told by timers when its time goes.

use chassis::{
    access::Call,
    data::{Page, Tx, check_etag},
    events::{Timer, timers},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    App,
    change::Beside,
    parts::{self, reach},
};
use crate::{
    domain::{
        Actor, ActorKind, Command, Decision, Event, Incident, IncidentId, Recorded, Urgency,
        calendar::WorkingCalendar,
        catalogue::Span,
        decide,
        promise::{Advance, Limit, Moment, Promise, Terms},
    },
    error::Error,
    store::{
        calendar, catalogue,
        incident::{self, Model},
        promise::{self as table, Late},
    },
};

/// The kind of timer that says that a step may have been reached; its key is the incident's id.
pub const PROMISE_DUE: &str = "incidents.promise_due";

/// A promise on its way to a caller.
#[derive(Clone, Debug)]
pub struct ShownPromise {
    pub incident: IncidentId,
    pub promise: Promise,
    /// The promise as of this time.
    pub now: DateTime<Utc>,
    /// Whether the caller sees it only because the incident is their own.
    pub only_own: bool,
}

/// More time for an incident.
#[derive(Clone, Debug)]
pub struct Extension {
    pub id: IncidentId,
    pub etag: String,
    pub expected_at: DateTime<Utc>,
    pub reason: String,
}

/// A list of what is late.
#[derive(Clone, Debug)]
pub struct EscalationsOf {
    pub late: Late,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// An incident that is late.
#[derive(Clone, Debug)]
pub struct Escalation {
    pub row: Model,
    pub promise: Promise,
}

/// A promise to be written beside an incident.
pub(super) struct Kept {
    pub(super) promise: Promise,
    /// The unit whose hours count.
    pub(super) unit: String,
    pub(super) calendar: WorkingCalendar,
}

impl Kept {
    /// Says to the reporter of another incident what is promised from now on.
    pub(super) fn tell(&self, decision: &mut Decision, at: DateTime<Utc>) {
        tell(decision, at, promised(&self.promise));
    }
}

impl App {
    /// What was promised for an incident.
    pub async fn promise(&self, call: &Call, id: IncidentId) -> Result<ShownPromise, Error> {
        let row = incident::get(self.db.read(), &reach(call), id).await?;
        let kept = table::find(self.db.read(), id).await?.ok_or(chassis::Fault::NotFound("promise"))?;
        Ok(self.shown_promise(call, &row, kept.promise()?))
    }

    fn shown_promise(&self, call: &Call, row: &Model, promise: Promise) -> ShownPromise {
        let only_own = !reach(call).areas.contain(row.area_code);
        ShownPromise { incident: IncidentId(row.id), promise, now: self.clock.now(), only_own }
    }

    /// Gives an incident more time, once.
    pub async fn extend_promise(&self, call: &Call, extension: Extension) -> Result<ShownPromise, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let write = self.db.write(move |tx| {
            let (app, caller, extension) = (app.clone(), caller.clone(), extension.clone());
            Box::pin(async move { app.extend_in(tx, &caller, extension).await })
        });
        let (row, promise) = write.await?;
        Ok(self.shown_promise(call, &row, promise))
    }

    async fn extend_in(&self, tx: &Tx, call: &Call, extension: Extension) -> Result<(Model, Promise), Error> {
        let Extension { id, etag, expected_at, reason } = extension;
        let (scope, now) = (reach(call), self.clock.now());
        let row = incident::get(tx, &scope, id).await?;
        check_etag(&etag, row.version)?;
        let command = |expected_at, is_assumed| Command::ExtendPromise { expected_at, is_assumed };
        let actor = parts::acting(call, &scope, &row, command(expected_at, false).action());
        let incident = row.incident()?;
        // Who may do it at all is told before what is wrong with the time.
        decide(&incident, command(expected_at, false), actor.clone(), now, self.policy)?;
        let standing = table::find(tx, id).await?.ok_or(crate::domain::Refused::NoPromise)?;
        let unit = standing.calendar.clone();
        let calendar = calendar::working(tx, &unit).await?;
        let promise = standing.promise()?.extend(expected_at, &self.rules, &calendar, now)?;
        let expected_at = promise.expected_at().unwrap_or(expected_at);
        let decision = decide(&incident, command(expected_at, promise.is_assumed), actor, now, self.policy)?;
        let kept = Kept { promise: promise.clone(), unit, calendar };
        let row = self.write_decided(tx, row, decision, Beside::said(&reason), Some(kept)).await?;
        Ok((row, promise))
    }

    /// Incidents that are late, the longest overdue first.
    pub async fn escalations(
        &self,
        call: &Call,
        EscalationsOf { late, page }: EscalationsOf,
    ) -> Result<(Vec<Escalation>, String), Error> {
        let (scope, db) = (reach(call), self.db.read());
        let (kept, next) = table::late(db, &scope, late, &page).await?;
        let ids = kept.iter().map(|promise| promise.incident_id);
        let mut rows = incident::of_ids(db, &scope, ids).await?;
        let mut late = Vec::with_capacity(kept.len());
        for kept in kept {
            if let Some(row) = rows.remove(&kept.incident_id) {
                late.push(Escalation { row, promise: kept.promise()? });
            }
        }
        Ok((late, next))
    }

    /// What a decision does to the incident's promise; a promise that is made or becomes sooner is an entry of its own. None:
    /// it stays as it is.
    pub(super) async fn keep_promise(
        &self,
        tx: &Tx,
        row: &Model,
        decision: &mut Decision,
        by_unit: bool,
    ) -> Result<Option<Kept>, Error> {
        let mut before = row.incident()?;
        let standing = table::find(tx, decision.next.id).await?;
        let unit = standing.as_ref().map(|kept| kept.calendar.clone());
        let unit = unit.or_else(|| decision.next.unit.clone().map(|unit| unit.0)).unwrap_or_default();
        let mut promise = standing.as_ref().map(table::Model::promise).transpose()?;
        let mut calendar = None;
        let mut changed = false;
        for recorded in decision.events.clone() {
            let after = before.clone().apply(&recorded);
            if promise.is_some() || may_begin(&recorded.event) {
                if calendar.is_none() {
                    calendar = Some(calendar::working(tx, &unit).await?);
                }
                let Some(calendar) = &calendar else { continue };
                let terms = terms(tx, row, &after, &recorded.event, calendar).await?;
                let moment = Moment { before: &before, after: &after, recorded: &recorded, by_unit };
                match Promise::advance(promise.as_ref(), moment, terms, &self.rules, calendar) {
                    Advance::Unchanged => {}
                    Advance::Moved(next) => (promise, changed) = (Some(next), true),
                    Advance::Promised(next) => {
                        tell(decision, recorded.at, promised(&next));
                        (promise, changed) = (Some(next), true);
                    }
                }
            }
            before = after;
        }
        Ok(promise.zip(calendar).filter(|_| changed).map(|(promise, calendar)| Kept { promise, unit, calendar }))
    }

    /// Writes a promise, and sets the timer of its next step.
    pub(super) async fn write_promise(&self, tx: &Tx, row: &Model, kept: Kept) -> Result<(), Error> {
        let Kept { promise, unit, calendar } = kept;
        table::put(tx, IncidentId(row.id), row.area_code, &unit, &promise).await?;
        let key = row.id.to_string();
        let step = promise.next_at(&self.rules, &calendar);
        match step.into_iter().chain(promise.pause_ends_at()).min() {
            Some(due_at) => {
                let kind = PROMISE_DUE.to_owned();
                timers::set(tx, &Timer { kind, key, due_at, payload: "{}".to_owned() }).await?;
            }
            None => {
                timers::cancel(tx, PROMISE_DUE, &key).await?;
            }
        }
        Ok(())
    }

    /// A step may have been reached: tells the highest one, once, and sets the timer of the next. False: somebody else changes
    /// the incident at this moment, and it must be tried again.
    pub async fn promise_due(&self, tx: &Tx, id: IncidentId) -> Result<bool, Error> {
        // Waiting for the lock here, with the timer's row in hand, could wait for one who waits for that row.
        let Some(row) = incident::find_free_locked(tx, id).await? else { return Ok(false) };
        let Some(standing) = table::find(tx, id).await? else { return Ok(true) };
        let calendar = calendar::working(tx, &standing.calendar).await?;
        let (mut promise, now) = (standing.promise()?, self.clock.now());
        let pause_ended = promise.end_pause(now).then_some(Command::RecordPauseEnd);
        let reached = promise.reach(&self.rules, &calendar, now).map(|reached| Command::RecordPromise { reached });
        let kept = Kept { promise, unit: standing.calendar, calendar };
        let mut told = Decision { next: row.incident()?, events: Vec::new() };
        for command in pause_ended.into_iter().chain(reached) {
            match decide(&told.next, command, system(), now, self.policy) {
                Ok(Decision { next, events }) => {
                    told.next = next;
                    told.events.extend(events);
                }
                Err(refused) => {
                    tracing::info!(incident = %id, reason = refused.reason(), "a step of a promise came too late");
                    return Ok(true);
                }
            }
        }
        if told.events.is_empty() {
            self.write_promise(tx, &row, kept).await?;
        } else {
            self.write_decided(tx, row, told, Beside::said(""), Some(kept)).await?;
        }
        Ok(true)
    }
}

/// One more entry, which follows from the others.
pub(super) fn tell(decision: &mut Decision, at: DateTime<Utc>, event: Event) {
    let told = Recorded { at, actor: system(), event };
    decision.next = decision.next.clone().apply(&told);
    decision.events.push(told);
}

fn system() -> Actor {
    Actor::new("system", ActorKind::System)
}

const fn may_begin(event: &Event) -> bool {
    matches!(event, Event::Triaged { .. } | Event::Dispatched { .. } | Event::Reopened)
}

fn promised(promise: &Promise) -> Event {
    Event::Promised {
        contact_by: promise.contact.as_ref().map(|track| track.due_at),
        expected_at: promise.expected_at(),
        is_assumed: promise.is_assumed,
    }
}

/// What the category promises at the incident's urgency, and the deadline that came with the report.
async fn terms(
    tx: &Tx,
    row: &Model,
    incident: &Incident,
    event: &Event,
    calendar: &WorkingCalendar,
) -> Result<Terms, Error> {
    if !may_begin(event) {
        return Ok(Terms::default());
    }
    let deadline = row.source_deadline;
    let Some(code) = &incident.category else { return Ok(Terms { deadline, ..Terms::default() }) };
    let category = catalogue::all(tx).await?.resolved(code);
    let urgency = incident.urgency.unwrap_or(Urgency::Routine);
    let Some(promise) = category.as_ref().and_then(|category| category.details.promise(urgency)) else {
        return Ok(Terms { deadline, ..Terms::default() });
    };
    let limit = |span: Span| Limit { amount: calendar.length(span), working: span.unit.is_working() };
    Ok(Terms {
        contact: promise.contact.map(limit),
        resolve: promise.resolve.map(limit),
        from_report: promise.from_report,
        deadline,
    })
}
