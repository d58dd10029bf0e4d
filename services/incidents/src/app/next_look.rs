//! What could not be solved comes back on its day.

use chassis::{
    data::Tx,
    events::{Timer, timers},
};

use super::{App, change::Beside};
use crate::{
    domain::{Actor, ActorKind, Command, Incident, IncidentId, china::midnight, decide},
    error::Error,
    store::incident,
};

/// The kind of timer that brings an incident back; its key is the incident's id.
pub const NEXT_LOOK: &str = "incidents.next_look";

impl App {
    /// Sets the timer to the day of the next look.
    pub(super) async fn keep_next_look(&self, tx: &Tx, was: &Incident, is: &Incident) -> Result<(), Error> {
        if was.next_look_on == is.next_look_on {
            return Ok(());
        }
        let (kind, key) = (NEXT_LOOK.to_owned(), is.id.to_string());
        match is.next_look_on {
            Some(day) => {
                timers::set(tx, &Timer { kind, key, due_at: midnight(day), payload: "{}".to_owned() }).await?;
            }
            None => {
                timers::cancel(tx, NEXT_LOOK, &key).await?;
            }
        }
        Ok(())
    }

    /// The day has come: it waits to be dispatched again. False: somebody changes the incident at this moment, and it must be
    /// tried again.
    pub async fn take_up(&self, tx: &Tx, id: IncidentId) -> Result<bool, Error> {
        let Some(row) = incident::find_free_locked(tx, id).await? else { return Ok(false) };
        let system = Actor::new("system", ActorKind::System);
        match decide(&row.incident()?, Command::TakeUp, system, self.clock.now(), self.policy) {
            Ok(decision) => {
                self.write_decision(tx, row, decision, Beside::said("")).await?;
            }
            Err(refused) => tracing::info!(incident = %id, reason = refused.reason(), "somebody looked before"),
        }
        Ok(true)
    }
}
