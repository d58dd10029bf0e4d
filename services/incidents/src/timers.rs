//! What this service does when a time has come.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chassis::{
    data::Tx,
    events::{HandlerError, Timer, TimerHandler, TimerHandlers},
};

use crate::{
    app::{App, PROMISE_DUE},
    domain::IncidentId,
    events::failed,
};

/// The handlers, by kind of timer.
pub fn promise_handlers(app: App) -> TimerHandlers {
    HashMap::from([(PROMISE_DUE, Arc::new(PromiseDue(app)) as Arc<dyn TimerHandler>)])
}

struct PromiseDue(App);

#[async_trait]
impl TimerHandler for PromiseDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let id = timer.key.parse().map_err(|_| HandlerError::Useless(format!("`{}` is no id", timer.key)))?;
        if self.0.promise_due(tx, IncidentId(id)).await.map_err(failed)? {
            Ok(())
        } else {
            Err(HandlerError::Failed("somebody changes the incident at this moment".to_owned()))
        }
    }
}
