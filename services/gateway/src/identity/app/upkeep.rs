//! Forgetting what serves no more.

use super::App;
use crate::identity::{
    error::Error,
    store::{device, session, throttle},
};

impl App {
    /// Removes sessions, tokens, devices and counters that are long over.
    pub async fn prune(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let pruned = self.db.write(move |tx| {
            Box::pin(async move {
                session::prune(tx, now).await?;
                device::prune(tx, now).await?;
                throttle::prune(tx, now).await?;
                Ok::<_, Error>(())
            })
        });
        pruned.await
    }
}
