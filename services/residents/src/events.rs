//! What residents tells the others, and what it does about what they tell.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    Fault, Refusal,
    data::{Ids, Tx},
    events::{Consumer, Counts, Event, Handler, HandlerError, Head},
};
use chrono::NaiveDate;
use linju_proto::{
    incidents::v1::BuildingEndangered,
    residents::v1::{
        CareListDrawn, CareTagsChanged, ResidenceEnded, ResidentMerged, ResidentMoved, ResidentRegistered,
        ResidentUnmerged, ResidentUpdated,
    },
};
use tonic::Code;

use crate::{
    Error,
    app::{App, CareListOf, Needs},
    domain::{care::CareTag, facts::FactGroup},
    grpc::convert::{care_tag_kind, resident_state},
    store::{ResidentId, resident},
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

/// The consumers of this service.
pub(crate) fn consumers(app: App) -> Vec<Consumer> {
    vec![Consumer {
        name: "residents-care",
        subjects: vec!["linju.incidents.v1.*.*.*.building_endangered".to_owned()],
        counts: Counts::Every,
        handler: Arc::new(BuildingInDanger(app)),
    }]
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
        let counted = self.0.count_needs(tx, &of).await.map_err(|error| match error {
            Error::Fault(Fault::Db(error)) => HandlerError::Db(error),
            error if error.answer().0 == Code::InvalidArgument => HandlerError::Useless(error.to_string()),
            error => HandlerError::Failed(error.to_string()),
        })?;
        let building_known = counted.is_some();
        let Needs { residents, need_help } = counted.unwrap_or_default();
        let drawn = CareListDrawn { incident_id, area_code, compound, building, residents, need_help, building_known };
        let head = Head { id: self.0.ids.next(), key, version: event.version, area, at: self.0.clock.now() };
        self.0.outbox.add(tx, Event::new(head, &drawn));
        Ok(())
    }
}
