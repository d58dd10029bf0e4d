//! From rows to what everybody may know of them.

use std::collections::HashMap;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, AreaLevel, SecretText},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    App,
    domain::{
        CategoryCode, Event, EventKind, IncidentId, Recorded, Status,
        catalogue::{Catalogue, Category},
        event::ClosureBasis,
        public, replay,
    },
    error::Error,
    store::{
        incident::{self, ADDRESS, DESCRIPTION, Model},
        promise as promises, public as table,
        public::publication::{self, MEDIA_URLS},
        timeline::{self, TEXT},
    },
};

/// A report as everybody may see it.
#[derive(Clone, Debug)]
pub struct PublishedReport {
    pub row: Model,
    pub category: Option<Category>,
    pub area: AreaCode,
    /// WGS84 degrees; coarse where the report did not come for the public.
    pub point: Option<(f64, f64)>,
    /// These four only where it came for the public.
    pub address: Option<SecretText>,
    pub description: Option<SecretText>,
    pub media_urls: Vec<String>,
    /// What was last said publicly.
    pub note: Option<SecretText>,
    pub expected_at: Option<DateTime<Utc>>,
    /// The number of the report it repeats, where that is shown too.
    pub duplicate_of: Option<String>,
    pub entries: Vec<PublishedEntry>,
}

/// One thing that happened, as everybody may know it.
#[derive(Clone, Debug)]
pub struct PublishedEntry {
    pub number: String,
    pub version: i64,
    pub at: DateTime<Utc>,
    pub kind: EventKind,
    /// After it.
    pub status: Status,
    /// It was closed on the word of the reporter or a call-back clerk.
    pub solved: bool,
    pub text: Option<SecretText>,
}

/// A report is taken back with what it said.
fn shows_words(row: &Model) -> bool {
    public::came_for_the_public(row.channel.0) && row.state.0 != Status::Withdrawn
}

impl App {
    /// The rows as everybody may see them. `codes` are those that may be shown.
    pub(super) async fn publish(
        &self,
        tree: &Catalogue,
        codes: &[String],
        rows: Vec<Model>,
        with_entries: bool,
    ) -> Result<Vec<PublishedReport>, Error> {
        let db = self.db.read();
        // A joined report is expected to be solved with the one that leads its problem.
        let leading = |row: &Model| row.duplicate_of.unwrap_or(row.id);
        let expected = promises::expected(db, rows.iter().map(leading)).await?;
        let open: Vec<Uuid> = rows.iter().filter(|row| shows_words(row)).map(|row| row.id).collect();
        let (pictures, mut notes) = if open.is_empty() {
            (HashMap::new(), HashMap::new())
        } else {
            (publication::of(db, open.iter().copied()).await?, self.last_notes(&open).await?)
        };
        let mut entries = if with_entries { self.entries_of(&rows).await? } else { HashMap::new() };
        let mut parents = self.parents(codes, &rows).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let words = shows_words(&row);
            let (address, description) = if words {
                let address = self.open(row.place(ADDRESS), row.address.as_ref()).await?;
                (address, self.open(row.place(DESCRIPTION), row.description.as_ref()).await?)
            } else {
                (None, None)
            };
            shown.push(PublishedReport {
                category: row.category.clone().and_then(|code| tree.resolved(&CategoryCode::recorded(code))),
                area: area(&row),
                point: point(&row),
                address,
                description,
                media_urls: self.media_urls(pictures.get(&row.id)).await?,
                note: notes.remove(&row.id),
                expected_at: expected.get(&leading(&row)).copied(),
                duplicate_of: row.duplicate_of.and_then(|id| parents.remove(&(row.id, id))),
                entries: entries.remove(&row.id).unwrap_or_default(),
                row,
            });
        }
        Ok(shown)
    }

    async fn media_urls(&self, row: Option<&publication::Model>) -> Result<Vec<String>, Error> {
        let Some(row) = row else { return Ok(Vec::new()) };
        let place = MEDIA_URLS.at(row.incident_id);
        let Some(text) = self.open(place, row.media_urls.as_ref()).await? else { return Ok(Vec::new()) };
        let read = serde_json::from_str(text.expose());
        Ok(read.map_err(|_| Fault::Internal(format!("incident {} has damaged media_urls", row.incident_id)))?)
    }

    /// What was last said publicly of each.
    async fn last_notes(&self, incidents: &[Uuid]) -> Result<HashMap<Uuid, SecretText>, Error> {
        let mut last: HashMap<Uuid, timeline::Model> = HashMap::new();
        for row in table::notes(self.db.read(), incidents.iter().copied()).await? {
            if public::shows_text(row.kind.0, row.actor_kind.0, row.visibility.0) {
                last.insert(row.incident_id, row);
            }
        }
        let mut notes = HashMap::with_capacity(last.len());
        for (incident, row) in last {
            if let Some(text) = self.open(TEXT.at(row.id), row.text.as_ref()).await? {
                notes.insert(incident, text);
            }
        }
        Ok(notes)
    }

    /// The numbers of the reports that these repeat, by both ids, where they are shown too.
    async fn parents(&self, codes: &[String], rows: &[Model]) -> Result<HashMap<(Uuid, Uuid), String>, Error> {
        let pairs: Vec<_> = rows.iter().filter_map(|row| Some((row.id, row.duplicate_of?))).collect();
        if pairs.is_empty() {
            return Ok(HashMap::new());
        }
        let db = self.db.read();
        let ids = || pairs.iter().map(|(_, parent)| *parent);
        let found = incident::of_ids(db, &Scope::everything(), ids()).await?;
        let decided = publication::of(db, ids()).await?;
        let is_shown = |row: &Model| {
            row.category.as_ref().is_some_and(|code| codes.contains(code))
                && decided.get(&row.id).is_none_or(|decision| !decision.withheld)
        };
        let shown = pairs.into_iter().filter_map(|(id, parent)| {
            let row = found.get(&parent).filter(|row| is_shown(row))?;
            Some(((id, parent), row.number.clone()))
        });
        Ok(shown.collect())
    }

    /// What happened to those of these that came for the public.
    async fn entries_of(&self, rows: &[Model]) -> Result<HashMap<Uuid, Vec<PublishedEntry>>, Error> {
        let rows: Vec<_> = rows.iter().filter(|row| public::came_for_the_public(row.channel.0)).collect();
        let timelines = table::timelines(self.db.read(), rows.iter().map(|row| row.id)).await?;
        let mut all = HashMap::with_capacity(rows.len());
        for row in rows {
            let Some(timeline) = timelines.get(&row.id) else { continue };
            all.insert(row.id, self.entries(row, timeline).await?);
        }
        Ok(all)
    }

    /// The entries of one report that may be shown, each with the state after it.
    pub(super) async fn entries(
        &self,
        row: &Model,
        timeline: &[(timeline::Model, Recorded)],
    ) -> Result<Vec<PublishedEntry>, Error> {
        let damaged = |e: crate::domain::ReplayError| Fault::Internal(format!("incident {}: {e}", row.id));
        let Some((_, first)) = timeline.first() else { return Ok(Vec::new()) };
        let mut incident = replay(IncidentId(row.id), [first]).map_err(damaged)?;
        let mut entries = Vec::new();
        for (position, (entry, recorded)) in timeline.iter().enumerate() {
            if position > 0 {
                incident = incident.apply(recorded);
            }
            let (kind, by, visibility) = (entry.kind.0, entry.actor_kind.0, entry.visibility.0);
            if public::step(kind).is_none() || visibility != crate::domain::Visibility::Public {
                continue;
            }
            let text = match &entry.text {
                Some(_) if shows_words(row) && public::shows_text(kind, by, visibility) => {
                    self.open(TEXT.at(entry.id), entry.text.as_ref()).await?
                }
                _ => None,
            };
            let confirmed = |basis: &ClosureBasis| *basis != ClosureBasis::Imported;
            entries.push(PublishedEntry {
                number: row.number.clone(),
                version: entry.version,
                at: entry.at,
                kind,
                status: incident.status,
                solved: matches!(&recorded.event, Event::Closed { basis, .. } if confirmed(basis)),
                text,
            });
        }
        Ok(entries)
    }
}

/// Where it is: all of it where the report came for the public, else the community at most.
fn area(row: &Model) -> AreaCode {
    if public::came_for_the_public(row.channel.0) {
        return row.area_code;
    }
    row.area_code.at(AreaLevel::Community).unwrap_or(row.area_code)
}

fn point(row: &Model) -> Option<(f64, f64)> {
    let (latitude, longitude) = row.latitude.zip(row.longitude)?;
    if public::came_for_the_public(row.channel.0) {
        return Some((latitude, longitude));
    }
    Some((public::coarse(latitude), public::coarse(longitude)))
}
