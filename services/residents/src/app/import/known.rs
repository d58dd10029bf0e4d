//! What is known of the people, households and places of a batch, before and after its rows are taken.

use std::collections::{HashMap, HashSet};

use chassis::data::{AreaCode, AreaLevel, BlindIndex};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::{batch::Said, person::Person};
use crate::{
    Error,
    app::{App, households::Address},
    store::{
        DwellingId, HouseholdId, ResidentId, area, care_tag, dwelling, household,
        resident::{self, NATIONAL_ID_INDEX},
    },
    survey::row::SurveyRow,
};

/// The state that rows are compared with. A dry run keeps it from batch to batch, in place of the database.
#[derive(Default)]
pub(super) struct Known {
    pub(super) grids: HashSet<AreaCode>,
    pub(super) new_grids: Vec<AreaCode>,
    pub(super) dwellings: HashMap<BlindIndex, DwellingId>,
    pub(super) new_dwellings: Vec<dwelling::Model>,
    pub(super) households: HashMap<String, household::Model>,
    pub(super) new_households: Vec<HouseholdId>,
    /// Those that were known and met again at a later visit, in the same dwelling or in another.
    pub(super) seen_households: Vec<HouseholdId>,
    people: HashMap<ResidentId, Person>,
    by_number: HashMap<BlindIndex, ResidentId>,
    by_household: HashMap<HouseholdId, Vec<ResidentId>>,
}

/// A row with what it is looked up by.
pub(super) struct Wanted<'r> {
    pub(super) row: &'r SurveyRow,
    pub(super) is_last_word: bool,
    pub(super) address: Address,
    pub(super) address_index: BlindIndex,
    pub(super) number: Option<BlindIndex>,
    pub(super) household: String,
}

impl<'r> Wanted<'r> {
    pub(super) fn of(app: &App, said: &'r Said) -> Self {
        let Said { row, is_last_word } = said;
        let address = Address {
            area: row.area,
            compound: row.estate.clone().unwrap_or_default(),
            building: row.building.clone(),
            unit: row.unit.clone().unwrap_or_default(),
            room: row.room.clone(),
        };
        Self {
            row,
            is_last_word: *is_last_word,
            address_index: app.address_index(&address),
            address,
            number: row.national_id.as_ref().map(|number| app.keys.index(NATIONAL_ID_INDEX, number.expose())),
            household: household::number_key(row.area, &row.household_no).unwrap_or_default(),
        }
    }
}

impl Known {
    /// Asks the database for all that the rows name and that is not known yet.
    pub(super) async fn learn(&mut self, tx: &impl ConnectionTrait, wanted: &[Wanted<'_>]) -> Result<(), Error> {
        let grids: HashSet<AreaCode> = wanted.iter().map(|wanted| wanted.row.area).collect();
        let grids: Vec<_> = grids.into_iter().filter(|grid| !self.grids.contains(grid)).collect();
        self.grids.extend(area::known(tx, &grids).await?.into_iter().map(|area| area.code));

        let addresses: HashSet<&BlindIndex> = wanted.iter().map(|wanted| &wanted.address_index).collect();
        let addresses = addresses.into_iter().filter(|index| !self.dwellings.contains_key(*index)).cloned().collect();
        let dwellings = dwelling::by_addresses(tx, addresses).await?;
        self.dwellings.extend(dwellings.into_iter().map(|row| (row.address_index, row.id)));

        let numbers: HashSet<&String> = wanted.iter().map(|wanted| &wanted.household).collect();
        let numbers = numbers.into_iter().filter(|key| !self.households.contains_key(*key)).cloned().collect();
        let households = household::by_numbers(tx, numbers).await?;
        let homes = households.iter().map(|home| home.id).collect();
        self.households.extend(households.into_iter().filter_map(|home| Some((home.number_key.clone()?, home))));

        let numbers = wanted.iter().filter_map(|wanted| wanted.number.clone());
        let numbers: HashSet<_> = numbers.filter(|number| !self.by_number.contains_key(number)).collect();
        let people = resident::to_compare(tx, numbers.into_iter().collect(), homes).await?;
        self.learn_people(tx, people).await
    }

    /// Takes people up, with their tags; for merged records also the ones that lead them.
    async fn learn_people(&mut self, tx: &impl ConnectionTrait, mut rows: Vec<resident::Model>) -> Result<(), Error> {
        rows.retain(|row| !self.people.contains_key(&row.id));
        let have: HashSet<ResidentId> = rows.iter().map(|row| row.id).collect();
        let leading: Vec<ResidentId> = rows.iter().filter_map(|row| row.merged_into).collect();
        let leading: Vec<_> =
            leading.into_iter().filter(|id| !have.contains(id) && !self.people.contains_key(id)).collect();
        rows.extend(resident::lock_all(tx, &leading).await?);
        let ids: Vec<ResidentId> = rows.iter().map(|row| row.id).collect();
        let mut tags: HashMap<ResidentId, Vec<care_tag::Model>> = HashMap::new();
        for tag in care_tag::of(tx, &ids).await? {
            tags.entry(tag.resident_id).or_default().push(tag);
        }
        for row in rows {
            let tags = tags.remove(&row.id).unwrap_or_default();
            self.add(Person::kept(row, tags));
        }
        Ok(())
    }

    /// Takes a person up.
    pub(super) fn add(&mut self, person: Person) {
        let row = person.row();
        if let Some(number) = &row.national_id_index {
            self.by_number.insert(number.clone(), row.id);
        }
        if let Some(home) = row.household_id {
            self.by_household.entry(home).or_default().push(row.id);
        }
        self.people.insert(row.id, person);
    }

    /// The person that a row is about: by the ID number, or by household, name and birth date where one side has no number.
    /// Also says whether it was found by a record that was merged into the person's.
    pub(super) fn find(&mut self, wanted: &Wanted<'_>) -> Option<(&mut Person, bool)> {
        let by_number = wanted.number.as_ref().and_then(|number| self.by_number.get(number)).copied();
        let id = by_number.or_else(|| self.find_unnumbered(wanted))?;
        let leading = self.people.get(&id).and_then(|person| person.row().merged_into);
        Some((self.people.get_mut(&leading.unwrap_or(id))?, leading.is_some()))
    }

    fn find_unnumbered(&self, wanted: &Wanted<'_>) -> Option<ResidentId> {
        let home = self.households.get(&wanted.household)?.id;
        let SurveyRow { name, birth_date, sex, .. } = wanted.row;
        self.by_household.get(&home)?.iter().copied().find(|id| {
            self.people.get(id).is_some_and(|person| {
                let row = person.row();
                let no_clash = wanted.number.is_none() || row.national_id.is_none();
                no_clash && row.name == name.expose() && row.birth_date == *birth_date && row.sex == *sex
            })
        })
    }

    /// A number that a person was given by a row leads to that person from now on.
    pub(super) fn number_of(&mut self, number: BlindIndex, id: ResidentId) {
        self.by_number.insert(number, id);
    }

    /// Somebody lives in a household from now on.
    pub(super) fn lives_in(&mut self, home: HouseholdId, id: ResidentId) {
        let members = self.by_household.entry(home).or_default();
        if !members.contains(&id) {
            members.push(id);
        }
    }

    /// Everybody who lives in the household is now where it is.
    pub(super) fn take_along(&mut self, home: &household::Model, now: DateTime<Utc>) {
        for id in self.by_household.get(&home.id).into_iter().flatten() {
            if let Some(person) = self.people.get_mut(id) {
                person.follow(home, now);
            }
        }
    }

    /// Everybody who is new or changed.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Person> {
        self.people.values().filter(|person| person.is_changed())
    }

    /// Forgets what was new, as if it had been written.
    pub(super) fn settle(&mut self) {
        self.new_grids.clear();
        self.new_dwellings.clear();
        self.new_households.clear();
        self.seen_households.clear();
        for person in self.people.values_mut() {
            person.settle();
        }
    }

    /// A grid is made under its community when it is first named.
    pub(super) fn make_grid(&mut self, area: AreaCode) {
        if area.level() == AreaLevel::Grid && self.grids.insert(area) {
            self.new_grids.push(area);
        }
    }
}
