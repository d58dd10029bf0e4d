//! Disputes of dispatches: decided by somebody from outside, in time, and kept beside the incident for whoever has to decide.

use chassis::{
    Fault,
    access::{Call, Role},
    data::{AreaCode, Page, Tx},
    events::{Timer, timers},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{App, Change, Order, Shown, parts};
use crate::{
    domain::{
        Command, Incident, IncidentId, Recorded, Refused,
        dispute::{Dispute, Outcome, Ruling},
        promise::Duty,
    },
    error::Error,
    events,
    store::{
        calendar,
        dispute::{self, NewDispute},
        incident,
    },
};

/// The kind of timer that finds a dispute undecided; its key is the incident's id.
pub const DISPUTE_DUE: &str = "incidents.dispute_due";

/// A decision that somebody takes.
#[derive(Clone, Debug)]
pub struct Decide {
    pub id: IncidentId,
    pub etag: String,
    pub ruling: Ruling,
    /// What the reporter reads.
    pub text: String,
}

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct DisputesOf {
    pub area: AreaCode,
    pub decided: bool,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

impl App {
    /// Decides a dispute.
    pub async fn decide_dispute(&self, call: &Call, decide: Decide) -> Result<Shown, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let write = self.db.write(move |tx| {
            let (app, caller, decide) = (app.clone(), caller.clone(), decide.clone());
            Box::pin(async move { app.decide_in(tx, &caller, decide).await })
        });
        self.show_one(call, write.await?).await
    }

    async fn decide_in(&self, tx: &Tx, call: &Call, decide: Decide) -> Result<incident::Model, Error> {
        let Decide { id, etag, ruling, text } = decide;
        let scope = parts::reach(call);
        let row = incident::get(tx, &scope, id).await?;
        // A grant that does not count for this call says all the same where somebody belongs.
        let in_unit = call.grants().iter().any(|grant| grant.unit.is_some() && grant.unit == row.unit);
        if in_unit && row.incident()?.handing.is_disputed() {
            return Err(Refused::OfTheUnit.into());
        }
        let above = scope.acts_as(Role::SubdistrictManager, row.area_code);
        let decided_as = if above { Duty::SubdistrictManager } else { Duty::CommunityManager };
        let order = Order::Command(Command::DecideDispute { ruling, decided_as });
        self.change_in(tx, call, Change { id, etag, order, text }).await
    }

    /// Disputes of an area, the one that is due first at the top, and the token of the next page.
    pub async fn disputes(&self, call: &Call, of: DisputesOf) -> Result<(Vec<dispute::Model>, String), Error> {
        let DisputesOf { area, decided, page } = of;
        Ok(dispute::list(self.db.read(), call.scope(), (area, decided), &page).await?)
    }

    /// Keeps the list of disputes as the incident has it now.
    pub(super) async fn keep_dispute(
        &self,
        tx: &Tx,
        (was, is): (&Incident, &Incident),
        events: &[Recorded],
        area: AreaCode,
    ) -> Result<(), Error> {
        let key = is.id.to_string();
        let Some(Recorded { at, actor, event: _ }) = events.first() else { return Ok(()) };
        match (was.handing.dispute, is.handing.dispute) {
            (Dispute::Open { .. }, Dispute::Open { .. }) => {}
            (_, Dispute::Open { basis, at }) => {
                let unit = is.unit.clone().ok_or_else(|| Fault::Internal("a dispute without a unit".to_owned()))?;
                let office = calendar::working(tx, "").await?;
                let due_at = office.add_working(at, self.closed_loop.dispute_limit);
                let id = self.ids.next();
                dispute::open(tx, NewDispute { id, incident: is.id, area, unit: unit.0.clone(), basis, at, due_at });
                let kind = DISPUTE_DUE.to_owned();
                timers::set(tx, &Timer { kind, key, due_at, payload: "{}".to_owned() }).await?;
                self.outbox.add(tx, events::disputed(&self.ids, is, area, unit, due_at, at));
            }
            (Dispute::Open { .. }, now) => {
                // The timer takes its own row before the dispute's; so does this.
                timers::cancel(tx, DISPUTE_DUE, &key).await?;
                let outcome = match now {
                    Dispute::Decided { outcome } => outcome,
                    // Given to another unit, whose dispatch stands undisputed.
                    Dispute::None | Dispute::Open { .. } => decided(events),
                };
                dispute::close(tx, is.id, outcome, &actor.id, *at).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Nobody has decided in time: tells of it, once.
    pub async fn dispute_due(&self, tx: &Tx, incident: IncidentId) -> Result<(), Error> {
        if let Some(late) = dispute::note_overdue(tx, incident).await? {
            self.outbox.add(tx, events::dispute_overdue(&self.ids, &late, self.clock.now()));
        }
        Ok(())
    }
}

fn decided(events: &[Recorded]) -> Outcome {
    let outcome = events.iter().find_map(|recorded| match recorded.event {
        crate::domain::Event::DisputeDecided { outcome, .. } => Some(outcome),
        _ => None,
    });
    outcome.unwrap_or(Outcome::Moot)
}
