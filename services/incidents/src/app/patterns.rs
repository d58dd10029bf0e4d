//! What comes again and again at a place: looked for at night, proposed once, accepted as work or dismissed with a reason.

use chassis::{
    Fault,
    access::{Call, Look, look},
    data::{AreaCode, Page, SecretText, Tx, check_etag},
    events::{Timer, timers},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::{App, MatterChange, NewReport, Wording, parts};
use crate::{
    domain::{
        CategoryCode, Channel, Decision, IncidentId, Report, Unit,
        matter::{Command, MatterId},
        pattern::{self, EVIDENCE, Found, Spot, State},
        report,
    },
    error::Error,
    events,
    store::{
        Code,
        pattern::{self as table, Model, REASON},
        timeline,
    },
};

pub use crate::store::pattern::FIND_PATTERNS;

/// A pattern on its way to a caller.
#[derive(Clone, Debug)]
pub struct ShownPattern {
    pub row: Model,
    pub reason: Option<SecretText>,
}

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct PatternsOf {
    pub area: AreaCode,
    /// None: all.
    pub state: Option<State>,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// What becomes of a pattern.
#[derive(Clone, Debug)]
pub enum PatternVerdict {
    /// An incident is made of it.
    Incident,
    /// A matter gets a task.
    Task {
        matter: MatterId,
        unit: Unit,
        due_on: NaiveDate,
    },
    Dismiss {
        reason: String,
    },
}

impl App {
    /// One pattern.
    pub async fn pattern(&self, call: &Call, id: Uuid) -> Result<ShownPattern, Error> {
        let row = table::get(self.db.read(), call.scope(), id).await?;
        self.show_pattern(call, row).await
    }

    /// Patterns of an area, the newest first, and the token of the next page.
    pub async fn patterns(&self, call: &Call, of: PatternsOf) -> Result<(Vec<ShownPattern>, String), Error> {
        let PatternsOf { area, state, page } = of;
        let (rows, next) = table::list(self.db.read(), call.scope(), (area, state), &page).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(self.show_pattern(call, row).await?);
        }
        Ok((shown, next))
    }

    /// Accepts a pattern as work, or dismisses it.
    pub async fn judge_pattern(
        &self,
        call: &Call,
        (id, etag): (Uuid, String),
        verdict: PatternVerdict,
    ) -> Result<ShownPattern, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let write = self.db.write(move |tx| {
            let (app, call, etag, verdict) = (app.clone(), caller.clone(), etag.clone(), verdict.clone());
            Box::pin(async move { app.judge_in(tx, &call, (id, etag), verdict).await })
        });
        let row = write.await?;
        self.show_pattern(call, row).await
    }

    async fn judge_in(
        &self,
        tx: &Tx,
        call: &Call,
        (id, etag): (Uuid, String),
        verdict: PatternVerdict,
    ) -> Result<Model, Error> {
        let mut row = table::lock(tx, call.scope(), id).await?;
        check_etag(&etag, row.version)?;
        if row.state.0 != State::Proposed {
            return Err(Error::PatternDecided);
        }
        row.state = Code(State::Accepted);
        match verdict {
            PatternVerdict::Incident => row.incident_id = Some(self.report_pattern(tx, call, &row)?.0),
            PatternVerdict::Task { matter, unit, due_on } => {
                row.matter_id = Some(matter.0);
                let wording = Wording { public: words(&row)?, ..Wording::default() };
                let command = Command::SetTask { unit, due_on };
                self.change_matter_in(tx, call, MatterChange { id: matter, etag: String::new(), command, wording })
                    .await?;
            }
            PatternVerdict::Dismiss { reason } => {
                row.state = Code(State::Dismissed);
                row.reason = self.seal(REASON.at(id), Some(&reason))?;
            }
        }
        row.decided_at = Some(self.clock.now());
        row.decided_by = Some(call.subject().to_owned());
        row.version += 1;
        table::save(tx, row.clone()).await?;
        Ok(row)
    }

    /// An incident that nobody had to report.
    fn report_pattern(&self, tx: &Tx, call: &Call, row: &Model) -> Result<IncidentId, Error> {
        let (id, entry, now) = (IncidentId(self.ids.next()), self.ids.next(), self.clock.now());
        let actor = parts::reporting(call, row.area_code);
        let category = Some(CategoryCode::recorded(row.category.clone()));
        let report_of = Report { channel: Channel::Worker, reporter: None, category: category.clone() };
        let Decision { next, events: recorded } = report(id, report_of, actor, now);
        let (latitude, longitude) = spot(row).map(Spot::middle).unzip();
        let new = NewReport {
            channel: Channel::Worker,
            area: row.area_code,
            address: String::new(),
            latitude,
            longitude,
            description: words(row)?,
            name: String::new(),
            phone: String::new(),
            category,
            answers: Vec::new(),
            external: None,
            public: None,
            request_id: row.id,
            content: Vec::new(),
        };
        tx.append(self.new_row(&next, &new, now)?);
        for recorded in recorded {
            timeline::append(tx, timeline::Entry { id: entry, incident: id, version: 1, recorded, text: None })?;
        }
        self.outbox.add(tx, events::reported(&self.ids, &next, row.area_code, now));
        Ok(id)
    }

    /// Looks for patterns and proposes those that are new; looks again the next night.
    pub async fn find_patterns(&self, tx: &Tx) -> Result<(), Error> {
        let (now, rules) = (self.clock.now(), self.closed_loop.patterns);
        let mut sightings = Vec::new();
        // What the reports say needs no transaction, and it may be much.
        for period in pattern::periods(now, &rules) {
            sightings.extend(table::sightings(self.db.read(), period).await?);
        }
        let quiet = table::quiet(tx, now - TimeDelta::days(rules.quiet_days.into())).await?;
        for found in pattern::find(sightings, now, &rules) {
            if !quiet.contains(&found.key()) {
                let row = self.new_pattern(found, now)?;
                self.outbox.add(tx, events::pattern_found(&self.ids, &row));
                tx.append(row.into_active_model());
            }
        }
        let due_at = pattern::next_night(now);
        let (kind, key) = (FIND_PATTERNS.to_owned(), "nightly".to_owned());
        Ok(timers::set(tx, &Timer { kind, key, due_at, payload: "{}".to_owned() }).await?)
    }

    fn new_pattern(&self, found: Found, now: DateTime<Utc>) -> Result<Model, Error> {
        let json = |e: serde_json::Error| Fault::Internal(e.to_string());
        let pattern_key = found.key();
        let Found { place, rule, reports, first_at, last_at } = found;
        let newest = &reports[reports.len().saturating_sub(EVIDENCE)..];
        Ok(Model {
            id: self.ids.next(),
            pattern_key,
            area_code: place.area,
            category: place.category,
            rule: serde_json::to_string(&rule).map_err(json)?,
            south: place.spot.map(|spot| spot.south),
            west: place.spot.map(|spot| spot.west),
            reports: i32::try_from(reports.len()).unwrap_or(i32::MAX),
            first_at,
            last_at,
            evidence: serde_json::to_string(newest).map_err(json)?,
            state: Code(State::Proposed),
            found_at: now,
            decided_at: None,
            decided_by: None,
            reason: None,
            incident_id: None,
            matter_id: None,
            version: 1,
        })
    }

    async fn show_pattern(&self, call: &Call, row: Model) -> Result<ShownPattern, Error> {
        let reason = self.open(REASON.at(row.id), row.reason.as_ref()).await?;
        look(&self.db, &self.ids, &self.clock, call, vec![Look { subject: row.id, fields: "reason" }]).await?;
        Ok(ShownPattern { row, reason })
    }
}

/// The square of a pattern, where it is not the whole area.
pub(crate) fn spot(row: &Model) -> Option<Spot> {
    row.south.zip(row.west).map(|(south, west)| Spot { south, west })
}

/// What is to be looked at, for whoever does it.
fn words(row: &Model) -> Result<String, Error> {
    let count = usize::try_from(row.reports).unwrap_or_default();
    let place = if row.south.is_some() { "此处约200米范围内" } else { "本网格内" };
    Ok(format!("未诉先办：{place}{}反复出现（{}）", row.category, row.rule()?.explain(count)))
}
