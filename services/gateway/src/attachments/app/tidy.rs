//! Tidying up: rows whose content never came or is to go, and contents that no row names.
//!
//! A task and no timer of the chassis: a timer holds its write transaction open while it works, and a store far away may
//! take its time. Several copies of the service may do this at once; everything here can be done twice.

use std::time::Duration;

use chassis::run::Tasks;
use chrono::TimeDelta;
use futures::TryStreamExt;
use uuid::Uuid;

use crate::attachments::{Attachments, error::Error, store};

/// How often one round is made; 256 of them see the whole store.
const EVERY: Duration = Duration::from_mins(1);
/// A content that has not come in by then never will.
const UNFINISHED: TimeDelta = TimeDelta::hours(1);
/// Younger contents are left alone: their rows may lie in a transaction that is not yet seen.
const UNNAMED: TimeDelta = TimeDelta::days(1);

/// What one round has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that are gone, with their contents.
    pub rows: usize,
    /// Contents that no row named.
    pub contents: usize,
}

impl Attachments {
    pub(crate) async fn tidy(self, tasks: Tasks) {
        let [.., mut shard] = *self.0.ids.next::<Uuid>().as_bytes();
        while tasks.pause(EVERY).await {
            match self.sweep(shard).await {
                Ok(swept) if swept == Swept::default() => {}
                Ok(Swept { rows, contents }) => tracing::info!(rows, contents, "attachments are tidied up"),
                Err(error) => tracing::warn!(%error, "attachments are not tidied up; it is tried again"),
            }
            shard = shard.wrapping_add(1);
        }
    }

    /// Makes one round: all rows that are left over, and one of the store's 256 folders.
    pub async fn sweep(&self, shard: u8) -> Result<Swept, Error> {
        let now = self.0.clock.now();
        let mut swept = Swept::default();
        for row in store::left_over(self.0.db.read(), now - UNFINISHED).await? {
            match self.remove(&row, row.state).await {
                // It became whole, or another copy was first.
                Err(Error::Fault(chassis::Fault::NotFound(_))) => {}
                outcome => {
                    outcome?;
                    swept.rows += 1;
                }
            }
        }
        let objects = &self.opened()?.objects;
        let old: Vec<Uuid> = objects
            .list(shard)
            .try_filter_map(|(object, since)| async move { Ok((since < now - UNNAMED).then_some(object)) })
            .try_collect()
            .await?;
        for some in old.chunks(500) {
            let named = store::named(self.0.db.read(), some).await?;
            for object in some.iter().filter(|object| !named.contains(object)) {
                objects.delete(*object).await?;
                swept.contents += 1;
            }
        }
        if let Err(error) = objects.clear_unfinished(shard, now - UNNAMED).await {
            tracing::warn!(%error, "unfinished files in the folder of attachments are left there");
        }
        Ok(swept)
    }
}
