//! Two records turn out to be one person's, or turn out not to be.
//!
//! The leading record takes over what it lacks and nothing else; the merged record keeps all it has and points to the
//! leading one. What was taken over is noted, so that the merge can be undone exactly.

use chassis::{Fault, data::Tx};
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::{
    App, By, Record,
    care_tags::{holding, write_tags},
    update_resident::search_keys,
};
use crate::{
    Error,
    domain::{care::CareTag, facts::FactGroup, standing::Refused},
    events::Told,
    store::{ResidentId, care_tag, merge, name_key, resident},
};

/// Which record stays, which becomes part of it, and why.
#[derive(Clone, Debug)]
pub struct MergeResidents {
    pub leading: ResidentId,
    pub merged: ResidentId,
    pub reason: String,
}

/// Which merged record is to stand on its own again, and why.
#[derive(Clone, Debug)]
pub struct UnmergeResident {
    pub id: ResidentId,
    pub reason: String,
}

/// Names the ID number in what was filled; it is part of a group of which the rest is never empty.
const NATIONAL_ID: &str = "national_id";

impl App {
    /// Makes `merged` part of `leading` and answers the leading record.
    pub async fn merge(&self, by: &By, command: MergeResidents) -> Result<Record, Error> {
        let leading = command.leading;
        if leading == command.merged {
            return Err(Refused::IntoItself.into());
        }
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, command) = (app.clone(), own.clone(), command.clone());
            Box::pin(async move { app.write_merge(tx, &by, command).await })
        });
        work.await?;
        self.get(&by.scope, leading).await
    }

    async fn write_merge(&self, tx: &Tx, by: &By, command: MergeResidents) -> Result<(), Error> {
        let MergeResidents { leading, merged, reason } = command;
        let [mut leading, mut merged] = lock_both(tx, by, leading, merged).await?;
        let today = self.today();
        let standing = merged.standing().merge_into(merged.id, leading.id, &leading.standing(), today)?;
        let (before, before_on) = (merged.state, merged.ended_on);
        let filled = self.fill(&mut leading, &merged).await?;
        let (tags, care) = self.take_tags(tx, &leading, &merged).await?;
        merged.stand(standing);
        name_key::remove(tx, merged.area_code, merged.id, search_keys(&merged.name)).await?;
        let row = merge::Model {
            id: self.ids.next(),
            leading_id: leading.id,
            merged_id: merged.id,
            merged_on: today,
            at: self.clock.now(),
            who: by.who.clone(),
            reason,
            before,
            before_on,
            filled: filled.join(","),
            tags: tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(","),
            undone_at: None,
            undone_by: None,
            undone_reason: None,
        };
        tx.append(row.into_active_model());
        let mut told = vec![Told::Merged { merged: merged.id }];
        if !tags.is_empty() {
            told.push(Told::CareChanged { care });
        }
        self.save(tx, merged, Vec::new()).await?;
        self.save(tx, leading, told).await
    }

    /// Fills what `leading` lacks and `merged` has, and names it. The index of an ID number stays with the merged record,
    /// which leads to the leading one.
    async fn fill(&self, leading: &mut resident::Model, merged: &resident::Model) -> Result<Vec<&'static str>, Error> {
        let mut filled = Vec::new();
        if leading.national_id.is_none()
            && let Some(number) = merged.open_national_id(&self.keys).await?
        {
            leading.set_national_id(&self.keys, Some(number.expose()))?;
            leading.national_id_index = None;
            filled.push(NATIONAL_ID);
        }
        if leading.contact_on.is_none()
            && let Some(number) = merged.open_phone(&self.keys).await?
        {
            leading.set_phone(&self.keys, Some(number.expose()))?;
            (leading.contact_on, leading.contact_from) = (merged.contact_on, merged.contact_from);
            filled.push(FactGroup::Contact.as_str());
        }
        if leading.registration_on.is_none() && merged.registration_on.is_some() {
            leading.registration = merged.registration;
            (leading.registration_on, leading.registration_from) = (merged.registration_on, merged.registration_from);
            filled.push(FactGroup::Registration.as_str());
        }
        if leading.living_on.is_none() && merged.living_on.is_some() {
            leading.living = merged.living;
            (leading.living_on, leading.living_from) = (merged.living_on, merged.living_from);
            filled.push(FactGroup::Living.as_str());
        }
        Ok(filled)
    }

    /// Gives `leading` the tags that only `merged` has. Answers their kinds, and all kinds that hold for `leading` then.
    async fn take_tags(
        &self,
        tx: &Tx,
        leading: &resident::Model,
        merged: &resident::Model,
    ) -> Result<(Vec<CareTag>, Vec<CareTag>), Error> {
        let tags = care_tag::of(tx, &[leading.id, merged.id]).await?;
        let (mut own, other): (Vec<_>, Vec<_>) = tags.into_iter().partition(|tag| tag.resident_id == leading.id);
        let new: Vec<_> = other
            .into_iter()
            .filter(|tag| own.iter().all(|kept| kept.kind != tag.kind))
            .map(|tag| care_tag::Model { resident_id: leading.id, ..tag })
            .collect();
        write_tags(tx, &new);
        let kinds = new.iter().map(|tag| tag.kind).collect();
        own.extend(new);
        Ok((kinds, holding(&own, self.today())))
    }

    /// Takes a merge back and answers the record that was merged. What the leading record took over is taken from it
    /// again, unless it was changed since.
    pub async fn unmerge(&self, by: &By, command: UnmergeResident) -> Result<Record, Error> {
        let id = command.id;
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, command) = (app.clone(), own.clone(), command.clone());
            Box::pin(async move { app.write_unmerge(tx, &by, command).await })
        });
        work.await?;
        self.get(&by.scope, id).await
    }

    async fn write_unmerge(&self, tx: &Tx, by: &By, command: UnmergeResident) -> Result<(), Error> {
        let UnmergeResident { id, reason } = command;
        let merged = resident::get(&by.scope, tx, id).await?;
        let Some(into) = merged.merged_into else { return Err(Refused::IsNotMerged.into()) };
        let [mut leading, mut merged] = lock_both(tx, by, into, id).await?;
        // Which two to lock was read before they were locked.
        match merged.merged_into {
            None => return Err(Refused::IsNotMerged.into()),
            Some(now) if now != leading.id => return Err(Fault::StaleEtag.into()),
            Some(_) => {}
        }
        let note = merge::standing(tx, id).await?.ok_or(Refused::IsNotMerged)?;
        self.give_back(&mut leading, &merged, &note.filled).await?;
        self.give_tags_back(tx, &leading, &merged, &note.tags).await?;
        (merged.state, merged.ended_on, merged.merged_into) = (note.before, note.before_on, None);
        for key in name_key::rows(merged.area_code, merged.id, search_keys(&merged.name)) {
            tx.append(key);
        }
        let undone = merge::ActiveModel {
            id: Set(note.id),
            undone_at: Set(Some(self.clock.now())),
            undone_by: Set(Some(by.who.clone())),
            undone_reason: Set(Some(reason)),
            ..Default::default()
        };
        sea_orm::ActiveModelTrait::update(undone, tx).await?;
        let care = holding(&care_tag::of(tx, &[leading.id]).await?, self.today());
        let changed = if note.tags.is_empty() { Vec::new() } else { vec![Told::CareChanged { care }] };
        self.save(tx, leading, changed).await?;
        self.save(tx, merged, vec![Told::Unmerged]).await
    }

    /// A group that was put right is the leading record's own, also where that was on the day of the other observation.
    async fn give_back(
        &self,
        leading: &mut resident::Model,
        merged: &resident::Model,
        filled: &str,
    ) -> Result<(), Error> {
        let contact = |row: &resident::Model| (row.phone_index.clone(), row.contact_on, row.contact_from);
        let registration = |row: &resident::Model| (row.registration, row.registration_on, row.registration_from);
        let living = |row: &resident::Model| (row.living, row.living_on, row.living_from);
        for what in filled.split(',') {
            match what {
                NATIONAL_ID if self.same_number(leading, merged).await? => leading.set_national_id(&self.keys, None)?,
                "contact" if contact(leading) == contact(merged) => {
                    leading.set_phone(&self.keys, None)?;
                    (leading.contact_on, leading.contact_from) = (None, None);
                }
                "registration" if registration(leading) == registration(merged) => {
                    leading.registration = None;
                    (leading.registration_on, leading.registration_from) = (None, None);
                }
                "living" if living(leading) == living(merged) => {
                    leading.living = None;
                    (leading.living_on, leading.living_from) = (None, None);
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn same_number(&self, leading: &resident::Model, merged: &resident::Model) -> Result<bool, Fault> {
        let (leading, merged) =
            (leading.open_national_id(&self.keys).await?, merged.open_national_id(&self.keys).await?);
        Ok(leading.zip(merged).is_some_and(|(leading, merged)| leading.expose() == merged.expose()))
    }

    async fn give_tags_back(
        &self,
        tx: &Tx,
        leading: &resident::Model,
        merged: &resident::Model,
        taken: &str,
    ) -> Result<(), Error> {
        let tags = care_tag::of(tx, &[leading.id, merged.id]).await?;
        let unchanged = |kind: CareTag| {
            let of = |id| tags.iter().find(|tag| tag.resident_id == id && tag.kind == kind);
            of(leading.id)
                .zip(of(merged.id))
                .is_some_and(|(own, other)| *own == care_tag::Model { resident_id: leading.id, ..other.clone() })
        };
        let kinds: Vec<CareTag> =
            taken.split(',').filter_map(|code| CareTag::parse(code).ok()).filter(|kind| unchanged(*kind)).collect();
        Ok(care_tag::erase(tx, leading.id, &kinds).await?)
    }
}

/// Locks two records in the order of their ids, so that two calls never wait for each other.
async fn lock_both(tx: &Tx, by: &By, one: ResidentId, other: ResidentId) -> Result<[resident::Model; 2], Error> {
    let (low, high) = (one.min(other), one.max(other));
    let low = resident::lock(&by.scope, tx, low).await?;
    let high = resident::lock(&by.scope, tx, high).await?;
    Ok(if low.id == one { [low, high] } else { [high, low] })
}
