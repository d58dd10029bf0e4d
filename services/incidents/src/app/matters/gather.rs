//! Incidents in a matter: lifted into it, and told of each public step.

use chassis::{Fault, access::Call, data::Tx};

use crate::{
    app::{App, change::Beside, parts},
    domain::{
        self, Action, Actor, ActorKind, IncidentId,
        matter::{MatterId, Refused, StepKind},
    },
    error::Error,
    store::{
        incident,
        matter::{self, Model},
    },
};

impl App {
    /// Lifts an incident into a matter. It goes on as what it is.
    pub(super) async fn gather_in(&self, tx: &Tx, call: &Call, of: &Model, incident: IncidentId) -> Result<(), Error> {
        let scope = parts::reach(call);
        let row = incident::get(tx, &scope, incident).await?;
        if !of.area_code.contains(row.area_code) {
            let rule = format!("lies outside {}, which the matter is about: raise one for a wider area", of.area_code);
            return Err(Fault::field("incident_id", "area", rule).into());
        }
        let matter = MatterId(of.id);
        let actor = parts::acting(call, &scope, &row, Action::Gather);
        let command = domain::Command::Gather { matter };
        let decision = domain::decide(&row.incident()?, command, actor, self.clock.now(), self.policy)?;
        if !matter::note_gathered(tx, matter, incident).await? {
            return Err(Refused::GatheredBefore.into());
        }
        self.write_decision(tx, row, decision, Beside::said("")).await?;
        Ok(())
    }

    /// Whoever reported an incident in the matter reads what everybody may know of the step, in the incident's own timeline.
    pub(super) async fn tell_reporters(
        &self,
        tx: &Tx,
        matter: MatterId,
        step: StepKind,
        public: &str,
    ) -> Result<(), Error> {
        for id in matter::gathered_in(tx, matter).await? {
            let Some(row) = incident::find_locked(tx, IncidentId(id)).await? else { continue };
            let command = domain::Command::RecordMatter { matter, step };
            let system = Actor::new("system", ActorKind::System);
            // Whoever withdrew it hears no more.
            if let Ok(decision) = domain::decide(&row.incident()?, command, system, self.clock.now(), self.policy) {
                self.write_decision(tx, row, decision, Beside::said(public)).await?;
            }
        }
        Ok(())
    }
}
