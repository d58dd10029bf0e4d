//! One resident, and lists of them.

use chassis::{
    access::Scope,
    data::{AreaCode, Page},
};

use super::{App, Record};
use crate::{
    Error,
    domain::care::CareTag,
    store::{
        ResidentId,
        resident::{self, After},
    },
};

/// Which residents to list.
#[derive(Clone, Debug)]
pub struct ListResidents {
    pub area: AreaCode,
    pub tag: Option<CareTag>,
    pub page: Page<After>,
}

/// Some of them, and the token of the next page; empty on the last.
#[derive(Clone, Debug)]
pub struct ResidentPage {
    pub records: Vec<Record>,
    pub next: String,
}

impl App {
    /// The resident, in whatever state.
    pub async fn get(&self, scope: &Scope, id: ResidentId) -> Result<Record, Error> {
        let row = self.reads.get(scope, id).await?;
        self.record(row).await
    }

    /// The resident without the care tags, for an answer that leaves masked and so has none: one statement instead of two.
    pub async fn get_without_tags(&self, scope: &Scope, id: ResidentId) -> Result<Record, Error> {
        let row = self.reads.get(scope, id).await?;
        self.opened(row, Vec::new()).await
    }

    /// The living residents of an area.
    pub async fn list(&self, scope: &Scope, wanted: ListResidents) -> Result<ResidentPage, Error> {
        let ListResidents { area, tag, page } = wanted;
        let tag = tag.map(|tag| (tag, self.today()));
        let mut rows = resident::list(scope, self.db.read(), (area, tag), page.after, page.limit()).await?;
        let next = page.cut(&mut rows, resident::Model::as_end)?;
        Ok(ResidentPage { records: self.records(rows).await?, next })
    }

    pub(super) async fn record(&self, row: resident::Model) -> Result<Record, Error> {
        let records = self.records(vec![row]).await?;
        records.into_iter().next().ok_or_else(|| chassis::Fault::NotFound("resident").into())
    }
}
