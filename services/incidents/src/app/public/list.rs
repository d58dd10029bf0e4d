//! Reports and entries for everybody.

use std::collections::HashMap;

use chassis::{access::Scope, data::Page};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{PublishedEntry, PublishedReport, categories::shown_codes};
use crate::{
    App,
    domain::public,
    error::Error,
    store::{
        catalogue, incident,
        public::{self as table, Entries, Reports},
    },
};

/// A list of reports that somebody asks for.
#[derive(Clone, Debug)]
pub struct ReportsOf {
    /// Empty: all.
    pub numbers: Vec<String>,
    /// Empty: all.
    pub categories: Vec<String>,
    /// None: whether open or not.
    pub open: Option<bool>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub with_entries: bool,
    pub skip: u64,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// A list of entries that somebody asks for.
#[derive(Clone, Debug)]
pub struct EntriesOf {
    /// Empty: of all reports.
    pub numbers: Vec<String>,
    pub from: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub skip: u64,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

impl App {
    /// Reports that may be shown, the newest first, and the token of the next page.
    pub async fn published(&self, of: ReportsOf) -> Result<(Vec<PublishedReport>, String), Error> {
        let ReportsOf { numbers, categories, open, from, until, with_entries, skip, page } = of;
        let tree = catalogue::all(self.db.read()).await?;
        let codes = shown_codes(&tree);
        let asked = codes.iter().filter(|code| categories.is_empty() || categories.contains(code));
        let wanted = Reports {
            categories: asked.cloned().collect(),
            numbers: known(&numbers),
            states: open.map(public::states).unwrap_or_default(),
            from,
            until,
            skip,
            page,
        };
        let (rows, next) = table::reports(self.db.read(), &wanted).await?;
        Ok((self.publish(&tree, &codes, rows, with_entries).await?, next))
    }

    /// What happened to reports that came for the public, the oldest first, and the token of the next page.
    pub async fn published_entries(&self, of: EntriesOf) -> Result<(Vec<PublishedEntry>, String), Error> {
        let EntriesOf { numbers, from, until, skip, page } = of;
        let db = self.db.read();
        let categories = shown_codes(&catalogue::all(db).await?);
        let wanted = Entries { categories, numbers: known(&numbers), from, until, skip, page };
        let (found, next) = table::entries(db, &wanted).await?;
        let mut ids: Vec<Uuid> = found.iter().map(|entry| entry.incident_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = incident::of_ids(db, &Scope::everything(), ids.iter().copied()).await?;
        let timelines = table::timelines(db, ids).await?;
        let mut shown = HashMap::new();
        for (id, timeline) in timelines {
            let Some(row) = rows.get(&id) else { continue };
            for entry in self.entries(row, &timeline).await? {
                shown.insert((id, entry.version), entry);
            }
        }
        let entries = found.iter().filter_map(|entry| shown.remove(&(entry.incident_id, entry.version)));
        Ok((entries.collect(), next))
    }
}

/// Those of the numbers that are any; none: all.
fn known(numbers: &[String]) -> Option<Vec<String>> {
    let named = !numbers.is_empty();
    let known = numbers.iter().filter_map(|number| public::typed_number(number)).collect();
    named.then_some(known)
}
