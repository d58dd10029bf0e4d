//! What a batch came to, in a handful of statements.

use std::collections::HashSet;

use chassis::data::Tx;
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel};

use super::{known::Known, person::Person};
use crate::{
    Error,
    app::{
        App,
        care_tags::write_tags,
        update_resident::{follow_name, search_keys},
    },
    events::told,
    store::{HouseholdId, area, care_tag, household, membership, name_key, resident},
};

impl App {
    /// Writes all that is new or changed. New rows travel together with the commit; what takes another's place goes first.
    pub(super) async fn write_known(&self, tx: &Tx, known: &Known) -> Result<(), Error> {
        for grid in &known.new_grids {
            let number = grid.to_string();
            let name = format!("{}网格", number.get(12..).unwrap_or_default());
            tx.append(area::ActiveModel { code: Set(*grid), name: Set(name), parent: Set(grid.parent()) });
        }
        for dwelling in &known.new_dwellings {
            tx.append(dwelling.clone().into_active_model());
        }
        self.write_households(tx, known).await?;
        let (new, changed): (Vec<&Person>, Vec<&Person>) =
            known.changed().partition(|person| person.before().is_none());
        let mut new = new;
        new.sort_by_key(|person| person.row().id);
        for person in &new {
            let row = person.row();
            tx.append(row.clone().into_active_model());
            for key in name_key::rows(row.area_code, row.id, search_keys(&row.name)) {
                tx.append(key);
            }
        }
        self.write_changed(tx, &changed).await?;
        for person in new.iter().chain(&changed) {
            self.write_moves(tx, person).await?;
            for (version, area_code, what) in person.told() {
                let row = resident::Model { version: *version, area_code: *area_code, ..person.row().clone() };
                self.outbox.add(tx, told(&self.ids, &row, what));
            }
        }
        let tags: Vec<care_tag::Model> =
            new.iter().chain(&changed).flat_map(|person| person.changed_tags().to_vec()).collect();
        write_tags(tx, &tags);
        Ok(())
    }

    async fn write_households(&self, tx: &Tx, known: &Known) -> Result<(), Error> {
        let new: HashSet<HouseholdId> = known.new_households.iter().copied().collect();
        for home in known.households.values().filter(|home| new.contains(&home.id)) {
            tx.append(home.clone().into_active_model());
        }
        let seen: HashSet<HouseholdId> = known.seen_households.iter().copied().collect();
        let seen: Vec<_> =
            known.households.values().filter(|home| seen.contains(&home.id) && !new.contains(&home.id)).collect();
        if !seen.is_empty() {
            tx.flush().await?;
        }
        for rows in seen.chunks(AT_ONCE) {
            tx.execute(&household::put(rows.iter().map(|home| (*home).clone()))).await?;
        }
        Ok(())
    }

    async fn write_changed(&self, tx: &Tx, changed: &[&Person]) -> Result<(), Error> {
        if changed.is_empty() {
            return Ok(());
        }
        for person in changed {
            if let Some(before) = person.before() {
                follow_name(tx, before, person.row()).await?;
                let (was, is) = (before.relation, person.row().relation);
                if was != is && person.moves().is_empty() {
                    membership::relate(tx, before.id, is).await?;
                }
            }
        }
        tx.flush().await?;
        for rows in changed.chunks(AT_ONCE) {
            tx.execute(&resident::put(rows.iter().map(|person| person.row().clone()))).await?;
        }
        Ok(())
    }

    /// Each household that the person was met in, one after the other.
    async fn write_moves(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let row = person.row();
        let moves = person.moves();
        if let (Some(_), Some((_, on))) = (person.before(), moves.first()) {
            membership::close(tx, row.id, *on).await?;
        }
        for (at, (home, from_on)) in moves.iter().enumerate() {
            tx.append(membership::ActiveModel {
                id: Set(self.ids.next()),
                household_id: Set(*home),
                resident_id: Set(row.id),
                relation: Set(row.relation),
                from_on: Set(*from_on),
                until_on: Set(moves.get(at + 1).map(|(_, next)| *next)),
            });
        }
        Ok(())
    }
}

/// Rows in one statement; with all columns of `residents` far below what SQLite takes.
const AT_ONCE: usize = 500;
