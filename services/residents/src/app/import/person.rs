//! One person while a batch is taken: what is kept, what a row says, and what comes of both.

use chassis::{
    Fault,
    data::{BlindIndex, Keyring},
};
use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    Error,
    app::create_resident::age_band,
    domain::{
        facts::{Fact, FactGroup, Merge, Source, merge_fact},
        national_id::NationalId,
        phone::Phone,
        standing::Status,
    },
    events::Told,
    store::{HouseholdId, care_tag, household, resident},
    survey::row::SurveyRow,
};
use chassis::data::AreaCode;

/// A person, with what the rows so far have done.
pub(super) struct Person {
    /// As it lies in the database; none for a new person.
    before: Option<resident::Model>,
    row: resident::Model,
    tags: Vec<care_tag::Model>,
    changed_tags: Vec<care_tag::Model>,
    /// What is told of it, each with the version and area it had then.
    told: Vec<(i64, AreaCode, Told)>,
    /// The households it was moved into, and the days.
    moves: Vec<(HouseholdId, NaiveDate)>,
    is_changed: bool,
}

/// What a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Created,
    Updated,
    Unchanged,
}

/// A row, what stands behind it, and the day it is.
pub(super) struct Statement<'r> {
    pub(super) row: &'r SurveyRow,
    pub(super) is_last_word: bool,
    pub(super) number: Option<&'r BlindIndex>,
    pub(super) home: &'r household::Model,
    pub(super) now: DateTime<Utc>,
    pub(super) today: NaiveDate,
}

const SOURCE: Source = Source::Survey;

impl Person {
    pub(super) fn kept(row: resident::Model, tags: Vec<care_tag::Model>) -> Self {
        Self {
            before: Some(row.clone()),
            row,
            tags,
            changed_tags: Vec::new(),
            told: Vec::new(),
            moves: Vec::new(),
            is_changed: false,
        }
    }

    /// Somebody nobody knew.
    pub(super) fn new(row: resident::Model, said: &SurveyRow, today: NaiveDate) -> Self {
        let tags = said.care_tags.iter().map(|kind| care_tag::Model {
            resident_id: row.id,
            kind: *kind,
            source: SOURCE,
            observed_on: said.visited_on,
            expires_on: None,
            cleared_on: None,
        });
        let tags: Vec<_> = tags.collect();
        let registered = Told::Registered { age_band: age_band(row.birth_date, today), care: said.care_tags.clone() };
        Self {
            before: None,
            told: vec![(row.version, row.area_code, registered)],
            moves: row.household_id.map(|home| (home, said.visited_on)).into_iter().collect(),
            row,
            changed_tags: tags.clone(),
            tags,
            is_changed: true,
        }
    }

    pub(super) fn row(&self) -> &resident::Model {
        &self.row
    }

    pub(super) fn before(&self) -> Option<&resident::Model> {
        self.before.as_ref()
    }

    pub(super) fn changed_tags(&self) -> &[care_tag::Model] {
        &self.changed_tags
    }

    pub(super) fn told(&self) -> &[(i64, AreaCode, Told)] {
        &self.told
    }

    pub(super) fn moves(&self) -> &[(HouseholdId, NaiveDate)] {
        &self.moves
    }

    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    pub(super) fn settle(&mut self) {
        if self.is_changed {
            self.before = Some(self.row.clone());
            self.changed_tags.clear();
            self.told.clear();
            self.moves.clear();
            self.is_changed = false;
        }
    }

    /// Takes over what the row says later or better than what is kept. Whoever has died stays as they are.
    pub(super) fn take(&mut self, keys: &Keyring, said: &Statement<'_>) -> Result<Effect, Error> {
        if matches!(self.row.state, Status::Died | Status::Merged) {
            return Ok(Effect::Unchanged);
        }
        let kept = self.row.clone();
        let mut changed = Vec::new();
        self.take_identity(keys, said, &mut changed)?;
        self.take_contact(keys, said, &mut changed)?;
        self.take_stay(said, &mut changed);
        let has_moved = self.take_household(said, &mut changed);
        let care_changed = self.take_tags(said);
        if self.row == kept && !care_changed {
            return Ok(Effect::Unchanged);
        }
        self.is_changed = true;
        self.row.updated_at = said.now;
        if has_moved {
            self.tell(Told::Moved { from: kept.area_code, on: said.row.visited_on });
        }
        if !changed.is_empty() {
            self.tell(Told::Updated { changed });
        }
        if care_changed {
            let care = crate::app::care_tags::holding(&self.tags, said.today);
            self.tell(Told::CareChanged { care });
        }
        if self.row.version == kept.version {
            // Only the day of a fact is new: nothing to tell, yet who holds the record must read it again.
            self.row.version += 1;
        }
        Ok(Effect::Updated)
    }

    /// Moves along with the household, for whoever lives in it.
    pub(super) fn follow(&mut self, home: &household::Model, now: DateTime<Utc>) {
        let from = self.row.area_code;
        let lives_there = self.row.state == Status::Living && self.row.household_id == Some(home.id);
        if lives_there && from != home.area_code {
            self.row.area_code = home.area_code;
            self.row.updated_at = now;
            self.is_changed = true;
            self.tell(Told::Moved { from, on: home.observed_on });
        }
    }

    fn tell(&mut self, told: Told) {
        self.row.version += 1;
        self.told.push((self.row.version, self.row.area_code, told));
    }

    fn take_identity(
        &mut self,
        keys: &Keyring,
        said: &Statement<'_>,
        changed: &mut Vec<FactGroup>,
    ) -> Result<(), Fault> {
        let row = &mut self.row;
        // A blank number in a row is no statement that there is none.
        let number_is_new =
            said.number.is_some() && said.number != row.national_id_index.as_ref() && row.national_id.is_none();
        let same = row.name == said.row.name.expose()
            && row.sex == said.row.sex
            && row.birth_date == said.row.birth_date
            && !number_is_new;
        if !said.replaces(Some((row.identity_on, row.identity_from)), same) {
            return Ok(());
        }
        if !same {
            said.row.name.expose().clone_into(&mut row.name);
            row.sex = said.row.sex;
            row.birth_date = said.row.birth_date;
            if number_is_new {
                row.set_national_id(keys, said.row.national_id.as_ref().map(NationalId::expose))?;
            }
            changed.push(FactGroup::Identity);
        }
        (row.identity_on, row.identity_from) = (said.row.visited_on, SOURCE);
        Ok(())
    }

    fn take_contact(
        &mut self,
        keys: &Keyring,
        said: &Statement<'_>,
        changed: &mut Vec<FactGroup>,
    ) -> Result<(), Fault> {
        let Some(phone) = &said.row.phone else { return Ok(()) };
        let row = &mut self.row;
        let same = row.phone_index == Some(keys.index(resident::PHONE_INDEX, phone.expose()));
        if said.replaces(row.contact_on.zip(row.contact_from), same) {
            if !same {
                row.set_phone(keys, Some(Phone::expose(phone)))?;
                changed.push(FactGroup::Contact);
            }
            (row.contact_on, row.contact_from) = (Some(said.row.visited_on), Some(SOURCE));
        }
        Ok(())
    }

    fn take_stay(&mut self, said: &Statement<'_>, changed: &mut Vec<FactGroup>) {
        let (row, on) = (&mut self.row, said.row.visited_on);
        if let Some(registration) = said.row.registration {
            let same = row.registration == Some(registration);
            if said.replaces(row.registration_on.zip(row.registration_from), same) {
                changed.extend((!same).then_some(FactGroup::Registration));
                row.registration = Some(registration);
                (row.registration_on, row.registration_from) = (Some(on), Some(SOURCE));
            }
        }
        if let Some(living) = said.row.living {
            let same = row.living == Some(living);
            if said.replaces(row.living_on.zip(row.living_from), same) {
                changed.extend((!same).then_some(FactGroup::Living));
                row.living = Some(living);
                (row.living_on, row.living_from) = (Some(on), Some(SOURCE));
            }
        }
    }

    /// Whether the person was moved. Whoever had left and is met at a later visit has come back.
    fn take_household(&mut self, said: &Statement<'_>, changed: &mut Vec<FactGroup>) -> bool {
        let (row, on) = (&mut self.row, said.row.visited_on);
        if row.state == Status::Left && row.ended_on.is_some_and(|left| left >= on) {
            return false;
        }
        let has_moved = row.household_id != Some(said.home.id) || row.area_code != said.home.area_code;
        let same = !has_moved && row.relation == said.row.relation;
        if !said.replaces(Some((row.household_on, row.household_from)), same) {
            return false;
        }
        if has_moved {
            if row.household_id != Some(said.home.id) {
                self.moves.push((said.home.id, on));
            }
            row.area_code = said.home.area_code;
            row.household_id = Some(said.home.id);
            (row.state, row.ended_on) = (Status::Living, None);
        }
        if row.relation != said.row.relation {
            row.relation = said.row.relation;
            changed.push(FactGroup::Household);
        }
        (row.household_on, row.household_from) = (on, SOURCE);
        has_moved
    }

    /// Tags are added and renewed; that a row names none takes none away. Whether those that hold are others now.
    fn take_tags(&mut self, said: &Statement<'_>) -> bool {
        let mut is_changed = false;
        for kind in &said.row.care_tags {
            let put = care_tag::Model {
                resident_id: self.row.id,
                kind: *kind,
                source: SOURCE,
                observed_on: said.row.visited_on,
                expires_on: None,
                cleared_on: None,
            };
            match self.tags.iter_mut().find(|tag| tag.kind == *kind) {
                Some(kept) if !said.replaces(Some((kept.observed_on, kept.source)), *kept == put) => continue,
                Some(kept) => *kept = put.clone(),
                None => self.tags.push(put.clone()),
            }
            self.changed_tags.retain(|tag| tag.kind != *kind);
            self.changed_tags.push(put);
            is_changed = true;
        }
        is_changed
    }
}

impl Statement<'_> {
    /// Whether it takes the place of what is kept: by the rule of facts, or as the file's last word on a day of which a
    /// survey said otherwise.
    fn replaces(&self, kept: Option<(NaiveDate, Source)>, same: bool) -> bool {
        let Some((observed_on, source)) = kept else { return true };
        let on = self.row.visited_on;
        let current = Fact { value: same, observed_on, source };
        let by_rule = merge_fact(&current, &Fact { value: true, observed_on: on, source: SOURCE }) == Merge::Replace;
        by_rule || (self.is_last_word && !same && (observed_on, source) == (on, SOURCE))
    }
}
