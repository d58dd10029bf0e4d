//! Whom to tell of a public warning by a knock at the door: drawn when it goes out, worked through, destroyed when it is
//! long over.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, SecretText, Tx},
    events::{Timer, timers},
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{App, By, CareListOf, care_list::living_in, households::DwellingView};
use crate::{
    Error,
    domain::call::CallOutcome,
    events,
    store::{HouseholdId, ResidentId, call, dwelling, household, resident},
};

/// The kind of the timer that destroys a list.
pub const DESTROY: &str = "residents.call_list_destroy";
/// How long after the warning expired the names are kept (Emergency Response Law 2024, Art. 85: then they are destroyed).
const KEPT: TimeDelta = TimeDelta::days(30);

/// A warning, as far as the list needs to know it.
#[derive(Clone, Debug)]
pub struct Warned {
    /// The first message of the warning.
    pub first: Uuid,
    pub area: AreaCode,
    pub exercise: bool,
    pub cancelled: bool,
    pub expires_at: DateTime<Utc>,
    /// Area, compound and number of each building.
    pub buildings: Vec<(AreaCode, String, String)>,
}

/// A list as far as the caller may see it; the figures are of the whole.
#[derive(Clone, Debug)]
pub struct CallListView {
    pub list: call::list::Model,
    /// Those not yet reached first.
    pub calls: Vec<CallView>,
}

/// One person to tell.
#[derive(Clone, Debug)]
pub struct CallView {
    pub call: call::Model,
    pub name: String,
    pub dwelling: Option<DwellingView>,
    /// The phone of somebody in the same household.
    pub household_phone: Option<SecretText>,
}

impl App {
    /// Draws the list of a warning that names buildings, adds to it what an update names, or closes it.
    pub(crate) async fn draw_call_list(&self, tx: &Tx, warned: Warned) -> Result<(), Error> {
        let Warned { first, area, exercise, cancelled, expires_at, buildings } = warned;
        let known = call::lock_list(tx, first).await?;
        if known.is_none() && buildings.is_empty() {
            return Ok(());
        }
        let mut list = known.unwrap_or(call::list::Model {
            id: first,
            area_code: area,
            exercise,
            expires_at,
            closed: false,
            to_call: 0,
            reached: 0,
            destroyed_at: None,
            version: 0,
        });
        if list.destroyed_at.is_some() {
            tracing::info!(warning = %first, "a warning came again whose call list was destroyed");
            return Ok(());
        }
        (list.area_code, list.expires_at, list.closed) = (area, expires_at, cancelled);
        // The row stands before those that name it.
        call::save_list(tx, list.clone()).await?;
        if !cancelled {
            let mut people = Vec::new();
            for (area, compound, building) in buildings {
                let of = CareListOf { area, building: Some((compound, building)) };
                people.extend(living_in(&Scope::everything(), tx, &of).await?.unwrap_or_default());
            }
            let without_phone = people.into_iter().filter(|person| person.phone.is_none());
            call::add(tx, without_phone.map(|person| to_tell(first, &person)).collect()).await?;
        }
        let destroy = Timer {
            kind: DESTROY.to_owned(),
            key: first.to_string(),
            due_at: expires_at + KEPT,
            payload: String::new(),
        };
        timers::set(tx, &destroy).await?;
        self.save_call_list(tx, list).await
    }

    /// The list of a warning.
    pub async fn call_list(&self, scope: &Scope, first: Uuid) -> Result<CallListView, Error> {
        let db = self.db.read();
        let list = call::get_list(db, first).await?;
        let calls = call::of(scope, db, first).await?;
        if calls.is_empty() && !scope.areas.contain(list.area_code) {
            return Err(Fault::NotFound("call list").into());
        }
        let mut calls = self.call_views(scope, calls).await?;
        calls.sort_by_key(|view| (view.call.outcome.is_some_and(CallOutcome::is_done), view.call.tried_at));
        Ok(CallListView { list, calls })
    }

    /// Notes what came of a try.
    pub async fn record_call(
        &self,
        by: &By,
        (first, resident): (Uuid, ResidentId),
        outcome: CallOutcome,
    ) -> Result<CallView, Error> {
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by) = (app.clone(), own.clone());
            Box::pin(async move {
                let list = call::lock_list(tx, first).await?.ok_or(Fault::NotFound("call list"))?;
                let who = (by.who.as_str(), app.clock.now());
                call::note(&by.scope, tx, (first, resident), outcome, who).await?;
                app.save_call_list(tx, list).await
            })
        });
        work.await?;
        let mut calls = call::of(&by.scope, self.db.read(), first).await?;
        calls.retain(|call| call.resident_id == resident);
        let mut views = self.call_views(&by.scope, calls).await?;
        views.pop().ok_or_else(|| Fault::NotFound("person on the call list").into())
    }

    /// Takes all names off a list whose warning is long over. What stays is how many there were.
    pub(crate) async fn destroy_call_list(&self, tx: &Tx, first: Uuid) -> Result<(), Error> {
        let Some(mut list) = call::lock_list(tx, first).await? else { return Ok(()) };
        let names = call::clear(tx, first).await?;
        list.destroyed_at = Some(self.clock.now());
        list.version += 1;
        tracing::info!(warning = %first, names, "the call list of a warning was destroyed");
        Ok(call::save_list(tx, list).await?)
    }

    /// Writes the list with its figures of now, and tells them.
    async fn save_call_list(&self, tx: &Tx, mut list: call::list::Model) -> Result<(), Error> {
        let calls = call::all_of(tx, list.id).await?;
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        list.to_call = number(calls.len());
        list.reached = number(calls.iter().filter(|c| c.outcome.is_some_and(CallOutcome::is_done)).count());
        list.version += 1;
        self.outbox.add(tx, events::calls_changed(&self.ids, &list, self.clock.now()));
        Ok(call::save_list(tx, list).await?)
    }

    async fn call_views(&self, scope: &Scope, calls: Vec<call::Model>) -> Result<Vec<CallView>, Error> {
        let db = self.db.read();
        let ids: Vec<ResidentId> = calls.iter().map(|call| call.resident_id).collect();
        let people = resident::by_ids(scope, db, &ids).await?;
        let homes: Vec<HouseholdId> = people.iter().filter_map(|person| person.household_id).collect();
        let households = household::by_ids(scope, db, &homes).await?;
        let places: Vec<_> = households.iter().map(|home| home.dwelling_id).collect();
        let dwellings = dwelling::by_ids(scope, db, &places).await?;
        let with_phone = resident::with_phone_in(scope, db, &homes).await?;
        let mut views = Vec::with_capacity(calls.len());
        for call in calls {
            // Whoever has moved out of the caller's area meanwhile is told of there.
            let Some(person) = people.iter().find(|person| person.id == call.resident_id) else { continue };
            let home = households.iter().find(|home| Some(home.id) == person.household_id);
            let place = home.and_then(|home| dwellings.iter().find(|place| place.id == home.dwelling_id));
            let dwelling = match place {
                Some(place) => Some(self.open_dwelling(place.clone()).await?),
                None => None,
            };
            let household_phone = match with_phone.iter().find(|other| other.household_id == person.household_id) {
                Some(other) => other.open_phone(&self.keys).await?,
                None => None,
            };
            views.push(CallView { call, name: person.name.clone(), dwelling, household_phone });
        }
        Ok(views)
    }
}

fn to_tell(list: Uuid, person: &resident::Model) -> call::Model {
    call::Model {
        list_id: list,
        resident_id: person.id,
        area_code: person.area_code,
        outcome: None,
        tried_by: None,
        tried_at: None,
    }
}
