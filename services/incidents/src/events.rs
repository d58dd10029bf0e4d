//! What this service tells others, and what it does on what others tell.

pub mod alarms;
mod closed_loop;
mod emergencies;
mod warnings;

use async_trait::async_trait;
use chassis::{
    Refusal,
    data::{AreaCode, Ids, Tx},
    events::{Consumer, Counts, Event, Handler, HandlerError, Head},
};
use chrono::{DateTime, Utc};
use linju_proto::{incidents::v1, residents::v1::CareListDrawn};
use std::sync::Arc;
use tonic::Code;

use crate::{
    app::{App, CareList, Needs},
    domain::{Event as IncidentEvent, EventKind, Incident, IncidentId, Recorded, Status},
    error::Error,
    grpc::convert::{codes, promise},
    store::incident::Building,
};

pub use closed_loop::{dispute_overdue, disputed, matter_moved, matter_overdue, pattern_found};
pub use emergencies::{
    emergency_declared, emergency_records_destroyed, emergency_report_overdue, emergency_reported,
    timers as emergency_timers,
};
pub use warnings::{calls_consumer, warned};

/// A report came in.
pub fn reported(ids: &Ids, incident: &Incident, area: AreaCode, at: DateTime<Utc>) -> Event {
    let message = v1::IncidentReported {
        incident_id: incident.id.to_string(),
        area_code: area.to_string(),
        channel: codes::channel(incident.channel).into(),
        category: category(incident),
    };
    Event::new(Head { id: ids.next(), key: incident.id.0, version: 1, area, at }, &message)
}

/// An incident changed; `next` is what it became, `from` the state before. A note changes nothing that others count, and the
/// care list came from outside: of these nobody is told. What is promised goes to the reporter, and to others once it is late.
pub fn changed(
    ids: &Ids,
    next: &Incident,
    from: Status,
    recorded: &Recorded,
    version: i64,
    area: AreaCode,
) -> Option<Event> {
    let kind = recorded.event.kind();
    let head = || Head { id: ids.next(), key: next.id.0, version, area, at: recorded.at };
    match kind {
        EventKind::LeadTold if is_between_reporter_and_office(&recorded.event) => return None,
        EventKind::NoteAdded
        | EventKind::PauseEnded
        | EventKind::CareListDrawn
        | EventKind::BuildingUnknown
        | EventKind::DispatchDisputed
        | EventKind::Gathered
        | EventKind::Promised
        | EventKind::PromiseExtended => return None,
        EventKind::PromiseWarned | EventKind::PromiseEscalated | EventKind::PromiseMoved => {
            return promise_step(head(), next, &recorded.event);
        }
        _ => {}
    }
    let message = v1::IncidentStateChanged {
        incident_id: next.id.to_string(),
        area_code: area.to_string(),
        kind: kind.code().to_owned(),
        from_state: codes::state(from).into(),
        state: codes::state(next.status).into(),
        category: category(next),
        urgency: codes::urgency(next.urgency).into(),
        unit: next.unit.as_ref().map(|unit| unit.0.clone()).unwrap_or_default(),
    };
    Some(Event::new(head(), &message))
}

/// Of a joined report others hear what they hear of any other.
const fn is_between_reporter_and_office(told: &IncidentEvent) -> bool {
    matches!(
        told,
        IncidentEvent::LeadTold {
            what: EventKind::NoteAdded | EventKind::Promised | EventKind::PromiseExtended | EventKind::PromiseMoved,
            ..
        }
    )
}

/// The time that was promised has gone by so much.
fn promise_step(head: Head, next: &Incident, event: &IncidentEvent) -> Option<Event> {
    let (incident_id, area_code) = (next.id.to_string(), head.area.to_string());
    let unit = next.unit.as_ref().map(|unit| unit.0.clone()).unwrap_or_default();
    let category = category(next);
    match *event {
        IncidentEvent::PromiseWarned { clock, percent, due_at } => {
            let (clock, due_at) = (promise::clock(clock).into(), Some(promise::time(due_at)));
            let percent = percent.into();
            let message = v1::IncidentPromiseWarned { incident_id, area_code, clock, percent, due_at, category, unit };
            Some(Event::new(head, &message))
        }
        IncidentEvent::PromiseEscalated { clock, percent, due_at, lies_with } => {
            let (clock, due_at) = (promise::clock(clock).into(), Some(promise::time(due_at)));
            let (percent, lies_with) = (percent.into(), promise::duty(lies_with).into());
            let message = v1::IncidentPromiseEscalated {
                incident_id,
                area_code,
                clock,
                percent,
                due_at,
                category,
                unit,
                lies_with,
            };
            Some(Event::new(head, &message))
        }
        IncidentEvent::PromiseMoved { contact_by, expected_at, is_assumed } => {
            let message = v1::IncidentPromiseMoved {
                incident_id,
                area_code,
                contact_by: contact_by.map(promise::time),
                expected_at: expected_at.map(promise::time),
                assumed_calendar: is_assumed,
                category,
                unit,
            };
            Some(Event::new(head, &message))
        }
        _ => None,
    }
}

/// A building was named as endangered.
pub fn endangered(ids: &Ids, next: &Incident, building: Building, at: DateTime<Utc>) -> Event {
    let Building { area, compound, building } = building;
    let message =
        v1::BuildingEndangered { incident_id: next.id.to_string(), area_code: area.to_string(), compound, building };
    Event::new(Head { id: ids.next(), key: next.id.0, version: next.version.into(), area, at }, &message)
}

fn category(incident: &Incident) -> String {
    incident.category.as_ref().map(|code| code.as_str().to_owned()).unwrap_or_default()
}

/// Hears from residents how many people in an endangered building need help, or that it knows no such building.
pub fn care_consumer(app: App) -> Consumer {
    Consumer {
        name: "incidents-care",
        subjects: vec!["linju.residents.v1.*.*.*.care_list_drawn".to_owned()],
        counts: Counts::Every,
        handler: Arc::new(CareListHandler(app)),
    }
}

struct CareListHandler(App);

#[async_trait]
impl Handler for CareListHandler {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        let drawn = read(&event.message().map_err(HandlerError::Useless)?).map_err(HandlerError::Useless)?;
        self.0.record_care_list(tx, drawn).await.map_err(failed)
    }
}

fn read(message: &CareListDrawn) -> Result<CareList, String> {
    let CareListDrawn { incident_id, area_code, compound, building, residents, need_help, building_known } = message;
    let count = |name, number: i32| u32::try_from(number).map_err(|_| format!("`{name}` is {number}, below 0"));
    let id = incident_id.parse().map_err(|_| format!("`incident_id` is `{incident_id}`, which is no UUID"))?;
    let area = area_code.parse().map_err(|e| format!("`area_code` is `{area_code}`: {e}"))?;
    let needs = Needs { residents: count("residents", *residents)?, need_help: count("need_help", *need_help)? };
    Ok(CareList {
        incident: IncidentId(id),
        building: Building { area, compound: compound.clone(), building: building.clone() },
        needs: building_known.then_some(needs),
    })
}

pub(crate) fn failed(error: Error) -> HandlerError {
    match error {
        Error::Fault(chassis::Fault::Db(error)) => HandlerError::Db(error),
        error if error.answer().0 == Code::Internal => HandlerError::Useless(error.to_string()),
        error => HandlerError::Failed(error.to_string()),
    }
}
