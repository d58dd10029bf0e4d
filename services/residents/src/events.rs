//! What residents tells the others, and what it does about what they tell.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    Fault, Refusal,
    data::{Ids, Tx},
    events::{Consumer, Counts, Event, Handler, HandlerError, Head, Timer, TimerHandler, TimerHandlers},
};
use chrono::{DateTime, NaiveDate, Utc};
use linju_proto::{
    incidents::v1::{Building, BuildingEndangered, WarningIssued, WarningMessageType, WarningStatus},
    residents::v1::{
        CareListDrawn, CareTagsChanged, DataRequestOverdue, ResidenceEnded, ResidentMerged, ResidentMoved,
        ResidentRegistered, ResidentUnmerged, ResidentUpdated, WarningCallsChanged,
    },
};
use tonic::Code;

use crate::{
    Error,
    app::{App, CareListOf, DESTROY, DUE, Needs, RequestDue, Warned},
    domain::{care::CareTag, facts::FactGroup},
    grpc::convert::{care_tag_kind, resident_state},
    store::{ResidentId, call, data_request, resident},
};
use chassis::data::AreaCode;

/// What happened to a person's record, as others may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Registered { age_band: u32, care: Vec<CareTag> },
    Updated { changed: Vec<FactGroup> },
    Moved { from: AreaCode, on: NaiveDate },
    Ended { on: NaiveDate },
    Merged { merged: ResidentId },
    Unmerged,
    CareChanged { care: Vec<CareTag> },
}

/// The event of a change, for the record as it is after it.
pub(crate) fn told(ids: &Ids, row: &resident::Model, told: &Told) -> Event {
    let head = Head { id: ids.next(), key: row.id.0, version: row.version, area: row.area_code, at: row.updated_at };
    let (resident_id, area_code) = (row.id.to_string(), row.area_code.to_string());
    let household_id = row.household_id.map(|id| id.to_string()).unwrap_or_default();
    let kinds = |care: &[CareTag]| care.iter().map(|tag| care_tag_kind(*tag).into()).collect();
    match told {
        Told::Registered { age_band, care } => {
            let age_band = i32::try_from(*age_band).unwrap_or_default();
            let care_tags = kinds(care);
            Event::new(head, &ResidentRegistered { resident_id, household_id, area_code, age_band, care_tags })
        }
        Told::Updated { changed } => {
            let changed = changed.iter().map(ToString::to_string).collect();
            Event::new(head, &ResidentUpdated { resident_id, area_code, changed })
        }
        Told::Moved { from, on } => {
            let (from_area_code, moved_on) = (from.to_string(), on.to_string());
            Event::new(head, &ResidentMoved { resident_id, from_area_code, area_code, household_id, moved_on })
        }
        Told::Ended { on } => {
            let state = resident_state(row.state).into();
            Event::new(head, &ResidenceEnded { resident_id, area_code, state, ended_on: on.to_string() })
        }
        Told::Merged { merged } => {
            Event::new(head, &ResidentMerged { leading_id: resident_id, merged_id: merged.to_string(), area_code })
        }
        Told::Unmerged => Event::new(head, &ResidentUnmerged { resident_id, area_code }),
        Told::CareChanged { care } => {
            Event::new(head, &CareTagsChanged { resident_id, area_code, care_tags: kinds(care) })
        }
    }
}

/// Tells that a request about somebody's data was not answered in time; not whose.
pub(crate) fn overdue(ids: &Ids, row: &data_request::Model, at: DateTime<Utc>) -> Event {
    let head = Head { id: ids.next(), key: row.id.0, version: 1, area: row.area_code, at };
    let (request_id, area_code) = (row.id.to_string(), row.area_code.to_string());
    let (kind, due_on) = (row.kind.to_string(), row.due_at.date_naive().to_string());
    Event::new(head, &DataRequestOverdue { request_id, area_code, kind, due_on })
}

/// How the calls of a warning go now.
pub(crate) fn calls_changed(ids: &Ids, list: &call::list::Model, at: DateTime<Utc>) -> Event {
    let told = WarningCallsChanged {
        first_warning_id: list.id.to_string(),
        area_code: list.area_code.to_string(),
        to_call: list.to_call,
        reached: list.reached,
    };
    Event::new(Head { id: ids.next(), key: list.id, version: list.version, area: list.area_code, at }, &told)
}

/// The consumers of this service.
pub(crate) fn consumers(app: App) -> Vec<Consumer> {
    let consumer = |name, subject: &str, handler: Arc<dyn Handler>| Consumer {
        name,
        subjects: vec![subject.to_owned()],
        counts: Counts::Every,
        handler,
    };
    vec![
        consumer(
            "residents-care",
            "linju.incidents.v1.*.*.*.building_endangered",
            Arc::new(BuildingInDanger(app.clone())),
        ),
        consumer("residents-calls", "linju.incidents.v1.*.*.*.warning_issued", Arc::new(PublicWarned(app))),
    ]
}

/// The timers of this service.
pub(crate) fn timers(app: App) -> TimerHandlers {
    TimerHandlers::from([
        (DUE, Arc::new(RequestDue(app.clone())) as Arc<dyn TimerHandler>),
        (DESTROY, Arc::new(CallListOver(app))),
    ])
}

/// Draws the call list of a public warning.
pub struct PublicWarned(pub App);

#[async_trait]
impl Handler for PublicWarned {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        let warned = read_warning(event.message().map_err(HandlerError::Useless)?).map_err(HandlerError::Useless)?;
        self.0.draw_call_list(tx, warned).await.map_err(failed)
    }
}

fn read_warning(told: WarningIssued) -> Result<Warned, String> {
    let expires = told.expires_at.ok_or("expires_at is missing")?;
    let nanos = u32::try_from(expires.nanos).unwrap_or_default();
    let area = |code: &str| code.parse::<AreaCode>().map_err(|e| format!("`{code}` is no area: {e}"));
    let building = |b: Building| Ok((area(&b.area_code)?, b.compound, b.building));
    let exercise = matches!(told.status(), WarningStatus::Exercise | WarningStatus::Test);
    Ok(Warned {
        first: told.first_warning_id.parse().map_err(|_| "first_warning_id is not a UUID")?,
        area: area(&told.area_code)?,
        exercise,
        cancelled: told.message_type() == WarningMessageType::Cancel,
        expires_at: DateTime::from_timestamp(expires.seconds, nanos).ok_or("expires_at is no time")?,
        buildings: told.buildings.into_iter().map(building).collect::<Result<_, String>>()?,
    })
}

/// Destroys a call list when its time has come.
pub struct CallListOver(pub App);

#[async_trait]
impl TimerHandler for CallListOver {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let first = timer.key.parse().map_err(|_| HandlerError::Useless("the key is not a UUID".to_owned()))?;
        self.0.destroy_call_list(tx, first).await.map_err(failed)
    }
}

fn failed(error: Error) -> HandlerError {
    match error {
        Error::Fault(Fault::Db(error)) => HandlerError::Db(error),
        error if error.answer().0 == Code::InvalidArgument => HandlerError::Useless(error.to_string()),
        error => HandlerError::Failed(error.to_string()),
    }
}

/// Answers an incident that endangers a building with how many people there need help.
pub struct BuildingInDanger(pub App);

#[async_trait]
impl Handler for BuildingInDanger {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        let asked: BuildingEndangered = event.message().map_err(HandlerError::Useless)?;
        let BuildingEndangered { incident_id, area_code, compound, building } = asked;
        let useless = |what: &str| HandlerError::Useless(what.to_owned());
        let area: AreaCode = area_code.parse().map_err(|_| useless("area_code is not an area code"))?;
        let key: uuid::Uuid = incident_id.parse().map_err(|_| useless("incident_id is not a UUID"))?;
        let of = CareListOf { area, building: Some((compound.clone(), building.clone())) };
        let counted = self.0.count_needs(tx, &of).await.map_err(failed)?;
        let building_known = counted.is_some();
        let Needs { residents, need_help } = counted.unwrap_or_default();
        let drawn = CareListDrawn { incident_id, area_code, compound, building, residents, need_help, building_known };
        let head = Head { id: self.0.ids.next(), key, version: event.version, area, at: self.0.clock.now() };
        self.0.outbox.add(tx, Event::new(head, &drawn));
        Ok(())
    }
}
