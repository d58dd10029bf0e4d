//! Taking a file away.

use chassis::{
    Fault,
    access::{Call, Role},
    data::Tx,
};
use uuid::Uuid;

use crate::attachments::{
    Attachments,
    error::Error,
    records::Passed,
    store::{self, Model, State},
};

const MANAGERS: [Role; 2] = [Role::CommunityManager, Role::SubdistrictManager];

impl Attachments {
    /// Deletes a file for its sender, or for a manager of the record's area. Nobody sees it from then on, also where the
    /// store cannot be reached now.
    pub(crate) async fn delete(&self, call: &Call, passed: &Passed, id: Uuid) -> Result<(), Error> {
        let row = store::get(self.0.db.read(), id).await?;
        let area = row.record()?.readable(self.opened()?.services.clone(), call, passed).await?;
        let manages = MANAGERS.into_iter().any(|role| call.scope().acts_as(role, area));
        if !call.scope().owns(&row.added_by) && !manages {
            return Err(Error::NotYoursToDelete);
        }
        match self.remove(&row, State::Stored).await {
            Err(Error::Store(error)) => tracing::warn!(%error, "a deleted content is tidied up later"),
            outcome => outcome?,
        }
        Ok(())
    }

    /// Row first, so that nobody reads it, then the contents, then what the row was needed for.
    pub(super) async fn remove(&self, row: &Model, from: State) -> Result<(), Error> {
        let id = row.id;
        if from != State::Removed {
            let write = self.0.db.write(move |tx: &Tx| {
                Box::pin(async move { store::go(tx, id, from, State::Removed).await.map_err(Error::from) })
            });
            if !write.await? {
                return Err(Fault::NotFound("attachment").into());
            }
        }
        for object in row.objects() {
            self.opened()?.objects.delete(object).await?;
        }
        let write =
            self.0.db.write(move |tx: &Tx| Box::pin(async move { store::forget(tx, id).await.map_err(Error::from) }));
        write.await
    }
}
