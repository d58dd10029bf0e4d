//! Facts of a resident are put right or learnt anew.

use chassis::data::{Tx, check_etag};
use chrono::NaiveDate;
use sea_orm::ConnectionTrait;

use super::{App, By, Record};
use crate::{
    Error,
    domain::{
        facts::{FactGroup, Source},
        name::PersonName,
        national_id::NationalId,
        person::{Living, Registration, Relation, Sex},
        phone::Phone,
        standing::{Refused, Status},
    },
    events::Told,
    store::{
        ResidentId, membership, name_key,
        resident::{self, NATIONAL_ID_INDEX},
    },
};

/// What to change: a field that is none stays, an inner none empties it.
#[derive(Clone, Debug, Default)]
pub struct ResidentChange {
    pub name: Option<PersonName>,
    pub sex: Option<Sex>,
    pub birth_date: Option<NaiveDate>,
    pub national_id: Option<Option<NationalId>>,
    pub phone: Option<Option<Phone>>,
    pub registration: Option<Option<Registration>>,
    pub living: Option<Option<Living>>,
    pub relation: Option<Relation>,
}

/// Which record to change, read at which version, from an observation of which day.
#[derive(Clone, Debug)]
pub struct UpdateResident {
    pub id: ResidentId,
    pub etag: String,
    pub observed_on: Option<NaiveDate>,
    pub change: ResidentChange,
}

impl App {
    /// Changes the facts of all groups that are named, or none: an observation older than one that is kept is refused.
    pub async fn update(&self, by: &By, command: UpdateResident) -> Result<Record, Error> {
        let observed_on = self.not_future("observed_on", command.observed_on.unwrap_or_else(|| self.today()))?;
        if let Some(birth_date) = command.change.birth_date {
            self.not_future("resident.birth_date", birth_date)?;
        }
        let id = command.id;
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, command) = (app.clone(), own.clone(), command.clone());
            Box::pin(async move { app.update_in(tx, &by, &command, observed_on).await })
        });
        work.await.map_err(|error: Error| if error.is_duplicate() { Error::NationalIdTaken } else { error })?;
        self.get(&by.scope, id).await
    }

    /// The change itself, in a transaction that may hold more.
    pub(super) async fn update_in(
        &self,
        tx: &Tx,
        by: &By,
        command: &UpdateResident,
        observed_on: NaiveDate,
    ) -> Result<(), Error> {
        let row = resident::lock(&by.scope, tx, command.id).await?;
        check_etag(&command.etag, row.version)?;
        if row.state == Status::Merged {
            return Err(Refused::IsMerged.into());
        }
        let mut next = row.clone();
        let changed = self.apply(&mut next, &command.change, (observed_on, by.source)).await?;
        if changed.is_empty() {
            return Ok(());
        }
        self.keep_number_unique(tx, &row, &mut next).await?;
        follow_name(tx, &row, &next).await?;
        if next.relation != row.relation {
            membership::relate(tx, row.id, next.relation).await?;
        }
        self.save(tx, next, vec![Told::Updated { changed }]).await
    }

    /// Takes over what is new, group by group, and names the groups.
    async fn apply(
        &self,
        row: &mut resident::Model,
        change: &ResidentChange,
        (on, from): (NaiveDate, Source),
    ) -> Result<Vec<FactGroup>, Error> {
        let ResidentChange { name, sex, birth_date, national_id, phone, registration, living, relation } = change;
        let mut changed = Vec::new();
        let mut group = |is_named: bool, group: FactGroup, kept_on: Option<NaiveDate>| match kept_on {
            Some(kept_on) if is_named && on < kept_on => Err(Error::OlderThanKept { group: group.as_str(), kept_on }),
            _ => {
                changed.extend(is_named.then_some(group));
                Ok(is_named)
            }
        };
        let identity = name.is_some() || sex.is_some() || birth_date.is_some() || national_id.is_some();
        if group(identity, FactGroup::Identity, Some(row.identity_on))? {
            self.identify(row, change).await?;
            (row.identity_on, row.identity_from) = (on, from);
        }
        if group(phone.is_some(), FactGroup::Contact, row.contact_on)? {
            row.set_phone(&self.keys, phone.as_ref().and_then(Option::as_ref).map(Phone::expose))?;
            (row.contact_on, row.contact_from) = (Some(on), Some(from));
        }
        if group(registration.is_some(), FactGroup::Registration, row.registration_on)? {
            row.registration = registration.flatten();
            (row.registration_on, row.registration_from) = (Some(on), Some(from));
        }
        if group(living.is_some(), FactGroup::Living, row.living_on)? {
            row.living = living.flatten();
            (row.living_on, row.living_from) = (Some(on), Some(from));
        }
        if group(relation.is_some(), FactGroup::Household, Some(row.household_on))? {
            row.relation = relation.unwrap_or(row.relation);
            (row.household_on, row.household_from) = (on, from);
        }
        Ok(changed)
    }

    /// Name, sex, birth date and ID number, which must agree with each other afterwards.
    async fn identify(&self, row: &mut resident::Model, change: &ResidentChange) -> Result<(), Error> {
        if let Some(name) = &change.name {
            name.expose().clone_into(&mut row.name);
        }
        row.sex = change.sex.unwrap_or(row.sex);
        row.birth_date = change.birth_date.unwrap_or(row.birth_date);
        let kept = row.open_national_id(&self.keys).await?;
        let number = match &change.national_id {
            Some(new) => {
                row.set_national_id(&self.keys, new.as_ref().map(NationalId::expose))?;
                new.clone()
            }
            None => kept.and_then(|kept| NationalId::parse(kept.expose()).ok()),
        };
        agree(number.as_ref(), row.sex, row.birth_date)
    }

    /// The index of a number stays with the record that had it first. Where that one was merged into this, this one holds
    /// the number without an index of its own.
    async fn keep_number_unique(
        &self,
        tx: &impl ConnectionTrait,
        before: &resident::Model,
        next: &mut resident::Model,
    ) -> Result<(), Error> {
        let Some(number) = next.open_national_id(&self.keys).await? else { return Ok(()) };
        let index = self.keys.index(NATIONAL_ID_INDEX, number.expose());
        match resident::holder(tx, &index).await? {
            Some(holder) if holder.id == before.id => next.national_id_index = Some(index),
            Some(holder) if holder.merged_into == Some(before.id) => next.national_id_index = None,
            Some(_) => return Err(Error::NationalIdTaken),
            None => next.national_id_index = Some(index),
        }
        Ok(())
    }
}

/// An ID number states sex and birth date; what is stated beside it must be the same.
pub(crate) fn agree(number: Option<&NationalId>, sex: Sex, birth_date: NaiveDate) -> Result<(), Error> {
    let Some(number) = number else { return Ok(()) };
    let advice = "contradicts the ID number: check both against the card";
    if number.sex() != sex {
        return Err(Error::field("resident.sex", "national_id.agrees", advice));
    }
    if number.birth_date() != birth_date {
        return Err(Error::field("resident.birth_date", "national_id.agrees", advice));
    }
    Ok(())
}

/// The keys of a name follow it, and the person into another subdistrict.
pub(super) async fn follow_name(
    tx: &chassis::data::Tx,
    before: &resident::Model,
    next: &resident::Model,
) -> Result<(), Error> {
    let subdistrict = |row: &resident::Model| row.area_code.at(chassis::data::AreaLevel::Subdistrict);
    if before.name == next.name && subdistrict(before) == subdistrict(next) {
        return Ok(());
    }
    name_key::remove(tx, before.area_code, before.id, search_keys(&before.name)).await?;
    for key in name_key::rows(next.area_code, next.id, search_keys(&next.name)) {
        tx.append(key);
    }
    Ok(())
}

/// The keys of a name that is kept; it was a name when it was written.
pub(super) fn search_keys(name: &str) -> Vec<String> {
    PersonName::parse(name).map(|name| name.search_keys()).unwrap_or_default()
}
