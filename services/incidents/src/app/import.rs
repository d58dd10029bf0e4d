//! Takes over another system's requests, with their own times and states.
//!
//! A request is known by its system and number. The same row again changes nothing; a row that says something else updates
//! the incident, unless it is older than what was taken or somebody here has acted on the incident since: then the incident
//! is ours, and the file has no say. Others are told of it as of any report, with the times of the file.

use std::{collections::HashMap, io::Read, sync::Arc};

use chassis::{
    Fault,
    data::{AreaCode, BlindIndex, Tx},
};
use sea_orm::ActiveValue::Set;
use serde::Serialize;

use super::App;
use crate::{
    domain::{Actor, ActorKind, Decision, Incident, IncidentId, Recorded, import, import_again, number, replay},
    error::Error,
    events,
    requests::{Mapping, Point, Problem, ReadRow, RequestReader, RequestRow, RowProblem},
    store::{
        catalogue,
        incident::{self, ADDRESS, ActiveModel, Model},
        timeline,
    },
};

/// Rows of one transaction.
const BATCH: usize = 500;
/// New ids, and so new numbers, are drawn this often.
const ATTEMPTS: u32 = 3;

/// How to import.
pub struct ImportOptions<'o> {
    /// Only says what would happen.
    pub dry_run: bool,
    /// Told after each batch what has come of the file so far.
    pub progress: &'o mut (dyn FnMut(&Outcome) + Send),
    /// Told of everything that is wrong with a row.
    pub problem: &'o mut (dyn FnMut(&RowProblem) + Send),
}

/// What came of a file, in rows; `created`, `updated`, `unchanged` and `rejected` make up `rows`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    /// Also rows that are older than what was taken, and incidents that somebody here has acted on.
    pub unchanged: u64,
    pub rejected: u64,
    /// Of the rejected rows; one row may have several.
    pub problems: u64,
}

/// A row, ready to be compared and written.
struct Source {
    row: RequestRow,
    area: AreaCode,
    content: BlindIndex,
}

impl App {
    /// Imports a whole file. Where it breaks off, what was written stays, and the same file again goes on from there.
    pub async fn import_requests<R: Read + Send>(
        &self,
        file: R,
        mapping: &Mapping,
        options: ImportOptions<'_>,
    ) -> Result<Outcome, Error> {
        let ImportOptions { dry_run, progress, problem } = options;
        self.check_mapping(mapping).await?;
        let mut reader = RequestReader::new(file, mapping)?;
        let mut outcome = Outcome::default();
        loop {
            let before = outcome.rows;
            let mut batch = Vec::with_capacity(BATCH);
            for read in reader.by_ref().take(BATCH) {
                outcome.rows += 1;
                match self.source(read?) {
                    Ok(source) => batch.push(source),
                    Err(found) => {
                        outcome.rejected += 1;
                        outcome.problems += found.len() as u64;
                        found.iter().for_each(&mut *problem);
                    }
                }
            }
            if outcome.rows == before {
                return Ok(outcome);
            }
            let Outcome { created, updated, unchanged, .. } = self.take(mapping.system(), batch, dry_run).await?;
            outcome.created += created;
            outcome.updated += updated;
            outcome.unchanged += unchanged;
            progress(&outcome);
        }
    }

    /// A category that a report could not name is refused before any row is read.
    async fn check_mapping(&self, mapping: &Mapping) -> Result<(), Error> {
        let tree = catalogue::all(self.db.read()).await?;
        let unusable: Vec<_> = mapping
            .categories()
            .filter_map(|(source, code)| Some(format!("`category.{source}` {}", tree.usable(code).err()?)))
            .collect();
        if unusable.is_empty() { Ok(()) } else { Err(Error::UnusableCategories(unusable.join("; "))) }
    }

    fn source(&self, read: ReadRow) -> Result<Source, Vec<RowProblem>> {
        let row = match read {
            ReadRow::Request(row) => *row,
            ReadRow::Refused(problems) => return Err(problems),
        };
        // Digits alone do not make a place: a county is not 000000.
        let Ok(area) = row.area.parse() else {
            let column = "area".to_owned();
            return Err(vec![RowProblem { line: row.line, column, problem: Problem::BadArea, value: row.area }]);
        };
        let content = self.keys.index("incidents.source_content", content(&row));
        Ok(Source { row, area, content })
    }

    async fn take(&self, system: &str, rows: Vec<Source>, dry_run: bool) -> Result<Outcome, Error> {
        let batch = Arc::new((system.to_owned(), rows));
        let mut attempt = 1;
        loop {
            let (app, batch) = (self.clone(), Arc::clone(&batch));
            let write = self.db.write(move |tx| {
                let (app, batch) = (app.clone(), Arc::clone(&batch));
                Box::pin(async move { app.take_in(tx, &batch.0, &batch.1, dry_run).await })
            });
            match write.await {
                // Two incidents met on one number, or another import took the same rows.
                Err(Error::Fault(fault)) if fault.is_duplicate() && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    async fn take_in(&self, tx: &Tx, system: &str, rows: &[Source], dry_run: bool) -> Result<Outcome, Error> {
        let numbers: Vec<_> = rows.iter().map(|source| source.row.number.as_str()).collect();
        let known = incident::of_source(tx, system, &numbers).await?;
        let mut known: HashMap<_, _> = known.into_iter().map(|row| (row.source_number.clone(), row)).collect();
        let actor = Actor::new(format!("import:{system}"), ActorKind::System);
        let mut outcome = Outcome::default();
        for source in rows {
            match known.remove(&Some(source.row.number.clone())) {
                None => {
                    outcome.created += 1;
                    if !dry_run {
                        self.create(tx, system, source, actor.clone())?;
                    }
                }
                Some(found) if is_news(&found, source) => {
                    outcome.updated += 1;
                    if !dry_run {
                        self.update(tx, found, source, &actor).await?;
                    }
                }
                Some(_) => outcome.unchanged += 1,
            }
        }
        Ok(outcome)
    }

    fn create(&self, tx: &Tx, system: &str, source: &Source, actor: Actor) -> Result<(), Error> {
        let id = IncidentId(self.ids.next());
        let decision = import(id, source.row.imported(), actor);
        let reported_at = decision.next.reported_at;
        let row = ActiveModel {
            id: Set(id.0),
            number: Set(number::number(id, reported_at)),
            description: Set(None),
            reporter_name: Set(None),
            reporter_phone: Set(None),
            source_system: Set(Some(system.to_owned())),
            source_number: Set(Some(source.row.number.clone())),
            ..incident::new()
        };
        tx.append(self.of_source(row, id, source, &decision)?);
        self.outbox.add(tx, events::reported(&self.ids, &decision.next, source.area, reported_at));
        let (first, later) = decision.events.split_at(1);
        let begun = replay(id, first).map_err(|e| Fault::Internal(e.to_string()))?;
        for recorded in first {
            self.append(tx, &begun, recorded)?;
        }
        self.append_events(tx, begun, later, source.area)
    }

    async fn update(&self, tx: &Tx, found: Model, source: &Source, actor: &Actor) -> Result<(), Error> {
        let seen_at = source.row.updated_at.unwrap_or_else(|| self.clock.now());
        let before = found.incident()?;
        let decision = import_again(&before, source.row.imported(), seen_at, actor);
        let (id, read) = (decision.next.id, found.version);
        let changed = self.of_source(found.into(), id, source, &decision)?;
        if !incident::update(tx, changed, read).await? {
            return Err(Error::Raced);
        }
        self.append_events(tx, before, &decision.events, source.area)
    }

    /// The columns that a file fills.
    fn of_source(
        &self,
        row: ActiveModel,
        id: IncidentId,
        source: &Source,
        decision: &Decision,
    ) -> Result<ActiveModel, Error> {
        let Source { row: request, area, content } = source;
        let last = decision.events.last().map_or(decision.next.reported_at, |recorded| recorded.at);
        let place = ADDRESS.at(id.0);
        Ok(ActiveModel {
            area_code: Set(*area),
            address: Set(self.seal(place, request.address.as_deref())?),
            latitude: Set(request.point.map(|point| point.latitude)),
            longitude: Set(request.point.map(|point| point.longitude)),
            source_content: Set(Some(content.clone())),
            source_updated_at: Set(request.updated_at),
            source_version: Set(Some(i64::from(decision.next.version))),
            ..incident::life(row, &decision.next, request.updated_at.unwrap_or(last))?
        })
    }

    /// Timeline and events of what followed on `incident`; others are told of each step with the states before and after it.
    fn append_events(&self, tx: &Tx, mut incident: Incident, later: &[Recorded], area: AreaCode) -> Result<(), Error> {
        for recorded in later {
            let from = incident.status;
            incident = incident.apply(recorded);
            let version = i64::from(incident.version);
            if let Some(event) = events::changed(&self.ids, &incident, from, recorded, version, area) {
                self.outbox.add(tx, event);
            }
            self.append(tx, &incident, recorded)?;
        }
        Ok(())
    }

    /// The timeline's entry of what made `incident` what it is.
    fn append(&self, tx: &Tx, incident: &Incident, recorded: &Recorded) -> Result<(), Error> {
        let (id, recorded, version) = (self.ids.next(), recorded.clone(), incident.version.into());
        Ok(timeline::append(tx, timeline::Entry { id, incident: incident.id, version, recorded, text: None })?)
    }
}

/// Whether a row may change what was taken before, and would.
fn is_news(found: &Model, source: &Source) -> bool {
    let is_ours = found.source_version != Some(found.version);
    let is_older = source.row.updated_at.zip(found.source_updated_at).is_some_and(|(new, old)| new < old);
    let is_same = found.source_content.as_ref() == Some(&source.content);
    !is_ours && !is_older && !is_same
}

/// Everything a row says but its line and time of change, in one text.
fn content(row: &RequestRow) -> String {
    let RequestRow {
        line: _,
        number: _,
        created_at,
        updated_at: _,
        outcome,
        category,
        channel,
        anonymous,
        address,
        point,
        area,
    } = row;
    let point = point.map(|Point { latitude, longitude }| (latitude, longitude));
    let category = category.as_str();
    format!("{created_at:?}|{outcome:?}|{category}|{channel}|{anonymous:?}|{address:?}|{point:?}|{area}")
}
