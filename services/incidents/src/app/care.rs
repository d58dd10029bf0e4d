//! The answer of residents to a building in danger.

use chassis::data::Tx;

use super::{App, change::Beside};
use crate::{
    domain::{Actor, ActorKind, Command, IncidentId, decide},
    error::Error,
    store::incident::{self, Building},
};

/// What residents knows of an endangered building.
#[derive(Clone, Debug)]
pub struct CareList {
    pub incident: IncidentId,
    pub building: Building,
    /// None: the register does not know the building.
    pub needs: Option<Needs>,
}

/// How many people live in a building, and how many of them need help.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    pub residents: u32,
    pub need_help: u32,
}

impl App {
    /// Writes the numbers, or that there are none to be had, into the incident and its timeline. An incident that is not here, that no longer names this
    /// building, or whose state takes no such entry is left alone: the answer has come too late to matter.
    pub async fn record_care_list(&self, tx: &Tx, drawn: CareList) -> Result<(), Error> {
        let CareList { incident: id, building, needs } = drawn;
        let Some(row) = incident::find_locked(tx, id).await?.filter(|row| row.endangers() == Some(building)) else {
            tracing::info!(incident = %id, "a care list came for an incident that does not ask for it");
            return Ok(());
        };
        let command = match needs {
            Some(Needs { residents, need_help }) => Command::RecordCareList { residents, need_help },
            None => Command::RecordBuildingUnknown,
        };
        let actor = Actor::new("system", ActorKind::System);
        match decide(&row.incident()?, command, actor, self.clock.now(), self.policy) {
            Ok(decision) => {
                self.write_decision(tx, row, decision, Beside::said("")).await?;
            }
            Err(refused) => tracing::info!(incident = %id, reason = refused.reason(), "a care list came too late"),
        }
        Ok(())
    }
}
