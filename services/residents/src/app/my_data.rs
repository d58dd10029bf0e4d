//! What is kept of one person, for that person.

use chassis::{
    access::{
        Scope,
        audit::{self, Looked},
    },
    data::{Page, SecretText},
};
use chrono::NaiveDate;
use std::fmt::Write as _;
use uuid::Uuid;

use super::{App, DataRequestView, DwellingView, Record};
use crate::{
    Error,
    domain::{
        facts::Source,
        my_data::CorrectionField,
        person::{Living, Registration},
    },
    store::{DwellingId, HouseholdId, ResidentId, care_tag, data_request, dwelling, household, membership, resident},
};

/// Looks that an export holds at most, the latest.
const MOST_LOOKS: u64 = 10_000;

/// A record with where the person lives.
#[derive(Clone, Debug)]
pub struct MyRecord {
    pub facts: Vec<HeldFact>,
    pub record: Record,
    pub dwelling: Option<DwellingView>,
    pub open_requests: u64,
}

/// One fact that is kept, and how it came to be known.
#[derive(Clone)]
pub struct HeldFact {
    pub field: &'static str,
    pub label: &'static str,
    /// As people read it.
    pub value: String,
    pub source: Source,
    pub observed_on: NaiveDate,
}

impl std::fmt::Debug for HeldFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldFact({})", self.field)
    }
}

/// One time in one home.
#[derive(Clone, Debug)]
pub struct Home {
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
    pub relation: crate::domain::person::Relation,
    pub number: String,
    pub dwelling: Option<DwellingView>,
}

/// Everything that is kept, to be taken away.
#[derive(Clone, Debug)]
pub struct Export {
    pub mine: MyRecord,
    pub homes: Vec<Home>,
    /// All, also those that hold no longer.
    pub tags: Vec<care_tag::Model>,
    pub requests: Vec<DataRequestView>,
    pub looks: Vec<Looked>,
}

impl App {
    /// The record that is meant: the one that is named, or the only one that is the caller's own.
    pub(super) async fn own_record(&self, scope: &Scope, asked: Option<ResidentId>) -> Result<resident::Model, Error> {
        let persons = scope.persons();
        let id = match (asked, persons.as_slice()) {
            (Some(asked), _) => asked,
            (None, [only]) => ResidentId(*only),
            (None, []) => return Err(Error::NoOwnRecord),
            (None, _) => {
                let message = "is missing: several records are yours, so name one; see GetMyAccess";
                return Err(Error::field("resident_id", "required", message));
            }
        };
        Ok(resident::own(scope, self.db.read(), id).await?)
    }

    /// What is kept of the caller.
    pub async fn my_record(&self, scope: &Scope, asked: Option<ResidentId>) -> Result<MyRecord, Error> {
        let row = self.own_record(scope, asked).await?;
        self.mine(row).await
    }

    async fn mine(&self, row: resident::Model) -> Result<MyRecord, Error> {
        let open_requests = data_request::open_about(self.db.read(), &[row.id]).await?;
        let dwelling = match row.household_id {
            Some(home) => self.dwellings_of(&[home]).await?.pop().map(|(_, _, dwelling)| dwelling),
            None => None,
        };
        let record = self.record(row).await?;
        Ok(MyRecord { facts: facts(&record, dwelling.as_ref()), record, dwelling, open_requests })
    }

    /// Households, their numbers and dwellings, opened; of the caller's own homes, so without asking for the scope again.
    async fn dwellings_of(&self, ids: &[HouseholdId]) -> Result<Vec<(HouseholdId, String, DwellingView)>, Error> {
        let (db, everywhere) = (self.db.read(), Scope::everything());
        let households = household::by_ids(&everywhere, db, ids).await?;
        let dwellings: Vec<DwellingId> = households.iter().map(|home| home.dwelling_id).collect();
        let dwellings = dwelling::by_ids(&everywhere, db, &dwellings).await?;
        let mut opened = Vec::with_capacity(households.len());
        for home in households {
            let Some(dwelling) = dwellings.iter().find(|dwelling| dwelling.id == home.dwelling_id) else { continue };
            opened.push((home.id, home.number, self.open_dwelling(dwelling.clone()).await?));
        }
        Ok(opened)
    }

    /// The record's own ids: its own, and those of the records that were merged into it.
    async fn ids_of(&self, row: &resident::Model) -> Result<Vec<ResidentId>, Error> {
        let mut ids = resident::merged_into(self.db.read(), row.id).await?;
        ids.push(row.id);
        Ok(ids)
    }

    /// Who looked at the caller's record, the latest first.
    pub async fn my_looks(
        &self,
        scope: &Scope,
        asked: Option<ResidentId>,
        page: Page<Uuid>,
    ) -> Result<(Vec<Looked>, String), Error> {
        let row = self.own_record(scope, asked).await?;
        let subjects: Vec<Uuid> = self.ids_of(&row).await?.into_iter().map(|id| id.0).collect();
        let mut looks = audit::looks_at(self.db.read(), &subjects, page.after, page.limit()).await?;
        let next = page.cut(&mut looks, |look| look.id)?;
        Ok((looks, next))
    }

    /// Everything that is kept of the caller.
    pub async fn export(&self, scope: &Scope, asked: Option<ResidentId>) -> Result<Export, Error> {
        let row = self.own_record(scope, asked).await?;
        let db = self.db.read();
        let ids = self.ids_of(&row).await?;
        let subjects: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        Ok(Export {
            homes: self.homes(&ids).await?,
            tags: care_tag::of(db, &ids).await?,
            requests: self.request_views(data_request::about(db, &ids).await?).await?,
            looks: audit::looks_at(db, &subjects, None, MOST_LOOKS).await?,
            mine: self.mine(row).await?,
        })
    }

    async fn homes(&self, ids: &[ResidentId]) -> Result<Vec<Home>, Error> {
        let times = membership::of_residents(self.db.read(), ids).await?;
        let households: Vec<HouseholdId> = times.iter().map(|time| time.household_id).collect();
        let dwellings = self.dwellings_of(&households).await?;
        let homes = times.into_iter().map(|time| {
            let membership::Model { id: _, household_id, resident_id: _, relation, from_on, until_on } = time;
            let found = dwellings.iter().find(|(home, _, _)| *home == household_id).cloned();
            let (number, dwelling) = found.map_or((String::new(), None), |(_, number, view)| (number, Some(view)));
            Home { from: from_on, until: until_on, relation, number, dwelling }
        });
        Ok(homes.collect())
    }
}

/// The facts of a record one by one, each with its source.
fn facts(record: &Record, dwelling: Option<&DwellingView>) -> Vec<HeldFact> {
    use CorrectionField as Field;
    let row = &record.row;
    let clear = |text: &Option<SecretText>| text.as_ref().map(|text| text.expose().to_owned());
    let identity = Some((row.identity_from, row.identity_on));
    let household = Some((row.household_from, row.household_on));
    let word = |label: Option<&'static str>| label.map(str::to_owned);
    let known = [
        (Field::Name, Some(row.name.clone()), identity),
        (Field::Sex, word(Some(row.sex.label())), identity),
        (Field::BirthDate, Some(row.birth_date.to_string()), identity),
        (Field::NationalId, clear(&record.national_id), identity),
        (Field::Phone, clear(&record.phone), row.contact_from.zip(row.contact_on)),
        (
            Field::Registration,
            word(row.registration.map(Registration::label)),
            row.registration_from.zip(row.registration_on),
        ),
        (Field::Living, word(row.living.map(Living::label)), row.living_from.zip(row.living_on)),
        (Field::Relation, word(Some(row.relation.label())), household),
        (Field::Dwelling, dwelling.map(address), household),
    ];
    let mut facts: Vec<HeldFact> = known
        .into_iter()
        .filter_map(|(field, value, how)| {
            let (source, observed_on) = how?;
            Some(HeldFact { field: field.as_str(), label: field.label(), value: value?, source, observed_on })
        })
        .collect();
    facts.extend(record.tags.iter().map(|tag| HeldFact {
        field: Field::CareTags.as_str(),
        label: Field::CareTags.label(),
        value: tag.kind.label().to_owned(),
        source: tag.source,
        observed_on: tag.observed_on,
    }));
    facts
}

/// The address in one line, as it is written in China.
pub(crate) fn address(view: &DwellingView) -> String {
    let part = |text: &Option<SecretText>| text.as_ref().map(|text| text.expose().to_owned()).unwrap_or_default();
    let DwellingView { row, unit, room } = view;
    format!("{}{}{}{}", row.compound, row.building, part(unit), part(room))
}

impl MyRecord {
    /// What people are told first.
    pub fn summary(&self) -> String {
        let mut labels: Vec<&str> = self.facts.iter().map(|fact| fact.label).collect();
        labels.dedup();
        let latest = self.facts.iter().max_by_key(|fact| fact.observed_on);
        let latest = latest.map(|fact| format!("最近一次更新是{}（{}）。", fact.observed_on, fact.source.label()));
        let mut text = format!("我们登记了您的{}。{}", labels.join("、"), latest.unwrap_or_default());
        if self.open_requests > 0 {
            let _ = write!(text, "您有{}项申请正在处理，三十天内会答复您。", self.open_requests);
        }
        text + "您可以查看谁看过这些资料，也可以申请更正或提出反对。"
    }
}
