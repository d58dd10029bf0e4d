//! Households, where they live, and who has belonged to them.

use chassis::{
    access::Scope,
    data::{AreaCode, AreaLevel, BlindIndex, RequestKey, SecretText, Tx},
};
use chrono::NaiveDate;
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::{App, By, Whose};
use crate::{
    Error,
    domain::person::Relation,
    store::{
        self, DwellingId, HouseholdId, ResidentId, area,
        dwelling::{self, ADDRESS_INDEX},
        household, membership, resident,
    },
};

/// Where the household lives and what the office calls it.
#[derive(Clone, Debug)]
pub struct CreateHousehold {
    pub address: Address,
    /// May be empty.
    pub number: String,
}

/// A whole address. Compound, unit and room may be empty.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    pub area: AreaCode,
    pub compound: String,
    pub building: String,
    pub unit: String,
    pub room: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address(in {})", self.area)
    }
}

/// A household with everybody who belongs or has belonged to it.
#[derive(Clone, Debug)]
pub struct HouseholdView {
    pub row: household::Model,
    pub dwelling: DwellingView,
    /// Those who belong to it, then those who left, the last first.
    pub members: Vec<MemberView>,
}

/// A dwelling, opened.
#[derive(Clone, Debug)]
pub struct DwellingView {
    pub row: dwelling::Model,
    pub unit: Option<SecretText>,
    pub room: Option<SecretText>,
}

/// One person's time in a household.
#[derive(Clone, Debug)]
pub struct MemberView {
    pub whose: Whose,
    pub name: String,
    pub relation: Relation,
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
}

impl App {
    /// Registers a household in a dwelling, which is made where it is not known.
    pub async fn create_household(
        &self,
        by: &By,
        key: RequestKey,
        command: CreateHousehold,
    ) -> Result<HouseholdView, Error> {
        let (app, own, request) = (self.clone(), by.clone(), key.clone());
        let id = self.ids.next::<HouseholdId>();
        let is_numbered = !command.number.is_empty();
        let write = || {
            let (app, own, request, command) = (app.clone(), own.clone(), request.clone(), command.clone());
            self.db.write(move |tx| {
                let (app, by, key, command) = (app.clone(), own.clone(), request.clone(), command.clone());
                Box::pin(async move {
                    app.write_household(tx, &by, id, command).await?;
                    key.note(tx, id.0, app.clock.now());
                    Ok::<_, Error>(())
                })
            })
        };
        let mut written = write().await;
        if written.as_ref().is_err_and(Error::is_duplicate) {
            if let Some(same) = key.find(self.db.read()).await? {
                return self.get_household(&by.scope, HouseholdId(same)).await;
            }
            // Somebody may have registered the same dwelling at the same time: now it is found.
            written = write().await;
        }
        match written {
            Ok(()) => self.get_household(&by.scope, id).await,
            Err(error) if is_numbered && error.is_duplicate() => Err(Error::HouseholdNumberTaken),
            Err(error) => Err(error),
        }
    }

    async fn write_household(&self, tx: &Tx, by: &By, id: HouseholdId, command: CreateHousehold) -> Result<(), Error> {
        let CreateHousehold { address, number } = command;
        let area = address.area;
        let known = by.scope.areas.contain(area) && !area::known(tx, &[area]).await?.is_empty();
        if !known || area.level() != AreaLevel::Grid {
            let message = format!("names no grid where you may register: {area}; see ListAreas");
            return Err(Error::field("dwelling.area_code", "area.known", message));
        }
        let index = self.address_index(&address);
        let dwelling = if let Some(known) = dwelling::by_addresses(tx, vec![index]).await?.into_iter().next() {
            known.id
        } else {
            let row = self.new_dwelling(&address)?;
            let dwelling = row.id;
            tx.append(row.into_active_model());
            dwelling
        };
        tx.append(household::ActiveModel {
            id: Set(id),
            dwelling_id: Set(dwelling),
            area_code: Set(area),
            number_key: Set(household::number_key(area, &number)),
            number: Set(number),
            observed_on: Set(self.today()),
            created_at: Set(self.clock.now()),
        });
        Ok(())
    }

    /// The blind index of a whole address.
    pub(super) fn address_index(&self, address: &Address) -> BlindIndex {
        let Address { area, compound, building, unit, room } = address;
        self.keys.index(ADDRESS_INDEX, format!("{area}\u{1f}{compound}\u{1f}{building}\u{1f}{unit}\u{1f}{room}"))
    }

    /// A dwelling with its unit and room sealed.
    pub(super) fn new_dwelling(&self, address: &Address) -> Result<dwelling::Model, Error> {
        let id = self.ids.next::<DwellingId>();
        let seal = |column, text: &str| {
            let place = store::place(dwelling::TABLE, column, id.0);
            let sealed = (!text.is_empty()).then(|| self.keys.seal(place, text));
            sealed.transpose().map_err(store::seal_fault)
        };
        Ok(dwelling::Model {
            id,
            area_code: address.area,
            compound: address.compound.clone(),
            building: address.building.clone(),
            unit: seal("unit", &address.unit)?,
            room: seal("room", &address.room)?,
            address_index: self.address_index(address),
            created_at: self.clock.now(),
        })
    }

    /// The household, its dwelling and its members, past ones too. Members that were merged into another record are shown
    /// under that one.
    pub async fn get_household(&self, scope: &Scope, id: HouseholdId) -> Result<HouseholdView, Error> {
        let db = self.db.read();
        let row = household::get(scope, db, id).await?;
        let dwellings = dwelling::by_ids(scope, db, &[row.dwelling_id]).await?;
        let dwelling = dwellings.into_iter().next().ok_or(chassis::Fault::NotFound("dwelling"))?;
        let times = membership::of_household(db, id).await?;
        let ids: Vec<ResidentId> = times.iter().map(|time| time.resident_id).collect();
        // Whoever lived here is part of this household's history, wherever they live now.
        let mut people = resident::by_ids(&Scope::everything(), db, &ids).await?;
        let leading: Vec<_> = people.iter().filter_map(|person| person.merged_into).collect();
        people.extend(resident::by_ids(&Scope::everything(), db, &leading).await?);
        Ok(HouseholdView { row, dwelling: self.open_dwelling(dwelling).await?, members: members(times, &people) })
    }

    pub(super) async fn open_dwelling(&self, row: dwelling::Model) -> Result<DwellingView, Error> {
        let place = |column| store::place(dwelling::TABLE, column, row.id.0);
        let unit = store::open(&self.keys, place("unit"), row.unit.as_ref()).await?;
        let room = store::open(&self.keys, place("room"), row.room.as_ref()).await?;
        Ok(DwellingView { row, unit, room })
    }
}

/// The times of a household as those of the people who stand. What a merged record and its leading one both say is one
/// time.
fn members(times: Vec<membership::Model>, people: &[resident::Model]) -> Vec<MemberView> {
    let person = |id: ResidentId| people.iter().find(|person| person.id == id);
    let (mut members, mut taken_over) = (Vec::<MemberView>::new(), Vec::new());
    for time in times {
        let membership::Model { id: _, household_id: _, resident_id, relation, from_on: from, until_on: until } = time;
        let Some(row) = person(resident_id) else { continue };
        let Some(leading) = row.merged_into.and_then(person) else {
            members.push(MemberView { whose: Whose::from(row), name: row.name.clone(), relation, from, until });
            continue;
        };
        // Nobody closes the time of a merged record: from the merge on, the leading one says where the person lives.
        let until = [until, row.ended_on, leading.ended_on].into_iter().flatten().min();
        let (whose, name) = (Whose::from(leading), leading.name.clone());
        taken_over.push(MemberView { whose, name, relation, from, until });
    }
    for time in taken_over {
        match members.iter_mut().find(|kept| kept.whose.id == time.whose.id && kept.touches(&time)) {
            Some(kept) => {
                kept.from = kept.from.min(time.from);
                kept.until = kept.until.zip(time.until).map(|(one, other)| one.max(other));
            }
            None => members.push(time),
        }
    }
    members.sort_by_key(|member| (member.until.is_some(), std::cmp::Reverse(member.until), member.relation));
    members
}

impl MemberView {
    /// Whether the two times have a day in common.
    fn touches(&self, other: &Self) -> bool {
        let begins_in = |one: &Self, other: &Self| one.until.is_none_or(|until| other.from <= until);
        begins_in(self, other) && begins_in(other, self)
    }
}
