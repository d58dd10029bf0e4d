//! Who needs help in a grid or a building, the most helpless first.

use chassis::{
    access::Scope,
    data::{AreaCode, AreaLevel},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::{App, Record, households::DwellingView};
use crate::{
    Error,
    domain::{
        care::{needs_help, urgency},
        person::age_on,
        standing::Status,
        text::half_width,
    },
    store::{DwellingId, HouseholdId, care_tag, dwelling, household, resident},
};

/// Of which place: a grid, or a building (compound and number) that stands in an area.
#[derive(Clone, Debug)]
pub struct CareListOf {
    pub area: AreaCode,
    pub building: Option<(String, String)>,
}

/// The list.
#[derive(Clone, Debug)]
pub struct CareList {
    pub entries: Vec<CareListEntry>,
    /// People looked at.
    pub residents: usize,
}

/// One person on it.
#[derive(Clone, Debug)]
pub struct CareListEntry {
    pub record: Record,
    pub dwelling: Option<DwellingView>,
    pub age: u32,
}

/// How many people live somewhere, and how many of them need help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub residents: i32,
    pub need_help: i32,
}

impl App {
    /// Draws the list of a place within the scope. A building that the register does not know is refused: an empty list
    /// would read as if nobody there needed help.
    pub async fn draw_care_list(&self, scope: &Scope, of: &CareListOf) -> Result<CareList, Error> {
        let db = self.db.read();
        let people = living_in(scope, db, of).await?.ok_or(Error::BuildingNotFound)?;
        let residents = people.len();
        let today = self.today();
        let mut entries: Vec<CareListEntry> = Vec::new();
        for record in self.records(people).await? {
            let age = age_on(record.row.birth_date, today);
            let kinds: Vec<_> = record.tags.iter().map(|tag| tag.kind).collect();
            if needs_help(&kinds, age) {
                entries.push(CareListEntry { age: age.unwrap_or_default(), record, dwelling: None });
            }
        }
        entries.sort_by_cached_key(|entry| {
            let kinds: Vec<_> = entry.record.tags.iter().map(|tag| tag.kind).collect();
            (std::cmp::Reverse(urgency(&kinds, Some(entry.age))), entry.record.row.birth_date, entry.record.row.id)
        });
        let households: Vec<HouseholdId> = entries.iter().filter_map(|entry| entry.record.row.household_id).collect();
        let households = household::by_ids(scope, db, &households).await?;
        let dwellings: Vec<DwellingId> = households.iter().map(|home| home.dwelling_id).collect();
        let dwellings = dwelling::by_ids(scope, db, &dwellings).await?;
        for entry in &mut entries {
            let home = households.iter().find(|home| Some(home.id) == entry.record.row.household_id);
            let place = home.and_then(|home| dwellings.iter().find(|place| place.id == home.dwelling_id));
            if let Some(place) = place {
                entry.dwelling = Some(self.open_dwelling(place.clone()).await?);
            }
        }
        Ok(CareList { entries, residents })
    }

    /// Counts for an incident's answer; for the program itself, so everywhere. None: the register does not know the
    /// building.
    pub(crate) async fn count_needs(&self, db: &impl ConnectionTrait, of: &CareListOf) -> Result<Option<Needs>, Error> {
        let Some(people) = living_in(&Scope::everything(), db, of).await? else { return Ok(None) };
        let ids: Vec<_> = people.iter().map(|person| person.id).collect();
        let today = self.today();
        let tags = care_tag::of(db, &ids).await?;
        let helpless = people.iter().filter(|person| {
            let own = tags.iter().filter(|tag| tag.resident_id == person.id && tag.holds_on(today));
            needs_help(&own.map(|tag| tag.kind).collect::<Vec<_>>(), age_on(person.birth_date, today))
        });
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(Some(Needs { residents: number(people.len()), need_help: number(helpless.count()) }))
    }
}

/// Who lives there; for a building, whoever lives in a dwelling that stands there. None: no dwelling of the building is
/// registered where the scope reaches.
pub(super) async fn living_in(
    scope: &Scope,
    db: &impl ConnectionTrait,
    of: &CareListOf,
) -> Result<Option<Vec<resident::Model>>, Error> {
    let CareListOf { area, building } = of;
    let living = resident::Entity::find().filter(resident::Column::State.eq(Status::Living));
    let Some((compound, building)) = building else {
        if area.level() != AreaLevel::Grid {
            let message = "names more than a grid: name a grid of 15 digits, or a building in the area";
            return Err(Error::field("area_code", "care_list.place", message));
        }
        let here = area.holds(resident::Column::AreaCode).add(scope.areas.hold(resident::Column::AreaCode));
        return Ok(Some(living.filter(here).all(db).await?));
    };
    let dwellings = dwelling::of_building(*area, half_width(compound).trim(), half_width(building).trim())
        .filter(scope.areas.hold(dwelling::Column::AreaCode));
    let dwelling_ids = dwellings.clone().select_only().column(dwelling::Column::Id);
    let households = household::Entity::find()
        .select_only()
        .column(household::Column::Id)
        .filter(household::Column::DwellingId.in_subquery(dwelling_ids.into_query()));
    let people = living.filter(resident::Column::HouseholdId.in_subquery(households.into_query())).all(db).await?;
    let known = !people.is_empty() || dwellings.one(db).await?.is_some();
    Ok(known.then_some(people))
}
