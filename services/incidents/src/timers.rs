//! What this service does when a time has come.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chassis::{
    data::Tx,
    events::{HandlerError, Timer, TimerHandler, TimerHandlers},
};
use uuid::Uuid;

use crate::{
    app::{App, DISPUTE_DUE, FIND_PATTERNS, MATTER_DUE, NEXT_LOOK, PROMISE_DUE, RECOUNT},
    domain::{IncidentId, matter::MatterId},
    events::failed,
};

/// The handlers, by kind of timer.
pub fn promise_handlers(app: App) -> TimerHandlers {
    HashMap::from([
        (PROMISE_DUE, Arc::new(PromiseDue(app.clone())) as Arc<dyn TimerHandler>),
        (RECOUNT, Arc::new(Recount(app))),
    ])
}

/// The handlers of disputes, matters, patterns, and of what comes back.
pub fn closed_loop_handlers(app: &App) -> TimerHandlers {
    HashMap::from([
        (DISPUTE_DUE, Arc::new(DisputeDue(app.clone())) as Arc<dyn TimerHandler>),
        (MATTER_DUE, Arc::new(MatterDue(app.clone()))),
        (NEXT_LOOK, Arc::new(NextLook(app.clone()))),
        (FIND_PATTERNS, Arc::new(FindPatterns(app.clone()))),
    ])
}

struct DisputeDue(App);

#[async_trait]
impl TimerHandler for DisputeDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        self.0.dispute_due(tx, IncidentId(id(timer)?)).await.map_err(failed)
    }
}

struct NextLook(App);

#[async_trait]
impl TimerHandler for NextLook {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        if self.0.take_up(tx, IncidentId(id(timer)?)).await.map_err(failed)? {
            Ok(())
        } else {
            Err(HandlerError::Failed("somebody changes the incident at this moment".to_owned()))
        }
    }
}

struct MatterDue(App);

#[async_trait]
impl TimerHandler for MatterDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        if self.0.matter_due(tx, MatterId(id(timer)?)).await.map_err(failed)? {
            Ok(())
        } else {
            Err(HandlerError::Failed("somebody changes the matter at this moment".to_owned()))
        }
    }
}

struct FindPatterns(App);

#[async_trait]
impl TimerHandler for FindPatterns {
    async fn fire(&self, tx: &Tx, _: &Timer) -> Result<(), HandlerError> {
        self.0.find_patterns(tx).await.map_err(failed)
    }
}

fn id(timer: &Timer) -> Result<Uuid, HandlerError> {
    timer.key.parse().map_err(|_| HandlerError::Useless(format!("`{}` is no id", timer.key)))
}

struct Recount(App);

#[async_trait]
impl TimerHandler for Recount {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        // Without a last one it begins.
        let after = timer.payload.parse().ok();
        self.0.recount_promises(tx, after).await.map_err(failed)
    }
}

struct PromiseDue(App);

#[async_trait]
impl TimerHandler for PromiseDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        if self.0.promise_due(tx, IncidentId(id(timer)?)).await.map_err(failed)? {
            Ok(())
        } else {
            Err(HandlerError::Failed("somebody changes the incident at this moment".to_owned()))
        }
    }
}
