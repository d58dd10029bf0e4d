//! Takes one report out of what everybody is shown.

use chassis::{access::Call, data::Tx};

use crate::{
    App,
    app::parts::reach,
    domain::IncidentId,
    error::Error,
    store::{incident, public::publication},
};

impl App {
    /// Takes it out, or puts it back. Who did it last, and when, stays with it.
    pub async fn withhold(&self, call: &Call, id: IncidentId, withheld: bool) -> Result<(), Error> {
        let (scope, by, now) = (reach(call), call.subject().to_owned(), self.clock.now());
        let write = self.db.write(move |tx: &Tx| {
            let (scope, by) = (scope.clone(), by.clone());
            Box::pin(async move {
                incident::get(tx, &scope, id).await?;
                publication::withhold(tx, id, withheld, &by, now).await.map_err(Error::from)
            })
        });
        write.await
    }
}
