//! The table `promises`: what was promised for each incident, and how far its time has gone.

use std::collections::HashMap;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set, Condition, ConnectionTrait, Iterable, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::OnConflict,
};

use super::Code;
use crate::domain::{
    IncidentId,
    promise::{Duty, Limit, Pause, Promise, Track},
};

/// One row of `promises`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "promises")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub incident_id: Uuid,
    pub area_code: AreaCode,
    /// The unit whose hours count; empty: the office's.
    pub calendar: String,
    pub started_at: DateTime<Utc>,
    /// Microseconds; none: nothing was promised.
    pub contact_limit: Option<i64>,
    pub contact_working: bool,
    pub contact_due_at: Option<DateTime<Utc>>,
    pub contacted_at: Option<DateTime<Utc>>,
    /// Percent.
    pub contact_step: i32,
    /// Microseconds; none: nothing was promised.
    pub resolve_limit: Option<i64>,
    pub resolve_working: bool,
    pub resolve_no_later: Option<DateTime<Utc>>,
    pub resolve_due_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    /// Percent.
    pub resolve_step: i32,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub pauses: String,
    pub extended_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub lies_with: Option<Code<Duty>>,
    /// When the first clock that still runs runs out, or ran out.
    pub due_at: Option<DateTime<Utc>>,
    pub is_assumed: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the rules need to know of it.
    pub fn promise(&self) -> Result<Promise, Fault> {
        let damaged = |what: &str| Fault::Internal(format!("the promise of {} has damaged {what}", self.incident_id));
        let step = |step: i32| u16::try_from(step).map_err(|_| damaged("steps"));
        let limit = |micros, working| Limit { amount: TimeDelta::microseconds(micros), working };
        let contact = self.contact_limit.zip(self.contact_due_at).map(|(amount, due_at)| {
            let limit = limit(amount, self.contact_working);
            Ok::<_, Fault>(Track {
                limit,
                no_later: None,
                due_at,
                met_at: self.contacted_at,
                step: step(self.contact_step)?,
            })
        });
        let resolution = self.resolve_limit.zip(self.resolve_due_at).map(|(amount, due_at)| {
            let (limit, no_later) = (limit(amount, self.resolve_working), self.resolve_no_later);
            Ok::<_, Fault>(Track { limit, no_later, due_at, met_at: self.resolved_at, step: step(self.resolve_step)? })
        });
        let pauses: Vec<Pause> = serde_json::from_str(&self.pauses).map_err(|_| damaged("pauses"))?;
        Ok(Promise {
            started_at: self.started_at,
            contact: contact.transpose()?,
            resolution: resolution.transpose()?,
            pauses,
            extended_at: self.extended_at,
            ended_at: self.ended_at,
            lies_with: self.lies_with.map(|Code(duty)| duty),
            is_assumed: self.is_assumed,
        })
    }
}

/// The promise of an incident, if anything was promised.
pub async fn find(db: &impl ConnectionTrait, incident: IncidentId) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(incident.0).one(db).await?)
}

/// Up to `most` incidents after `after` whose promise still runs, in the order of ids.
pub async fn running(db: &impl ConnectionTrait, after: Option<Uuid>, most: u64) -> Result<Vec<Uuid>, Fault> {
    let mut query = Entity::find().select_only().column(Column::IncidentId).filter(Column::DueAt.is_not_null());
    if let Some(after) = after {
        query = query.filter(Column::IncidentId.gt(after));
    }
    Ok(query.order_by_asc(Column::IncidentId).limit(most).into_tuple().all(db).await?)
}

/// When these incidents are expected to be solved, where that was promised.
pub async fn expected(
    db: &impl ConnectionTrait,
    incidents: impl IntoIterator<Item = Uuid> + Send,
) -> Result<HashMap<Uuid, DateTime<Utc>>, Fault> {
    let query = Entity::find()
        .select_only()
        .columns([Column::IncidentId, Column::ResolveDueAt])
        .filter(Column::IncidentId.is_in(incidents))
        .filter(Column::ResolveDueAt.is_not_null());
    Ok(query.into_tuple::<(Uuid, DateTime<Utc>)>().all(db).await?.into_iter().collect())
}

/// Writes a promise as it stands now.
pub async fn put(
    db: &impl ConnectionTrait,
    incident: IncidentId,
    area: AreaCode,
    calendar: &str,
    promise: &Promise,
) -> Result<(), Fault> {
    let Promise { started_at, contact, resolution, pauses, extended_at, ended_at, lies_with, is_assumed } = promise;
    let micros = |track: &Track| track.limit.amount.num_microseconds().unwrap_or(i64::MAX);
    let working = |track: &Option<Track>| track.as_ref().is_some_and(|track| track.limit.working);
    let step = |track: &Option<Track>| track.as_ref().map_or(0, |track| i32::from(track.step));
    let runs = |track: &&Track| track.met_at.is_none() && ended_at.is_none();
    let due = [contact, resolution].into_iter().flatten().filter(runs).map(|track| track.due_at).min();
    let row = ActiveModel {
        incident_id: Set(incident.0),
        area_code: Set(area),
        calendar: Set(calendar.to_owned()),
        started_at: Set(*started_at),
        contact_limit: Set(contact.as_ref().map(micros)),
        contact_working: Set(working(contact)),
        contact_due_at: Set(contact.as_ref().map(|track| track.due_at)),
        contacted_at: Set(contact.as_ref().and_then(|track| track.met_at)),
        contact_step: Set(step(contact)),
        resolve_limit: Set(resolution.as_ref().map(micros)),
        resolve_working: Set(working(resolution)),
        resolve_no_later: Set(resolution.as_ref().and_then(|track| track.no_later)),
        resolve_due_at: Set(resolution.as_ref().map(|track| track.due_at)),
        resolved_at: Set(resolution.as_ref().and_then(|track| track.met_at)),
        resolve_step: Set(step(resolution)),
        pauses: Set(serde_json::to_string(pauses).map_err(|e| Fault::Internal(e.to_string()))?),
        extended_at: Set(*extended_at),
        ended_at: Set(*ended_at),
        lies_with: Set(lies_with.map(Code)),
        due_at: Set(due),
        is_assumed: Set(*is_assumed),
    };
    let over = OnConflict::column(Column::IncidentId)
        .update_columns(Column::iter().filter(|column| !matches!(column, Column::IncidentId)))
        .to_owned();
    Entity::insert(row).on_conflict(over).exec_without_returning(db).await?;
    Ok(())
}

/// What is late in an area.
#[derive(Clone, Copy, Debug)]
pub struct Late {
    pub area: AreaCode,
    /// None: with whomever it lies.
    pub lies_with: Option<Duty>,
}

/// Promises of an area that somebody has to act on, the longest overdue first; and the token of the next page.
pub async fn late(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: Late,
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let Late { area, lies_with } = wanted;
    let mut query = Entity::find()
        .filter(scope.areas.hold(Column::AreaCode))
        .filter(area.holds(Column::AreaCode))
        .filter(Column::LiesWith.is_not_null())
        .filter(Column::DueAt.is_not_null());
    if let Some(duty) = lies_with {
        query = query.filter(Column::LiesWith.eq(Code(duty)));
    }
    if let Some((at, id)) = page.after {
        let same = Condition::all().add(Column::DueAt.eq(at)).add(Column::IncidentId.gt(id));
        query = query.filter(Condition::any().add(Column::DueAt.gt(at)).add(same));
    }
    let query = query.order_by_asc(Column::DueAt).order_by_asc(Column::IncidentId).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.due_at.unwrap_or(row.started_at), row.incident_id))?;
    Ok((rows, next))
}
