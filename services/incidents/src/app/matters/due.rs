//! The time of a stage.

use chassis::{
    data::Tx,
    events::{Timer, timers},
};

use super::Wording;
use crate::{
    app::App,
    domain::{
        Actor, ActorKind,
        matter::{Command, Matter, MatterId, decide},
    },
    error::Error,
    events,
    store::matter,
};

/// The kind of timer that finds a stage without its end; its key is the matter's id.
pub const MATTER_DUE: &str = "incidents.matter_due";

impl App {
    /// Sets the timer to when the stage is due. A stage that was told to be late is told once.
    pub(super) async fn set_matter_timer(&self, tx: &Tx, id: MatterId, matter: &Matter) -> Result<(), Error> {
        let (kind, key) = (MATTER_DUE.to_owned(), id.to_string());
        match matter.due_at.filter(|_| !matter.overdue) {
            Some(due_at) => timers::set(tx, &Timer { kind, key, due_at, payload: "{}".to_owned() }).await?,
            None => {
                timers::cancel(tx, MATTER_DUE, &key).await?;
            }
        }
        Ok(())
    }

    /// A stage may be late: tells of it, once. False: somebody takes a step at this moment, and it must be tried again.
    pub async fn matter_due(&self, tx: &Tx, id: MatterId) -> Result<bool, Error> {
        // As with promises: waiting for the row with the timer in hand could wait for one who waits for the timer.
        let Some(row) = matter::find_free_locked(tx, id).await? else { return Ok(false) };
        let standing = row.matter()?;
        let now = self.clock.now();
        let Some(due_at) = standing.due_at.filter(|due_at| *due_at <= now && !standing.overdue) else {
            self.set_matter_timer(tx, id, &standing).await?;
            return Ok(true);
        };
        let system = Actor::new("system", ActorKind::System);
        if let Ok(decided) = decide(&standing, Command::RecordOverdue, system, now, self.closed_loop.matter) {
            self.outbox.add(tx, events::matter_overdue(&self.ids, &row, &decided.0, due_at, now));
            self.write_step(tx, row, decided, Wording::default()).await?;
        }
        Ok(true)
    }
}
