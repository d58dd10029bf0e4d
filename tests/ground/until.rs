//! Waiting for what must come, and no longer than it may take on a busy machine.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(25);

/// Looks again and again until there is something; an error ends it at once.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} in vain: {what}");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until it is so.
pub(crate) async fn holds(what: &str, mut look: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    until(what, async || Ok(look().await?.then_some(()))).await
}
