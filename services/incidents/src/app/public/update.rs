//! Adds something to a report, for everybody to read, by whoever submitted it.

use chassis::{Fault, access::Call, data::Tx};

use crate::{
    App,
    app::{
        change::Beside,
        parts::{self, reach},
    },
    domain::{Command, IncidentId, Status, Visibility, decide, public},
    error::Error,
    store::{
        incident::{self, Model},
        public as table,
        public::posted,
    },
};

/// So often it is tried where others act on the report at the same moment.
const ATTEMPTS: u32 = 5;

/// What is to be added.
#[derive(Clone)]
pub struct NewUpdate {
    pub number: String,
    /// What the caller calls it.
    pub update_id: String,
    pub text: String,
    /// It is not solved, the caller says.
    pub reopen: bool,
}

impl App {
    /// Adds it, and answers the id of the entry. The same update again changes nothing.
    pub async fn add_public_update(&self, call: &Call, new: NewUpdate) -> Result<String, Error> {
        let row = self.submitted(call, &new.number).await?;
        let (id, number) = (IncidentId(row.id), row.number);
        for _ in 0..ATTEMPTS {
            if let Some(version) = posted::find(self.db.read(), id, call.subject(), &new.update_id).await? {
                return Ok(public::entry_id(&number, version));
            }
            let (app, caller, sent) = (self.clone(), call.clone(), new.clone());
            let written = self.db.write(move |tx| {
                let (app, caller, sent) = (app.clone(), caller.clone(), sent.clone());
                Box::pin(async move { app.add_in(tx, &caller, id, sent).await })
            });
            match written.await {
                Ok(version) => return Ok(public::entry_id(&number, version)),
                // Somebody else acts on it at this moment, or sent the same.
                Err(Error::Raced) => {}
                Err(Error::Fault(fault)) if fault.is_duplicate() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Raced)
    }

    /// A report that the caller submitted for the public.
    async fn submitted(&self, call: &Call, number: &str) -> Result<Model, Error> {
        let missing = Fault::NotFound("report of yours");
        let Some(number) = public::typed_number(number) else { return Err(missing.into()) };
        let row = table::find_numbered(self.db.read(), &number).await?;
        let own = |row: &Model| {
            public::came_for_the_public(row.channel.0)
                && row.reporter.as_deref() == Some(call.subject())
                && reach(call).admits(row.area_code, row.reporter.as_deref())
        };
        Ok(row.filter(own).ok_or(missing)?)
    }

    async fn add_in(&self, tx: &Tx, call: &Call, id: IncidentId, new: NewUpdate) -> Result<i64, Error> {
        let NewUpdate { number: _, update_id, text, reopen } = new;
        let scope = reach(call);
        let row = incident::get(tx, &scope, id).await?;
        let command = match row.state.0 {
            Status::WaitingReporter => Command::Answer,
            Status::SolutionProposed | Status::Closed if reopen => Command::Reopen,
            _ => Command::AddNote { visibility: Visibility::Public },
        };
        let actor = parts::acting(call, &scope, &row, command.action());
        let decision = decide(&row.incident()?, command, actor, self.clock.now(), self.policy)?;
        let version = row.version + 1;
        self.write_decision(tx, row, decision, Beside::said(&text)).await?;
        posted::note(tx, id, call.subject(), &update_id, version);
        Ok(version)
    }
}
