//! What this service tells others, and what it does when a time has come.

pub mod organisations;

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    Refusal,
    data::{Code, Ids, Tx},
    events::{Event, HandlerError, Head, Timer, TimerHandler, TimerHandlers},
};
use chrono::{DateTime, Utc};
use linju_proto::volunteers::v1;

use crate::{
    app::{App, SERVICE_ITEM, STANDING},
    domain::{VolunteerId, gate::Obstacle, life::State},
    error::Error,
    grpc::convert::codes,
    store::{
        qualification, rota, service_item,
        team::{self, membership},
        volunteer,
    },
};

fn of_volunteer(ids: &Ids, row: &volunteer::Model, at: DateTime<Utc>) -> Head {
    Head { id: ids.next(), key: row.id.0, version: row.version, area: row.area_code, at }
}

/// Somebody has applied.
pub fn applied(ids: &Ids, row: &volunteer::Model) -> Event {
    let message = v1::VolunteerApplied { volunteer_id: row.id.to_string(), area_code: row.area_code.to_string() };
    Event::new(of_volunteer(ids, row, row.created_at), &message)
}

/// A volunteer went from one state to another; `row` is as it became.
pub fn state_changed(ids: &Ids, row: &volunteer::Model, from: State) -> Event {
    let message = v1::VolunteerStateChanged {
        volunteer_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        from_state: codes::state(from).into(),
        state: codes::state(row.state.0).into(),
        reason: codes::reason_or_none(row.reason.map(|Code(reason)| reason)).into(),
    };
    Event::new(of_volunteer(ids, row, row.updated_at), &message)
}

/// A qualification begins to hold.
pub fn qualification_recorded(
    ids: &Ids,
    of: &volunteer::Model,
    row: &qualification::Model,
    at: DateTime<Utc>,
) -> Event {
    let message = v1::QualificationRecorded {
        volunteer_id: of.id.to_string(),
        area_code: of.area_code.to_string(),
        qualification_id: row.id.to_string(),
        kind: codes::qualification(row.kind.0).into(),
        expires_on: day_or_none(row.expires_on),
    };
    Event::new(of_volunteer(ids, of, at), &message)
}

/// A qualification will end soon.
pub fn qualification_expiring(
    ids: &Ids,
    of: &volunteer::Model,
    row: &qualification::Model,
    at: DateTime<Utc>,
) -> Event {
    let message = v1::QualificationExpiring {
        volunteer_id: of.id.to_string(),
        area_code: of.area_code.to_string(),
        qualification_id: row.id.to_string(),
        kind: codes::qualification(row.kind.0).into(),
        expires_on: day_or_none(row.expires_on),
    };
    Event::new(of_volunteer(ids, of, at), &message)
}

/// A qualification holds no longer.
pub fn qualification_ended(ids: &Ids, of: &volunteer::Model, row: &qualification::Model, at: DateTime<Utc>) -> Event {
    let message = v1::QualificationEnded {
        volunteer_id: of.id.to_string(),
        area_code: of.area_code.to_string(),
        qualification_id: row.id.to_string(),
        kind: codes::qualification(row.kind.0).into(),
        state: codes::qualification_state(row.state.0).into(),
    };
    Event::new(of_volunteer(ids, of, at), &message)
}

fn of_team(ids: &Ids, row: &team::Model, at: DateTime<Utc>) -> Head {
    Head { id: ids.next(), key: row.id.0, version: row.version, area: row.area_code, at }
}

/// A team was founded, changed or ended.
pub fn team_changed(ids: &Ids, row: &team::Model) -> Event {
    let message = v1::TeamChanged {
        team_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        kind: codes::team_kind(row.kind.0).into(),
        state: codes::team_state(row.state.0).into(),
    };
    Event::new(of_team(ids, row, row.updated_at), &message)
}

/// Somebody has become a member of a team, or is one no longer. It counts as a change of the team.
pub fn membership_changed(ids: &Ids, team: &team::Model, row: &membership::Model) -> Event {
    let message = v1::MembershipChanged {
        team_id: team.id.to_string(),
        area_code: team.area_code.to_string(),
        volunteer_id: row.volunteer_id.to_string(),
        state: codes::standing(row.standing.0).into(),
        role: codes::role(row.role.0).into(),
    };
    Event::new(of_team(ids, team, team.updated_at), &message)
}

/// Somebody was taken off a duty because they may no longer do it.
pub fn duty_uncovered(
    ids: &Ids,
    duty: &rota::Model,
    volunteer: VolunteerId,
    obstacle: Obstacle,
    at: DateTime<Utc>,
) -> Event {
    let message = v1::DutyUncovered {
        duty_id: duty.id.to_string(),
        team_id: duty.team_id.to_string(),
        area_code: duty.area_code.to_string(),
        volunteer_id: volunteer.to_string(),
        obstacle: codes::obstacle(obstacle).into(),
        starts_at: Some(codes::time(duty.starts_at)),
    };
    Event::new(Head { id: ids.next(), key: duty.id.0, version: duty.version, area: duty.area_code, at }, &message)
}

/// Nobody has said for too long that an item is true; `row` is as before the reminder.
pub fn service_item_stale(ids: &Ids, row: &service_item::Model, at: DateTime<Utc>) -> Event {
    let message = v1::ServiceItemStale {
        code: row.code.clone(),
        area_code: row.area_code.to_string(),
        assured_on: row.assured_on.to_string(),
        reminded: row.reminded,
        owner: row.owner.clone(),
    };
    Event::new(Head { id: ids.next(), key: row.id.0, version: row.version, area: row.area_code, at }, &message)
}

fn day_or_none(day: Option<chrono::NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// The handlers of timers, by kind.
pub fn timers(app: App) -> TimerHandlers {
    let mut all = organisations::timers(app.clone());
    all.extend([
        (STANDING, Arc::new(StandingDue(app.clone())) as Arc<dyn TimerHandler>),
        (SERVICE_ITEM, Arc::new(ServiceItemDue(app))),
    ]);
    all
}

struct StandingDue(App);

#[async_trait]
impl TimerHandler for StandingDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let id = timer.key.parse().map_err(|_| HandlerError::Useless(format!("`{}` is no id", timer.key)))?;
        self.0.standing_due(tx, id).await.map_err(failed)
    }
}

struct ServiceItemDue(App);

#[async_trait]
impl TimerHandler for ServiceItemDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let id = timer.key.parse().map_err(|_| HandlerError::Useless(format!("`{}` is no id", timer.key)))?;
        self.0.service_item_due(tx, id).await.map_err(failed)
    }
}

/// What a failure means for a timer or an event: try again, or never.
pub(crate) fn failed(error: Error) -> HandlerError {
    match error {
        Error::Fault(chassis::Fault::Db(error)) => HandlerError::Db(error),
        error if error.answer().0 == tonic::Code::Internal => HandlerError::Useless(error.to_string()),
        error => HandlerError::Failed(error.to_string()),
    }
}
