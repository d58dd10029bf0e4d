//! One problem, many reporters: what happens to the incident that leads it is written to all that were joined to it, in the same
//! transaction.

use std::collections::HashMap;

use chassis::{
    Fault,
    access::{Call, Scope},
    data::{SecretText, Tx},
};
use sea_orm::{ActiveValue::Set, TryIntoModel};
use uuid::Uuid;

use super::{App, parts::reach, promise::Kept};
use crate::{
    domain::{
        Event, Incident, IncidentId,
        problem::{self, Done, Follow, Words},
    },
    error::Error,
    store::{
        calendar,
        incident::{self, Model},
        problem as table, promise as promises,
        timeline::TEXT,
    },
};

/// How many joined reports are shown.
const SHOWN: u64 = 500;

/// A problem with its reports.
#[derive(Clone, Debug)]
pub struct ShownProblem {
    pub lead: Model,
    pub joined: Vec<Model>,
    /// All that are answered with it, the lead's own among them.
    pub reports: u64,
    pub asked: u64,
}

/// What an incident was before, and what was said with what was done to it.
pub(super) struct Before<'b> {
    pub(super) incident: Incident,
    pub(super) events: &'b [crate::domain::Recorded],
    pub(super) said: &'b str,
}

impl App {
    /// The problem that an incident belongs to.
    pub async fn problem(&self, call: &Call, id: IncidentId) -> Result<ShownProblem, Error> {
        let (scope, db) = (reach(call), self.db.read());
        let row = incident::get(db, &scope, id).await?;
        let lead = match row.duplicate_of {
            Some(lead) => incident::get(db, &scope, IncidentId(lead)).await?,
            None => row,
        };
        let id = IncidentId(lead.id);
        let joined = table::joined(db, &scope, id, SHOWN).await?;
        let (count, asked) = table::count(db, &scope, id).await?;
        Ok(ShownProblem { lead, joined, reports: count + 1, asked })
    }

    /// The incident that leads the problem of `parent`, which is what something is joined to: so that no chain arises. What
    /// already leads to `id` stays, to be refused by its name.
    pub(super) async fn lead_of(
        &self,
        tx: &Tx,
        scope: &Scope,
        id: IncidentId,
        parent: IncidentId,
    ) -> Result<IncidentId, Error> {
        let named = incident::get(tx, scope, parent).await?;
        Ok(named.duplicate_of.map(IncidentId).filter(|lead| *lead != id).unwrap_or(parent))
    }

    /// Writes what follows for the other incidents of the problem, and answers the row as it is then.
    pub(super) async fn follow_problem(&self, tx: &Tx, row: Model, before: Before<'_>) -> Result<Model, Error> {
        let Before { incident: was, events, said } = before;
        if !problem::concerns_others(events) {
            return Ok(row);
        }
        let rows = table::lock_joined(tx, IncidentId(row.id)).await?;
        let target = match events.first().map(|recorded| &recorded.event) {
            Some(Event::JoinedDuplicate { duplicate_of, .. }) => {
                incident::of_ids(tx, &Scope::everything(), [duplicate_of.0]).await?.remove(&duplicate_of.0)
            }
            _ if rows.is_empty() => return Ok(row),
            _ => None,
        };
        let joined = rows.iter().map(Model::incident).collect::<Result<Vec<_>, _>>()?;
        let (after, lead) = (row.incident()?, target.as_ref().map(Model::incident).transpose()?);
        let done = Done { before: &was, after: &after, events };
        let follows = problem::follow(done, &joined, lead.as_ref(), self.clock.now());
        if let Some(target) = &target {
            table::move_emergency(tx, row.id, target.id).await?;
        }
        let solution = match &target {
            Some(target) => self.last_solution(tx, IncidentId(target.id)).await?,
            None => None,
        };
        let said = Sayings { said, solution };
        let mut all: HashMap<Uuid, Model> = rows.into_iter().map(|row| (row.id, row)).collect();
        let (id, former) = (row.id, row.clone());
        all.insert(id, row);
        for follow in follows {
            let Some(row) = all.remove(&follow.decision.next.id.0) else { continue };
            let written = self.write_follow(tx, row, follow, &former, &said).await?;
            all.insert(written.id, written);
        }
        all.remove(&id).ok_or_else(|| Fault::Internal(format!("incident {id} got lost in its problem")).into())
    }

    async fn write_follow(
        &self,
        tx: &Tx,
        row: Model,
        follow: Follow,
        former: &Model,
        said: &Sayings<'_>,
    ) -> Result<Model, Error> {
        let Follow { mut decision, words, leads } = follow;
        let kept = if leads { self.handed_on(tx, former).await? } else { None };
        if let Some(kept) = &kept {
            kept.tell(&mut decision, self.clock.now());
        }
        let (read, from, was) = (row.version, row.state.0, row.incident()?);
        let mut changed = incident::life(row.into(), &decision.next, self.clock.now())?;
        if leads {
            changed.endangers_area = Set(former.endangers_area);
            changed.endangers_compound = Set(former.endangers_compound.clone());
            changed.endangers_building = Set(former.endangers_building.clone());
            table::move_emergency(tx, former.id, decision.next.id.0).await?;
        }
        if !incident::update(tx, changed.clone(), read).await? {
            return Err(Error::Raced);
        }
        let written = changed.try_into_model()?;
        if let Some(kept) = kept {
            self.write_promise(tx, &written, kept).await?;
        }
        self.keep_next_look(tx, &was, &decision.next).await?;
        let texts = words.iter().map(|words| said.of(*words)).chain(std::iter::repeat(""));
        self.write_entries(tx, (from, read, written.area_code), decision, texts)?;
        Ok(written)
    }

    /// What was promised for a lead that was withdrawn while its time ran.
    async fn handed_on(&self, tx: &Tx, former: &Model) -> Result<Option<Kept>, Error> {
        let Some(standing) = promises::find(tx, IncidentId(former.id)).await? else { return Ok(None) };
        let unit = standing.calendar.clone();
        let Some(promise) = standing.promise()?.handed_on(&self.rules, self.clock.now()) else { return Ok(None) };
        let calendar = calendar::working(tx, &unit).await?;
        Ok(Some(Kept { promise, unit, calendar }))
    }

    async fn last_solution(&self, tx: &Tx, lead: IncidentId) -> Result<Option<SecretText>, Error> {
        let Some(entry) = table::last_solution(tx, lead).await? else { return Ok(None) };
        self.open(TEXT.at(entry.id), entry.text.as_ref()).await
    }
}

/// The words that may go with an entry.
struct Sayings<'s> {
    said: &'s str,
    solution: Option<SecretText>,
}

impl Sayings<'_> {
    fn of(&self, words: Words) -> &str {
        match words {
            Words::None => "",
            Words::Said => self.said,
            Words::Solution => self.solution.as_ref().map_or("", SecretText::expose),
        }
    }
}
