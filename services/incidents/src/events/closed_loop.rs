//! What is told of disputes, matters and patterns.

use chassis::{
    data::{AreaCode, Ids},
    events::{Event, Head},
};
use chrono::{DateTime, Utc};
use linju_proto::incidents::v1;

use crate::{
    domain::{
        Incident, Unit,
        matter::{Matter, StepKind},
    },
    grpc::convert::{matters::stage, promise::time},
    store::{dispute, matter, pattern},
};

/// A unit says that a dispatch is not its business.
pub fn disputed(
    ids: &Ids,
    incident: &Incident,
    area: AreaCode,
    unit: Unit,
    due_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Event {
    let told = v1::DispatchDisputed {
        incident_id: incident.id.to_string(),
        area_code: area.to_string(),
        unit: unit.0,
        due_at: Some(time(due_at)),
    };
    Event::new(Head { id: ids.next(), key: incident.id.0, version: incident.version.into(), area, at }, &told)
}

/// Nobody has decided a dispute in time.
pub fn dispute_overdue(ids: &Ids, row: &dispute::Model, at: DateTime<Utc>) -> Event {
    let told = v1::DisputeOverdue {
        incident_id: row.incident_id.to_string(),
        area_code: row.area_code.to_string(),
        unit: row.unit.clone(),
        due_at: Some(time(row.due_at)),
    };
    Event::new(Head { id: ids.next(), key: row.id, version: 2, area: row.area_code, at }, &told)
}

/// A matter took a step that others may know of.
pub fn matter_moved(ids: &Ids, row: &matter::Model, matter: &Matter, step: StepKind, at: DateTime<Utc>) -> Event {
    let told = v1::MatterMoved {
        matter_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        kind: step.code().to_owned(),
        stage: stage(matter.stage).into(),
        category: row.category.clone().unwrap_or_default(),
        households: i32::try_from(matter.households).unwrap_or(i32::MAX),
    };
    Event::new(Head { id: ids.next(), key: row.id, version: row.version, area: row.area_code, at }, &told)
}

/// The stage of a matter is late.
pub fn matter_overdue(
    ids: &Ids,
    row: &matter::Model,
    matter: &Matter,
    due_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Event {
    let told = v1::MatterOverdue {
        matter_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        stage: stage(matter.stage).into(),
        due_at: Some(time(due_at)),
    };
    let version = matter.version.into();
    Event::new(Head { id: ids.next(), key: row.id, version, area: row.area_code, at }, &told)
}

/// Something comes again and again at a place.
pub fn pattern_found(ids: &Ids, row: &pattern::Model) -> Event {
    let told = v1::PatternFound {
        pattern_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        category: row.category.clone(),
        reports: row.reports,
    };
    let at = row.found_at;
    Event::new(Head { id: ids.next(), key: row.id, version: row.version, area: row.area_code, at }, &told)
}
