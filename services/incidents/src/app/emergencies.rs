//! Emergencies: declared, reported upwards in time, ended, and their personal data destroyed.

use aws_lc_rs::digest::{SHA256, digest};
use chassis::{
    Fault,
    access::{Call, Look, Scope, audit, look},
    data::{AreaCode, Page, Tx, check_etag},
    events::{Timer, timers},
};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, TryIntoModel};
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        IncidentId,
        emergency::{Contents, Due, Emergency, Grade, Refused, ReportType, Rules},
    },
    error::Error,
    events,
    store::{
        Code,
        emergency::{self, certificate, report},
        incident,
    },
};

/// The kind of the timer that finds a report overdue.
pub const REPORT_DUE: &str = "incidents.emergency_report_due";
/// The kind of the timer that destroys what was collected.
pub const DESTROY: &str = "incidents.emergency_destroy";

const RULE: &str = "中华人民共和国突发事件应对法（2024年修订）第八十五条";
const CHINA_S: i32 = 8 * 3600;
const REPORT_FIELDS: &str = "contents";

/// An emergency with what is due of it.
#[derive(Clone, Debug)]
pub struct ShownEmergency {
    pub row: emergency::Model,
    pub due: Vec<Due>,
    pub now: DateTime<Utc>,
}

/// A report with its contents open.
#[derive(Clone, Debug)]
pub struct ShownReport {
    pub row: report::Model,
    /// None: destroyed.
    pub contents: Option<Contents>,
}

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct EmergenciesOf {
    pub area: AreaCode,
    pub ended: bool,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// One change of an emergency.
#[derive(Clone, Debug)]
pub enum EmergencyChange {
    Regrade(Grade),
    End,
    Keep { until: NaiveDate, assessment: String },
}

impl App {
    /// The rules in force.
    pub fn emergency_rules(&self) -> &Rules {
        &self.emergency_rules
    }

    /// Declares an incident an emergency.
    pub async fn declare_emergency(
        &self,
        call: &Call,
        incident: IncidentId,
        grade: Grade,
    ) -> Result<ShownEmergency, Error> {
        let (app, call) = (self.clone(), call.clone());
        let row = self
            .db
            .write(move |tx| {
                let (app, call) = (app.clone(), call.clone());
                Box::pin(async move {
                    let about = incident::get(tx, call.scope(), incident).await?;
                    let row = app.new_emergency(about.id, about.area_code, grade);
                    tx.append(row.clone());
                    let row = row.try_into_model()?;
                    app.set_report_timer(tx, &row).await?;
                    app.outbox.add(tx, events::emergency_declared(&app.ids, &row));
                    Ok::<_, Error>(row)
                })
            })
            .await;
        match row {
            Err(Error::Fault(fault)) if fault.is_duplicate() => Err(Error::EmergencyDeclared),
            row => self.show_emergency(row?),
        }
    }

    fn new_emergency(&self, incident: Uuid, area: AreaCode, grade: Grade) -> emergency::ActiveModel {
        emergency::ActiveModel {
            id: Set(self.ids.next()),
            incident_id: Set(incident),
            area_code: Set(area),
            kind: Set(Code(grade.kind())),
            level: Set(grade.level().map(Code)),
            declared_at: Set(self.clock.now()),
            ended_at: Set(None),
            phoned_at: Set(None),
            first_at: Set(None),
            final_at: Set(None),
            followed_up_at: Set(None),
            destroy_on: Set(None),
            destroyed_at: Set(None),
            assessment: Set(None),
            assessed_by: Set(None),
            overdue_told: Set("[]".to_owned()),
            ended_by: Set(None),
            version: Set(1),
        }
    }

    /// One emergency.
    pub async fn emergency(&self, call: &Call, id: Uuid) -> Result<ShownEmergency, Error> {
        self.show_emergency(emergency::get(self.db.read(), call.scope(), id).await?)
    }

    /// Emergencies of an area, the newest first, and the token of the next page.
    pub async fn emergencies(&self, call: &Call, of: EmergenciesOf) -> Result<(Vec<ShownEmergency>, String), Error> {
        let wanted = (of.area, of.ended);
        let (rows, next) = emergency::list(self.db.read(), call.scope(), wanted, &of.page).await?;
        let shown = rows.into_iter().map(|row| self.show_emergency(row)).collect::<Result<_, _>>()?;
        Ok((shown, next))
    }

    /// Grades it anew, ends it, or keeps its records for longer.
    pub async fn change_emergency(
        &self,
        call: &Call,
        (id, etag): (Uuid, String),
        change: EmergencyChange,
    ) -> Result<ShownEmergency, Error> {
        let (app, call) = (self.clone(), call.clone());
        let row = self.db.write(move |tx| {
            let (app, call, etag, change) = (app.clone(), call.clone(), etag.clone(), change.clone());
            Box::pin(async move {
                let mut row = emergency::lock(tx, call.scope(), id).await?;
                check_etag(&etag, row.version)?;
                let mut emergency = row.emergency()?;
                match change {
                    EmergencyChange::Regrade(_) if emergency.ended_at.is_some() => return Err(Refused::IsOver.into()),
                    EmergencyChange::Regrade(grade) => emergency.grade = grade,
                    EmergencyChange::End => {
                        emergency.end(&app.emergency_rules, app.clock.now(), app.today())?;
                        row.ended_by = Some(call.subject().to_owned());
                    }
                    EmergencyChange::Keep { until, assessment } => {
                        emergency.keep(until, app.today())?;
                        row.assessment = Some(assessment);
                        row.assessed_by = Some(call.subject().to_owned());
                    }
                }
                app.save_emergency(tx, row, emergency).await
            })
        });
        self.show_emergency(row.await?)
    }

    /// Records a report that was given upwards.
    pub async fn file_report(
        &self,
        call: &Call,
        id: Uuid,
        kind: ReportType,
        contents: Contents,
    ) -> Result<ShownReport, Error> {
        let (app, caller, said) = (self.clone(), call.clone(), contents.clone());
        let row = self.db.write(move |tx| {
            let (app, call, contents) = (app.clone(), caller.clone(), said.clone());
            Box::pin(async move {
                let row = emergency::lock(tx, call.scope(), id).await?;
                let mut emergency = row.emergency()?;
                let now = app.clock.now();
                let late = emergency.file(kind, &contents, &app.emergency_rules, now)?;
                let report_id: Uuid = app.ids.next();
                let text = serde_json::to_string(&contents).map_err(|e| Fault::Internal(e.to_string()))?;
                let filed = report::ActiveModel {
                    id: Set(report_id),
                    emergency_id: Set(id),
                    kind: Set(Code(kind)),
                    contents: Set(app.seal(report::CONTENTS.at(report_id), Some(&text))?),
                    filed_at: Set(now),
                    filed_by: Set(call.subject().to_owned()),
                    late: Set(late),
                };
                tx.append(filed.clone());
                let row = app.save_emergency(tx, row, emergency).await?;
                app.outbox.add(tx, events::emergency_reported(&app.ids, &row, kind, late, now));
                Ok::<_, Error>(filed.try_into_model()?)
            })
        });
        let shown = ShownReport { row: row.await?, contents: Some(contents) };
        self.look_at_reports(call, &[&shown]).await?;
        Ok(shown)
    }

    /// The reports of an emergency, in order.
    pub async fn reports(&self, call: &Call, id: Uuid) -> Result<Vec<ShownReport>, Error> {
        emergency::get(self.db.read(), call.scope(), id).await?;
        let mut shown = Vec::new();
        for row in emergency::reports(self.db.read(), id).await? {
            let text = self.open(report::CONTENTS.at(row.id), row.contents.as_ref()).await?;
            let contents = text.map(|text| serde_json::from_str(text.expose())).transpose();
            let damaged = |_| Fault::Internal(format!("emergency report {} has damaged contents", row.id));
            shown.push(ShownReport { contents: contents.map_err(damaged)?, row });
        }
        self.look_at_reports(call, &shown.iter().collect::<Vec<_>>()).await?;
        Ok(shown)
    }

    async fn look_at_reports(&self, call: &Call, reports: &[&ShownReport]) -> Result<(), Error> {
        let looks = reports.iter().map(|report| Look { subject: report.row.id, fields: REPORT_FIELDS }).collect();
        Ok(look(&self.db, &self.ids, &self.clock, call, looks).await?)
    }

    /// What was destroyed.
    pub async fn certificate(&self, call: &Call, id: Uuid) -> Result<certificate::Model, Error> {
        emergency::get(self.db.read(), call.scope(), id).await?;
        Ok(emergency::certificate(self.db.read(), id).await?)
    }

    async fn save_emergency(
        &self,
        tx: &Tx,
        row: emergency::Model,
        emergency: Emergency,
    ) -> Result<emergency::Model, Error> {
        let row = row.becomes(&emergency)?;
        emergency::save(tx, row.clone()).await?;
        self.set_report_timer(tx, &row).await?;
        if let Some(day) = row.destroy_on.filter(|_| row.destroyed_at.is_none()) {
            timers::set(tx, &timer(DESTROY, row.id, start_of(day))).await?;
        }
        Ok(row)
    }

    /// Sets the timer to the soonest report that is due, of those that were not told as overdue.
    async fn set_report_timer(&self, tx: &Tx, row: &emergency::Model) -> Result<(), Error> {
        match row.emergency()?.next_due(&self.emergency_rules) {
            Some(due_at) => timers::set(tx, &timer(REPORT_DUE, row.id, due_at)).await?,
            None => {
                timers::cancel(tx, REPORT_DUE, &row.id.to_string()).await?;
            }
        }
        Ok(())
    }

    /// Tells of every report that has come due by now and was not given, each once.
    pub(crate) async fn find_overdue_reports(&self, tx: &Tx, id: Uuid) -> Result<(), Error> {
        let row = emergency::lock(tx, &Scope::everything(), id).await?;
        let (mut emergency, now) = (row.emergency()?, self.clock.now());
        let overdue = emergency.overdue(&self.emergency_rules, now);
        let row = self.save_emergency(tx, row, emergency).await?;
        for due in overdue {
            self.outbox.add(tx, events::emergency_report_overdue(&self.ids, &row, due, now));
        }
        Ok(())
    }

    /// Destroys what was collected, if its day has come, and writes the certificate. Kept longer meanwhile, it stays.
    pub(crate) async fn destroy_records(&self, tx: &Tx, id: Uuid) -> Result<(), Error> {
        let row = emergency::lock(tx, &Scope::everything(), id).await?;
        let Some(day) = row.destroy_on.filter(|_| row.destroyed_at.is_none()) else { return Ok(()) };
        let now = self.clock.now();
        if now < start_of(day) {
            return Ok(timers::set(tx, &timer(DESTROY, id, start_of(day))).await?);
        }
        let incidents = emergency::incidents_of(tx, IncidentId(row.incident_id)).await?;
        let emptied = emergency::empty(tx, id, &incidents).await?;
        let certificate = certificate_of(id, now, emptied);
        // The program does it on the day that somebody's decision has set: the end, or an assessment after it.
        let decided = row.assessed_by.clone().or_else(|| row.ended_by.clone());
        let entry = audit::Entry {
            who: decided.unwrap_or_else(|| "system".to_owned()),
            method: "destroy".to_owned(),
            subject: id.to_string(),
            fields: certificate.line.clone(),
            on_behalf: None,
            purpose: String::new(),
            request: String::new(),
            acting: Some(DESTROY.to_owned()),
            basis: None,
        };
        audit::record(tx, &self.ids, &self.clock, entry);
        tx.append(sea_orm::IntoActiveModel::into_active_model(certificate));
        let mut emergency = row.emergency()?;
        emergency.destroyed_at = Some(now);
        let row = row.becomes(&emergency)?;
        emergency::save(tx, row.clone()).await?;
        self.outbox.add(tx, events::emergency_records_destroyed(&self.ids, &row, &incidents, now));
        Ok(())
    }

    fn show_emergency(&self, row: emergency::Model) -> Result<ShownEmergency, Error> {
        let due = row.emergency()?.due(&self.emergency_rules);
        Ok(ShownEmergency { row, due, now: self.clock.now() })
    }

    /// The day it is in China.
    fn today(&self) -> NaiveDate {
        (self.clock.now() + TimeDelta::seconds(CHINA_S.into())).date_naive()
    }
}

fn timer(kind: &str, id: Uuid, due_at: DateTime<Utc>) -> Timer {
    Timer { kind: kind.to_owned(), key: id.to_string(), due_at, payload: String::new() }
}

/// Midnight in China.
fn start_of(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let china = FixedOffset::east_opt(CHINA_S).and_then(|china| midnight.and_local_timezone(china).single());
    china.map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

fn certificate_of(id: Uuid, at: DateTime<Utc>, emptied: emergency::Emptied) -> certificate::Model {
    let number = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    let emergency::Emptied { incidents, timeline_texts, reports } = emptied;
    let line = format!(
        "emergency={id} destroyed_at={} incidents={incidents} timeline_texts={timeline_texts} reports={reports} rule={RULE}",
        at.to_rfc3339()
    );
    certificate::Model {
        emergency_id: id,
        destroyed_at: at,
        rule: RULE.to_owned(),
        incidents: number(incidents),
        timeline_texts: number(timeline_texts),
        reports: number(reports),
        digest: hex::encode(digest(&SHA256, line.as_bytes())),
        line,
    }
}
