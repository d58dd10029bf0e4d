//! What a service gives the chassis to call.

use std::{panic::AssertUnwindSafe, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use sea_orm::DbErr;
use tonic::Code;

use super::Event;
use crate::{Fault, Refusal, data::Tx};

/// What a service does about an event.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Works in `tx`, which also notes the event as handled; several events may share one transaction, and all of it may be
    /// run again. Its only effects are rows: what else must happen goes out as an event or a timer.
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError>;
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// No other try can help: parked at once.
    #[error("{0}")]
    Useless(String),
    /// Another try may help, for example when what it builds on has not come yet: parked after the last.
    #[error("{0}")]
    Failed(String),
    #[error("the database refused it: {0}")]
    Db(#[from] DbErr),
}

/// A handler that panics or never ends has failed, and its transaction is rolled back as for any other failure.
pub(super) async fn guarded(
    work: impl Future<Output = Result<(), HandlerError>> + Send,
    limit: Duration,
) -> Result<(), HandlerError> {
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(HandlerError::Failed("the handler panicked; its message is in the log".to_owned())),
        Err(_) => Err(HandlerError::Failed(format!("the handler took more than {} s", limit.as_secs()))),
    }
}

/// Whether time alone may cure it: the database is away, full or busy.
pub(super) fn passes(error: &DbErr) -> bool {
    let (code, _) = Fault::Db(error.clone()).answer();
    matches!(code, Code::Unavailable | Code::ResourceExhausted | Code::Aborted)
}
