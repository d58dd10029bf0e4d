//! One incident, many, and what happened to one.

use chassis::{
    access::{Call, Look, look},
    data::{AreaCode, Page, SecretText},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{App, Shown, parts::reach};
use crate::{
    domain::{CategoryCode, IncidentId, Status},
    error::Error,
    store::{
        incident::{self, Wanted},
        timeline::{self, TEXT},
    },
};

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct ListOf {
    pub area: AreaCode,
    /// Empty: all.
    pub states: Vec<Status>,
    /// A category or a group; none: all.
    pub category: Option<CategoryCode>,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// A timeline entry with its text open.
#[derive(Clone, Debug)]
pub struct ShownEntry {
    pub row: timeline::Model,
    pub text: Option<SecretText>,
}

impl App {
    /// One incident.
    pub async fn get(&self, call: &Call, id: IncidentId) -> Result<Shown, Error> {
        let row = incident::get(self.db.read(), &reach(call), id).await?;
        self.show_one(call, row).await
    }

    /// Incidents of an area, the newest first, and the token of the next page.
    pub async fn list(&self, call: &Call, of: ListOf) -> Result<(Vec<Shown>, String), Error> {
        let ListOf { area, states, category, page } = of;
        let categories = match &category {
            None => None,
            Some(group) => Some(self.codes_within(group).await?),
        };
        let wanted = Wanted { area, states, categories };
        let (rows, next) = incident::list(self.db.read(), &reach(call), &wanted, &page).await?;
        Ok((self.show(call, rows).await?, next))
    }

    /// What happened to an incident. Who sees it only because it is their own reads what is public.
    pub async fn timeline(&self, call: &Call, id: IncidentId) -> Result<Vec<ShownEntry>, Error> {
        let scope = reach(call);
        let incident = incident::get(self.db.read(), &scope, id).await?;
        let public_only = !scope.areas.contain(incident.area_code);
        let rows = timeline::of_incident(self.db.read(), id, public_only).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let text = self.open(TEXT.at(row.id), row.text.as_ref()).await?;
            entries.push(ShownEntry { row, text });
        }
        look(&self.db, &self.ids, &self.clock, call, vec![Look { subject: id.0, fields: "timeline.text" }]).await?;
        Ok(entries)
    }
}
