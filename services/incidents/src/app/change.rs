//! Whatever happens to an incident after its report: read, ask the rule, write row, timeline and events together.

use chassis::{
    access::{Call, Scope},
    data::{Tx, check_etag},
};
use sea_orm::{ActiveValue::Set, TryIntoModel};

use super::{App, Shown, parts};
use crate::{
    domain::{CategoryCode, Command, Decision, IncidentId, Parent, Urgency, decide},
    error::Error,
    events,
    store::{
        incident::{self, Building, Model},
        timeline::{self, TEXT},
    },
};

/// One change that somebody wants.
#[derive(Clone)]
pub struct Change {
    pub id: IncidentId,
    /// Of the version that the caller read; empty: whatever it is.
    pub etag: String,
    pub order: Order,
    /// What is said with it: a note, a reason, a question; empty where nothing is.
    pub text: String,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Order {
    Command(Command),
    Triage { category: CategoryCode, urgency: Urgency, endangers: Option<Building> },
    JoinDuplicate { parent: IncidentId },
}

/// What a decision brings into the row beside the incident's life.
pub(super) struct Beside<'t> {
    pub(super) text: &'t str,
    pub(super) danger: Danger,
}

/// What is said of a building in danger.
pub(super) enum Danger {
    NotAssessed,
    /// None: no building is.
    Assessed(Option<Building>),
}

impl Danger {
    fn building(&self) -> Option<&Building> {
        match self {
            Self::NotAssessed => None,
            Self::Assessed(building) => building.as_ref(),
        }
    }
}

impl App {
    /// Does it, or says why not.
    pub async fn change(&self, call: &Call, change: Change) -> Result<Shown, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let write = self.db.write(move |tx| {
            let (app, caller, change) = (app.clone(), caller.clone(), change.clone());
            Box::pin(async move { app.change_in(tx, &caller, change).await })
        });
        self.show_one(call, write.await?).await
    }

    async fn change_in(&self, tx: &Tx, call: &Call, change: Change) -> Result<Model, Error> {
        let Change { id, etag, order, text } = change;
        let scope = parts::reach(call);
        let (row, command, danger) = read(tx, &scope, id, order).await?;
        check_etag(&etag, row.version)?;
        let action = command.action();
        let actor = parts::acting(call, &scope, &row, action);
        let kind = actor.kind;
        let decision = decide(&row.incident()?, command, actor, self.clock.now(), self.policy)?;
        parts::check_unit(&scope, &row, kind, action)?;
        self.write_decision(tx, row, decision, Beside { text: &text, danger }).await
    }

    /// Writes what was decided, unless the row is no longer the one that was read. Answers the row as it is then.
    pub(super) async fn write_decision(
        &self,
        tx: &Tx,
        row: Model,
        decision: Decision,
        beside: Beside<'_>,
    ) -> Result<Model, Error> {
        let Decision { mut next, events } = decision;
        let now = self.clock.now();
        // A building whose count stands is not asked for again. One without a count is: the register may know it by now.
        let counted = row.endangers().filter(|_| row.need_help.is_some());
        let named = beside.danger.building().filter(|building| counted.as_ref() != Some(building)).cloned();
        if named.is_some() {
            // The answer was about another building.
            next.need_help = None;
        }
        let (id, read, from, area) = (next.id, row.version, row.state.0, row.area_code);
        let mut changed = incident::life(row.into(), &next, now)?;
        if let Danger::Assessed(building) = beside.danger {
            changed.endangers_area = Set(building.as_ref().map(|building| building.area));
            changed.endangers_compound = Set(building.as_ref().map(|building| building.compound.clone()));
            changed.endangers_building = Set(building.map(|building| building.building));
        }
        if !incident::update(tx, changed.clone(), read).await? {
            return Err(Error::Raced);
        }
        for (version, recorded) in (read + 1..).zip(events) {
            if let Some(event) = events::changed(&self.ids, &next, from, &recorded, version, area) {
                self.outbox.add(tx, event);
            }
            let entry = self.ids.next();
            let text = self.seal(TEXT.at(entry), Some(beside.text))?;
            timeline::append(tx, timeline::Entry { id: entry, incident: id, version, recorded, text })?;
        }
        if let Some(building) = named {
            self.outbox.add(tx, events::endangered(&self.ids, &next, building, now));
        }
        Ok(changed.try_into_model()?)
    }
}

/// The incident, and the order as a command with all that the rule must know.
async fn read(tx: &Tx, scope: &Scope, id: IncidentId, order: Order) -> Result<(Model, Command, Danger), Error> {
    Ok(match order {
        Order::Command(command) => (incident::get(tx, scope, id).await?, command, Danger::NotAssessed),
        Order::Triage { category, urgency, endangers } => {
            if endangers.as_ref().is_some_and(|building| !scope.areas.contain(building.area)) {
                return Err(Error::AreaNotGranted { field: "endangers.area_code" });
            }
            let command = Command::Triage { category, urgency, endangers_building: endangers.is_some() };
            (incident::get(tx, scope, id).await?, command, Danger::Assessed(endangers))
        }
        Order::JoinDuplicate { parent } => {
            let (row, parent) = incident::get_pair(tx, scope, (id, parent)).await?;
            let duplicate_of = parent.duplicate_of.map(IncidentId);
            let parent = Parent { id: IncidentId(parent.id), status: parent.state.0, duplicate_of };
            (row, Command::JoinDuplicate { parent }, Danger::NotAssessed)
        }
    })
}
