//! Finding residents by part of a name, pinyin initials, phone or ID number.

use chassis::{
    access::Scope,
    data::{AreaCode, AreaLevel, Page},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{App, ResidentPage};
use crate::{
    Error,
    domain::search::SearchTerm,
    store::{
        ResidentId, area, name_key,
        resident::{self, NATIONAL_ID_INDEX, Number, PHONE_INDEX},
    },
};

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct SearchResidents {
    pub area: AreaCode,
    pub term: SearchTerm,
    pub page: Page<Found>,
}

/// Where a page of found people ends: the subdistrict's number and the last person. It says nothing of any name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found(pub i64, pub Uuid);

impl App {
    /// The people that fit, whether they live here or are gone; merged records are found under their leading one.
    pub async fn search(&self, scope: &Scope, wanted: SearchResidents) -> Result<ResidentPage, Error> {
        let SearchResidents { area, term, page } = wanted;
        let after = page.after.map(|Found(_, id)| ResidentId(id));
        let (mut rows, next) = match term {
            SearchTerm::NationalId(number) => {
                let number = Number::NationalId(self.keys.index(NATIONAL_ID_INDEX, number.expose()));
                let rows = resident::with_number(scope, self.db.read(), (area, number), after, page.limit()).await?;
                cut(&page, rows)?
            }
            SearchTerm::Phone(number) => {
                let number = Number::Phone(self.keys.index(PHONE_INDEX, number.expose()));
                let rows = resident::with_number(scope, self.db.read(), (area, number), after, page.limit()).await?;
                cut(&page, rows)?
            }
            SearchTerm::Name(name) => self.by_name(scope, area, &[name], &page).await?,
            SearchTerm::Letters { initials, name } => self.by_name(scope, area, &[initials, name], &page).await?,
        };
        rows.sort_by_key(|row| (row.area_code.at(AreaLevel::Subdistrict), row.id));
        Ok(ResidentPage { records: self.records(rows).await?, next })
    }

    /// One subdistrict after the other, each a short range of its own keys, until the page is full.
    async fn by_name(
        &self,
        scope: &Scope,
        area: AreaCode,
        prefixes: &[String],
        page: &Page<Found>,
    ) -> Result<(Vec<resident::Model>, String), Error> {
        let mut found: Vec<(AreaCode, ResidentId)> = Vec::new();
        for subdistrict in self.subdistricts(area).await? {
            let number = *subdistrict.range().start();
            let after = match page.after {
                Some(Found(last, _)) if last > number => continue,
                Some(Found(last, id)) if last == number => Some(ResidentId(id)),
                _ => None,
            };
            let most = page.limit() - found.len() as u64;
            let wide = if area.contains(subdistrict) { subdistrict } else { area };
            let ids = name_key::find(scope, self.db.read(), (subdistrict, wide), prefixes, after, most).await?;
            found.extend(ids.into_iter().map(|id| (subdistrict, id)));
            if found.len() as u64 >= page.limit() {
                break;
            }
        }
        let next = page.cut(&mut found, |(subdistrict, id)| Found(*subdistrict.range().start(), id.0))?;
        let ids: Vec<ResidentId> = found.into_iter().map(|(_, id)| id).collect();
        Ok((resident::by_ids(scope, self.db.read(), &ids).await?, next))
    }

    /// The subdistricts that `area` holds or lies in.
    async fn subdistricts(&self, area: AreaCode) -> Result<Vec<AreaCode>, Error> {
        if let Some(own) = area.at(AreaLevel::Subdistrict) {
            return Ok(vec![own]);
        }
        let below = area::below(self.db.read(), Some(area), None, Page::<Found>::MOST.unsigned_abs().into()).await?;
        Ok(below.into_iter().map(|area| area.code).collect())
    }
}

fn cut(page: &Page<Found>, mut rows: Vec<resident::Model>) -> Result<(Vec<resident::Model>, String), Error> {
    let next = page.cut(&mut rows, |row| Found(0, row.id.0))?;
    Ok((rows, next))
}
