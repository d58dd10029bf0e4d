//! Care tags of a resident are set and taken away.

use chassis::{Fault, data::Tx};
use chrono::NaiveDate;

use super::{App, By, Record};
use crate::{
    Error,
    domain::{
        care::CareTag,
        facts::{FactGroup, Source},
        standing::{Refused, Status},
    },
    events::Told,
    store::{ResidentId, care_tag, resident},
};

/// Which tag of whom, who says so, since when and until when.
#[derive(Clone, Debug)]
pub struct SetCareTag {
    pub id: ResidentId,
    pub kind: CareTag,
    pub source: Source,
    pub observed_on: NaiveDate,
    pub expires_on: Option<NaiveDate>,
}

/// Which tag of whom.
#[derive(Clone, Copy, Debug)]
pub struct ClearCareTag {
    pub id: ResidentId,
    pub kind: CareTag,
}

impl App {
    /// Sets or renews a tag.
    pub async fn set_care_tag(&self, by: &By, command: SetCareTag) -> Result<Record, Error> {
        let SetCareTag { id, kind, source, observed_on, expires_on } = command;
        self.not_future("tag.observed_on", observed_on)?;
        if expires_on.is_some_and(|expires| expires < observed_on) {
            let message = format!("lies before {observed_on}, the day of observation: check both");
            return Err(Error::field("tag.expires_on", "dates.in_order", message));
        }
        let put = care_tag::Model { resident_id: id, kind, source, observed_on, expires_on, cleared_on: None };
        self.change_tag(by, put).await
    }

    /// Takes a tag away, from today on.
    pub async fn clear_care_tag(&self, by: &By, command: ClearCareTag) -> Result<Record, Error> {
        let ClearCareTag { id, kind } = command;
        let today = self.today();
        let cleared_on = Some(today);
        let put = care_tag::Model {
            resident_id: id,
            kind,
            source: by.source,
            observed_on: today,
            expires_on: None,
            cleared_on,
        };
        self.change_tag(by, put).await
    }

    async fn change_tag(&self, by: &By, put: care_tag::Model) -> Result<Record, Error> {
        let id = put.resident_id;
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, put) = (app.clone(), own.clone(), put.clone());
            Box::pin(async move {
                let row = resident::lock(&by.scope, tx, put.resident_id).await?;
                if row.state == Status::Merged {
                    return Err(Refused::IsMerged.into());
                }
                let mut tags = care_tag::of(tx, &[row.id]).await?;
                let kept = tags.iter().position(|tag| tag.kind == put.kind);
                if put.cleared_on.is_some() && kept.is_none_or(|at| tags[at].cleared_on.is_some()) {
                    return Err(Fault::NotFound("care tag").into());
                }
                match kept.map(|at| &mut tags[at]) {
                    Some(kept) if kept.observed_on > put.observed_on => {
                        let kept_on = kept.observed_on;
                        return Err(Error::OlderThanKept { group: FactGroup::Care.as_str(), kept_on });
                    }
                    Some(kept) if *kept == put => return Ok(()),
                    Some(kept) => *kept = put.clone(),
                    None => tags.push(put.clone()),
                }
                write_tags(tx, &[put]);
                let care = holding(&tags, app.today());
                app.save(tx, row, vec![Told::CareChanged { care }]).await
            })
        });
        work.await?;
        self.get(&by.scope, id).await
    }
}

/// The kinds that hold on that day.
pub(super) fn holding(tags: &[care_tag::Model], day: NaiveDate) -> Vec<CareTag> {
    tags.iter().filter(|tag| tag.holds_on(day)).map(|tag| tag.kind).collect()
}

pub(super) fn write_tags(tx: &Tx, tags: &[care_tag::Model]) {
    if let Some(statement) = care_tag::put(tags) {
        tx.append_statement(statement);
    }
}
