//! One matter, many, and what happened to one.

use chassis::{
    access::{Call, Look, look},
    data::{AreaCode, Page, SecretText},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::App,
    domain::matter::{Matter, MatterId, Stage},
    error::Error,
    store::matter::{
        self, Model,
        entry::{self, TEXT},
    },
};

/// A matter as anybody may read it.
#[derive(Clone, Debug)]
pub struct ShownMatter {
    pub row: Model,
    pub matter: Matter,
    /// The entries with a public text, in order.
    pub notes: Vec<entry::Model>,
}

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct MattersOf {
    pub area: AreaCode,
    /// Empty: all.
    pub stages: Vec<Stage>,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// An entry with its text open.
#[derive(Clone, Debug)]
pub struct ShownMatterEntry {
    pub row: entry::Model,
    pub text: Option<SecretText>,
}

impl App {
    /// One matter.
    pub async fn matter(&self, id: MatterId) -> Result<ShownMatter, Error> {
        let row = matter::get(self.db.read(), id).await?;
        let notes = matter::entries(self.db.read(), id, true).await?;
        Ok(ShownMatter { matter: row.matter()?, row, notes })
    }

    /// Matters of an area, the newest first and without notes, and the token of the next page.
    pub async fn matters(&self, of: MattersOf) -> Result<(Vec<ShownMatter>, String), Error> {
        let MattersOf { area, stages, page } = of;
        let (rows, next) = matter::list(self.db.read(), (area, &stages), &page).await?;
        let shown = rows.into_iter().map(|row| Ok(ShownMatter { matter: row.matter()?, row, notes: Vec::new() }));
        Ok((shown.collect::<Result<_, Error>>()?, next))
    }

    /// All that happened to a matter, for the office.
    pub async fn matter_entries(&self, call: &Call, id: MatterId) -> Result<Vec<ShownMatterEntry>, Error> {
        matter::get_within(self.db.read(), call.scope(), id).await?;
        let rows = matter::entries(self.db.read(), id, false).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let text = self.open(TEXT.at(row.id), row.text.as_ref()).await?;
            entries.push(ShownMatterEntry { row, text });
        }
        look(&self.db, &self.ids, &self.clock, call, vec![Look { subject: id.0, fields: "entries.text" }]).await?;
        Ok(entries)
    }
}
