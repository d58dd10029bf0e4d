//! What is told of emergencies, and what their timers do.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    data::{Ids, Tx},
    events::{Event, HandlerError, Head, Timer, TimerHandler, TimerHandlers},
};
use chrono::{DateTime, Utc};
use linju_proto::incidents::v1;
use uuid::Uuid;

use super::failed;
use crate::{
    app::{App, DESTROY, REPORT_DUE},
    domain::emergency::{Due, ReportType},
    grpc::convert::emergencies::{kind, level, report_type, time},
    store::emergency::Model,
};

fn head(ids: &Ids, row: &Model, at: DateTime<Utc>) -> Head {
    Head { id: ids.next(), key: row.id, version: row.version, area: row.area_code, at }
}

/// An incident is an emergency now.
pub fn emergency_declared(ids: &Ids, row: &Model) -> Event {
    let told = v1::EmergencyDeclared {
        emergency_id: row.id.to_string(),
        incident_id: row.incident_id.to_string(),
        area_code: row.area_code.to_string(),
        kind: kind(row.kind.0).into(),
        level: level(row.level.map(|level| level.0)).into(),
    };
    Event::new(head(ids, row, row.declared_at), &told)
}

/// A report was given upwards.
pub fn emergency_reported(ids: &Ids, row: &Model, given: ReportType, late: bool, at: DateTime<Utc>) -> Event {
    let told = v1::EmergencyReported {
        emergency_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        r#type: report_type(given).into(),
        late,
    };
    Event::new(head(ids, row, at), &told)
}

/// A report was due and was not given.
pub fn emergency_report_overdue(ids: &Ids, row: &Model, due: Due, at: DateTime<Utc>) -> Event {
    let told = v1::EmergencyReportOverdue {
        emergency_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        r#type: report_type(due.report).into(),
        due_at: Some(time(due.at)),
    };
    Event::new(head(ids, row, at), &told)
}

/// What was collected was destroyed.
pub fn emergency_records_destroyed(ids: &Ids, row: &Model, incidents: &[Uuid], at: DateTime<Utc>) -> Event {
    let told = v1::EmergencyRecordsDestroyed {
        emergency_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        incident_ids: incidents.iter().map(Uuid::to_string).collect(),
    };
    Event::new(head(ids, row, at), &told)
}

/// The timers of emergencies.
pub fn timers(app: &App) -> TimerHandlers {
    TimerHandlers::from([
        (REPORT_DUE, Arc::new(ReportDue(app.clone())) as Arc<dyn TimerHandler>),
        (DESTROY, Arc::new(RecordsOver(app.clone()))),
    ])
}

struct ReportDue(App);

#[async_trait]
impl TimerHandler for ReportDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        self.0.find_overdue_reports(tx, id_of(timer)?).await.map_err(failed)
    }
}

struct RecordsOver(App);

#[async_trait]
impl TimerHandler for RecordsOver {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        self.0.destroy_records(tx, id_of(timer)?).await.map_err(failed)
    }
}

fn id_of(timer: &Timer) -> Result<Uuid, HandlerError> {
    timer.key.parse().map_err(|_| HandlerError::Useless("the timer's key is not a UUID".to_owned()))
}
