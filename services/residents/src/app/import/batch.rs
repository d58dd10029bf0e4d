//! One batch: learnt, decided, written.

use std::sync::Arc;

use super::{
    known::{Known, Wanted},
    person::{Effect, Person, Statement},
};
use crate::{
    Error,
    app::App,
    domain::{facts::Source, national_id::NationalId, phone::Phone, standing::Status},
    store::{HouseholdId, household, resident},
    survey::row::SurveyRow,
};

/// Rows that are taken together.
#[derive(Clone)]
pub(in crate::app) struct Batch {
    pub(in crate::app) rows: Arc<Vec<Said>>,
    /// Marks the people as made up.
    pub(in crate::app) synthetic: bool,
}

/// What a row says.
pub(in crate::app) struct Said {
    pub(in crate::app) row: SurveyRow,
    /// No later row of the file speaks of the same person at the same visit: so where this one contradicts what is kept
    /// of that day, it puts it right.
    pub(in crate::app) is_last_word: bool,
}

/// What batches did.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Tally {
    pub(in crate::app) created: u64,
    pub(in crate::app) updated: u64,
    pub(in crate::app) unchanged: u64,
    pub(in crate::app) households_created: u64,
    pub(in crate::app) grids_created: u64,
}

impl Tally {
    pub(in crate::app) fn add(&mut self, other: &Self) {
        let Self { created, updated, unchanged, households_created, grids_created } = other;
        self.created += created;
        self.updated += updated;
        self.unchanged += unchanged;
        self.households_created += households_created;
        self.grids_created += grids_created;
    }

    fn count(&mut self, effect: Effect) {
        match effect {
            Effect::Created => self.created += 1,
            Effect::Updated => self.updated += 1,
            Effect::Unchanged => self.unchanged += 1,
        }
    }
}

/// How often a batch is taken again where somebody else wrote one of its people at the same time.
const TRIES: u32 = 3;

impl App {
    /// Takes a batch for good.
    pub(in crate::app) async fn write_batch(&self, batch: Batch) -> Result<Tally, Error> {
        let mut tries = 1;
        loop {
            let (app, batch) = (self.clone(), batch.clone());
            let work = self.db.write(move |tx| {
                let (app, batch) = (app.clone(), batch.clone());
                Box::pin(async move {
                    let mut known = Known::default();
                    let tally = app.take(tx, &batch, &mut known).await?;
                    app.write_known(tx, &known).await?;
                    Ok::<_, Error>(tally)
                })
            });
            match work.await {
                Err(error) if error.is_duplicate() && tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    /// Takes a batch into `known` alone and writes nothing.
    pub(super) async fn try_batch(&self, batch: Batch, mut known: Known) -> Result<(Tally, Known), Error> {
        let tally = self.take(self.db.read(), &batch, &mut known).await?;
        known.settle();
        Ok((tally, known))
    }

    async fn take(&self, db: &impl sea_orm::ConnectionTrait, batch: &Batch, known: &mut Known) -> Result<Tally, Error> {
        let wanted: Vec<Wanted<'_>> = batch.rows.iter().map(|said| Wanted::of(self, said)).collect();
        known.learn(db, &wanted).await?;
        let (grids, homes) = (known.new_grids.len(), known.new_households.len());
        let mut tally = Tally::default();
        for wanted in &wanted {
            known.make_grid(wanted.row.area);
            let home = self.home(known, wanted)?;
            tally.count(self.take_row(known, wanted, &home, batch.synthetic)?);
        }
        tally.grids_created = (known.new_grids.len() - grids) as u64;
        tally.households_created = (known.new_households.len() - homes) as u64;
        Ok(tally)
    }

    fn take_row(
        &self,
        known: &mut Known,
        wanted: &Wanted<'_>,
        home: &household::Model,
        synthetic: bool,
    ) -> Result<Effect, Error> {
        let (now, today) = (self.clock.now(), self.today());
        if let Some((person, leads)) = known.find(wanted) {
            // A number that is kept with a merged record stays there.
            let number = wanted.number.as_ref().filter(|_| !leads);
            let effect = person.take(
                &self.keys,
                &Statement { row: wanted.row, is_last_word: wanted.is_last_word, number, home, now, today },
            )?;
            let (id, lives) = (person.row().id, person.row().household_id);
            if let Some(lives) = lives {
                known.lives_in(lives, id);
            }
            if let Some(number) = number {
                known.number_of(number.clone(), id);
            }
            return Ok(effect);
        }
        let row = self.person_of(wanted.row, home, synthetic)?;
        known.add(Person::new(row, wanted.row, today));
        Ok(Effect::Created)
    }

    /// The household of a row, made where it is not known. A later visit moves it to the dwelling where it was met, and
    /// its members with it.
    fn home(&self, known: &mut Known, wanted: &Wanted<'_>) -> Result<household::Model, Error> {
        let on = wanted.row.visited_on;
        if let Some(home) = known.households.get(&wanted.household)
            && home.observed_on >= on
        {
            return Ok(home.clone());
        }
        let dwelling_id = if let Some(id) = known.dwellings.get(&wanted.address_index) {
            *id
        } else {
            let row = self.new_dwelling(&wanted.address)?;
            let id = row.id;
            known.dwellings.insert(wanted.address_index.clone(), id);
            known.new_dwellings.push(row);
            id
        };
        if let Some(home) = known.households.get_mut(&wanted.household) {
            (home.dwelling_id, home.area_code, home.observed_on) = (dwelling_id, wanted.row.area, on);
            let home = home.clone();
            known.seen_households.push(home.id);
            known.take_along(&home, self.clock.now());
            return Ok(home);
        }
        let home = household::Model {
            id: self.ids.next::<HouseholdId>(),
            dwelling_id,
            area_code: wanted.row.area,
            number: wanted.row.household_no.clone(),
            number_key: Some(wanted.household.clone()),
            observed_on: on,
            created_at: self.clock.now(),
        };
        known.new_households.push(home.id);
        known.households.insert(wanted.household.clone(), home.clone());
        Ok(home)
    }

    fn person_of(&self, said: &SurveyRow, home: &household::Model, synthetic: bool) -> Result<resident::Model, Error> {
        let (now, on, from) = (self.clock.now(), said.visited_on, Source::Survey);
        let mut row = resident::Model {
            id: self.ids.next(),
            area_code: home.area_code,
            household_id: Some(home.id),
            relation: said.relation,
            name: said.name.expose().to_owned(),
            sex: said.sex,
            birth_date: said.birth_date,
            national_id: None,
            national_id_index: None,
            phone: None,
            phone_index: None,
            registration: said.registration,
            living: said.living,
            state: Status::Living,
            merged_into: None,
            ended_on: None,
            synthetic,
            identity_on: on,
            identity_from: from,
            contact_on: said.phone.as_ref().map(|_| on),
            contact_from: said.phone.as_ref().map(|_| from),
            registration_on: said.registration.map(|_| on),
            registration_from: said.registration.map(|_| from),
            living_on: said.living.map(|_| on),
            living_from: said.living.map(|_| from),
            household_on: on,
            household_from: from,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        row.set_national_id(&self.keys, said.national_id.as_ref().map(NationalId::expose))?;
        row.set_phone(&self.keys, said.phone.as_ref().map(Phone::expose))?;
        Ok(row)
    }
}
