//! A person is added to the register by hand.

use chassis::data::RequestKey;
use chrono::NaiveDate;
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::{App, By, Record};
use crate::{
    Error,
    domain::{
        facts::Source,
        figures::AgeBand,
        name::PersonName,
        national_id::NationalId,
        person::{Living, Registration, Relation, Sex, age_on},
        phone::Phone,
        standing::Status,
    },
    events::{Told, told},
    store::{HouseholdId, ResidentId, household, membership, name_key, resident},
};

/// What is known of the person.
#[derive(Clone, Debug)]
pub struct CreateResident {
    pub household: HouseholdId,
    pub relation: Relation,
    pub name: PersonName,
    pub sex: Sex,
    pub birth_date: NaiveDate,
    pub national_id: Option<NationalId>,
    pub phone: Option<Phone>,
    pub registration: Option<Registration>,
    pub living: Option<Living>,
    /// None: today.
    pub observed_on: Option<NaiveDate>,
}

impl App {
    /// Adds the person to a household within the caller's scope.
    pub async fn create(&self, by: &By, key: RequestKey, command: CreateResident) -> Result<Record, Error> {
        let observed_on = self.not_future("observed_on", command.observed_on.unwrap_or_else(|| self.today()))?;
        self.not_future("resident.birth_date", command.birth_date)?;
        let written = self.write_new(by, key.clone(), command, observed_on).await;
        match written {
            Ok(row) => self.record(row).await,
            Err(error) if error.is_duplicate() => {
                let same = key.find(self.db.read()).await?.ok_or(Error::NationalIdTaken)?;
                self.get(&by.scope, ResidentId(same)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn write_new(
        &self,
        by: &By,
        key: RequestKey,
        command: CreateResident,
        observed_on: NaiveDate,
    ) -> Result<resident::Model, Error> {
        let (app, by, id, now) = (self.clone(), by.clone(), self.ids.next::<ResidentId>(), self.clock.now());
        self.db
            .write(move |tx| {
                let (app, by, key, command) = (app.clone(), by.clone(), key.clone(), command.clone());
                Box::pin(async move {
                    let home = household::get(&by.scope, tx, command.household).await?;
                    let row = app.new_row(id, &home, &command, (observed_on, by.source))?;
                    tx.append(row.clone().into_active_model());
                    for name in name_key::rows(row.area_code, id, command.name.search_keys()) {
                        tx.append(name);
                    }
                    tx.append(membership::ActiveModel {
                        id: Set(app.ids.next()),
                        household_id: Set(home.id),
                        resident_id: Set(id),
                        relation: Set(row.relation),
                        from_on: Set(observed_on),
                        until_on: Set(None),
                    });
                    let age_band = age_band(row.birth_date, app.today());
                    app.outbox.add(tx, told(&app.ids, &row, &Told::Registered { age_band, care: Vec::new() }));
                    key.note(tx, id.0, now);
                    Ok::<_, Error>(row)
                })
            })
            .await
    }

    fn new_row(
        &self,
        id: ResidentId,
        home: &household::Model,
        command: &CreateResident,
        (observed_on, source): (NaiveDate, Source),
    ) -> Result<resident::Model, Error> {
        let CreateResident {
            household: _,
            relation,
            name,
            sex,
            birth_date,
            national_id,
            phone,
            registration,
            living,
            observed_on: _,
        } = command;
        let now = self.clock.now();
        let mut row = resident::Model {
            id,
            area_code: home.area_code,
            household_id: Some(home.id),
            relation: *relation,
            name: name.expose().to_owned(),
            sex: *sex,
            birth_date: *birth_date,
            national_id: None,
            national_id_index: None,
            phone: None,
            phone_index: None,
            registration: *registration,
            living: *living,
            state: Status::Living,
            merged_into: None,
            ended_on: None,
            synthetic: false,
            identity_on: observed_on,
            identity_from: source,
            contact_on: phone.as_ref().map(|_| observed_on),
            contact_from: phone.as_ref().map(|_| source),
            registration_on: registration.map(|_| observed_on),
            registration_from: registration.map(|_| source),
            living_on: living.map(|_| observed_on),
            living_from: living.map(|_| source),
            household_on: observed_on,
            household_from: source,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        row.set_national_id(&self.keys, national_id.as_ref().map(NationalId::expose))?;
        row.set_phone(&self.keys, phone.as_ref().map(Phone::expose))?;
        Ok(row)
    }
}

/// First age of the five-year band; that of the youngest for whoever is not born yet.
pub(super) fn age_band(birth_date: NaiveDate, today: NaiveDate) -> u32 {
    AgeBand::of_age(age_on(birth_date, today).unwrap_or_default()).from_age()
}
