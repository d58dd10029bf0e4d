//! Whatever happens to an incident after its report: read, ask the rule, write row, timeline and events together.

use chassis::{
    access::{Call, Scope},
    data::{AreaCode, Sealed, Tx, check_etag},
};
use sea_orm::{ActiveValue::Set, TryIntoModel};

use super::{App, Shown, catalogue, parts, problem::Before, promise::Kept};
use crate::{
    domain::{CategoryCode, Command, Decision, IncidentId, Parent, Status, Unit, Urgency, catalogue::Answer, decide},
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
    Triage {
        category: CategoryCode,
        urgency: Urgency,
        endangers: Option<Building>,
        answers: Vec<Answer>,
    },
    /// To the unit that the catalogue names first.
    DispatchByCatalogue,
    JoinDuplicate {
        parent: IncidentId,
    },
}

/// What a decision brings into the row beside the incident's life.
pub(super) struct Beside<'t> {
    text: &'t str,
    danger: Danger,
    answers: Answers,
    /// Whoever acts does so for the unit that has the incident.
    by_unit: bool,
}

impl<'t> Beside<'t> {
    /// Nothing but what was said, which may be nothing.
    pub(super) const fn said(text: &'t str) -> Self {
        Self { text, danger: Danger::NotAssessed, answers: Answers::Stay, by_unit: false }
    }
}

/// What becomes of the answers to the category's questions.
pub(super) enum Answers {
    Stay,
    /// None: there are none.
    Are(Option<Sealed>),
}

/// An order with all that the rule must know, and what it brings into the row.
struct Ordered {
    row: Model,
    command: Command,
    danger: Danger,
    answers: Answers,
}

impl Ordered {
    const fn plain(row: Model, command: Command) -> Self {
        Self { row, command, danger: Danger::NotAssessed, answers: Answers::Stay }
    }
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

    pub(super) async fn change_in(&self, tx: &Tx, call: &Call, change: Change) -> Result<Model, Error> {
        let Change { id, etag, order, text } = change;
        let scope = parts::reach(call);
        let Ordered { row, command, danger, answers } = self.read(tx, &scope, id, order).await?;
        check_etag(&etag, row.version)?;
        let action = command.action();
        let actor = parts::acting(call, &scope, &row, action);
        let kind = actor.kind;
        let decision = decide(&row.incident()?, command, actor, self.clock.now(), self.policy)?;
        parts::check_unit(&scope, &row, kind, action)?;
        let by_unit = parts::for_unit(&scope, &row, kind);
        self.note_mandate(tx, call, row.id);
        self.write_decision(tx, row, decision, Beside { text: &text, danger, answers, by_unit }).await
    }

    /// Writes what was decided and what it does to the promise, unless the row is no longer the one that was read. Answers
    /// the row as it is then.
    pub(super) async fn write_decision(
        &self,
        tx: &Tx,
        row: Model,
        mut decision: Decision,
        beside: Beside<'_>,
    ) -> Result<Model, Error> {
        let kept = self.keep_promise(tx, &row, &mut decision, beside.by_unit).await?;
        self.write_decided(tx, row, decision, beside, kept).await
    }

    /// The same where the promise is known already.
    pub(super) async fn write_decided(
        &self,
        tx: &Tx,
        row: Model,
        decision: Decision,
        beside: Beside<'_>,
        kept: Option<Kept>,
    ) -> Result<Model, Error> {
        let Decision { mut next, events } = decision;
        let now = self.clock.now();
        let was = row.incident()?;
        // A building whose count stands is not asked for again. One without a count is: the register may know it by now.
        let counted = row.endangers().filter(|_| row.need_help.is_some());
        let named = beside.danger.building().filter(|building| counted.as_ref() != Some(building)).cloned();
        if named.is_some() {
            // The answer was about another building.
            next.need_help = None;
        }
        let (read, from, area) = (row.version, row.state.0, row.area_code);
        let mut changed = incident::life(row.into(), &next, now)?;
        if let Danger::Assessed(building) = beside.danger {
            changed.endangers_area = Set(building.as_ref().map(|building| building.area));
            changed.endangers_compound = Set(building.as_ref().map(|building| building.compound.clone()));
            changed.endangers_building = Set(building.map(|building| building.building));
        }
        if let Answers::Are(answers) = beside.answers {
            changed.answers = Set(answers);
        }
        if !incident::update(tx, changed.clone(), read).await? {
            return Err(Error::Raced);
        }
        let written = changed.try_into_model()?;
        if let Some(kept) = kept {
            self.write_promise(tx, &written, kept).await?;
        }
        // Boxed as the next but one is: most changes need neither, and a large future is copied with each of them.
        Box::pin(self.keep_dispute(tx, (&was, &next), &events, area)).await?;
        self.keep_next_look(tx, &was, &next).await?;
        // What was said belongs to what was done, and not to what follows from it.
        let texts = std::iter::once(beside.text).chain(std::iter::repeat(""));
        let decided = Decision { next: next.clone(), events: events.clone() };
        self.write_entries(tx, (from, read, area), decided, texts)?;
        if let Some(building) = named {
            self.outbox.add(tx, events::endangered(&self.ids, &next, building, now));
        }
        Box::pin(self.follow_problem(tx, written, Before { incident: was, events: &events, said: beside.text })).await
    }

    /// The entries of a decision, with what was said at each, and what others are told of it.
    pub(super) fn write_entries<'t>(
        &self,
        tx: &Tx,
        (from, read, area): (Status, i64, AreaCode),
        decision: Decision,
        texts: impl Iterator<Item = &'t str>,
    ) -> Result<(), Error> {
        let Decision { next, events } = decision;
        for ((version, recorded), text) in (read + 1..).zip(events).zip(texts) {
            if let Some(event) = events::changed(&self.ids, &next, from, &recorded, version, area) {
                self.outbox.add(tx, event);
            }
            let entry = self.ids.next();
            let text = self.seal(TEXT.at(entry), Some(text))?;
            timeline::append(tx, timeline::Entry { id: entry, incident: next.id, version, recorded, text })?;
        }
        Ok(())
    }

    /// The incident, and the order as a command with all that the rule must know.
    async fn read(&self, tx: &Tx, scope: &Scope, id: IncidentId, order: Order) -> Result<Ordered, Error> {
        match order {
            Order::Command(command) => Ok(Ordered::plain(incident::get(tx, scope, id).await?, command)),
            Order::Triage { category, urgency, endangers, answers } => {
                if endangers.as_ref().is_some_and(|building| !scope.areas.contain(building.area)) {
                    return Err(Error::AreaNotGranted { field: "endangers.area_code" });
                }
                let row = incident::get(tx, scope, id).await?;
                let answers = self.assess(tx, &row, &category, urgency, answers).await?;
                let command = Command::Triage { category, urgency, endangers_building: endangers.is_some() };
                Ok(Ordered { row, command, danger: Danger::Assessed(endangers), answers })
            }
            Order::DispatchByCatalogue => {
                let row = incident::get(tx, scope, id).await?;
                let unit = route(tx, &row).await?;
                Ok(Ordered::plain(row, Command::Dispatch { unit }))
            }
            Order::JoinDuplicate { parent } => {
                let parent = self.lead_of(tx, scope, id, parent).await?;
                let (row, parent) = incident::get_pair(tx, scope, (id, parent)).await?;
                let duplicate_of = parent.duplicate_of.map(IncidentId);
                let parent = Parent { id: IncidentId(parent.id), status: parent.state.0, duplicate_of };
                Ok(Ordered::plain(row, Command::JoinDuplicate { parent }))
            }
        }
    }

    /// Whether the category may be named and its questions are answered. New answers replace the old; without any, those of
    /// the same category stay.
    async fn assess(
        &self,
        tx: &Tx,
        row: &Model,
        category: &CategoryCode,
        urgency: Urgency,
        answers: Vec<Answer>,
    ) -> Result<Answers, Error> {
        let same = row.category.as_deref() == Some(category.as_str());
        // A category that has been retired since may stay where it is.
        let found = if same { catalogue::known(tx, category).await? } else { catalogue::usable(tx, category).await? };
        let stay = answers.is_empty() && same;
        let effective = if stay { self.answers(row).await? } else { answers };
        catalogue::check(&found, &effective, catalogue::stage_of(urgency))?;
        if stay {
            return Ok(Answers::Stay);
        }
        Ok(Answers::Are(self.seal_answers(row.id, &effective)?))
    }
}

/// The unit that the catalogue names first for category and place; where that one has not accepted, the next.
async fn route(tx: &Tx, row: &Model) -> Result<Unit, Error> {
    let code = row.category.clone().map(CategoryCode::recorded).ok_or(Error::NoRoute { category: None })?;
    let category = catalogue::known(tx, &code).await?;
    let routes = category.details.routes(row.area_code);
    let unit = routes.iter().find(|unit| row.unit.as_deref() != Some(**unit));
    unit.map(|unit| Unit((*unit).to_owned())).ok_or(Error::NoRoute { category: Some(code) })
}
