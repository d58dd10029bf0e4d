//! What is noticed by its not happening: a device that falls silent, a situation that nobody looks at.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    data::Tx,
    events::{HandlerError, Timer, TimerHandler, TimerHandlers, timers as due},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use uuid::Uuid;

use super::{
    AlarmDesk,
    gather::{Item, New},
};
use crate::{
    domain::alarm::{AlarmKind, SituationId, SituationState},
    error::Error,
    events,
    store::alarms::{device, refused, situation},
};

const UNSEEN: &str = "incidents.situation_unseen";
const SILENT: &str = "incidents.source_silent";
/// Minutes of refusals are kept this many days.
const REFUSALS_KEPT: i64 = 30;

/// The handlers of the desk's timers.
pub fn timers(desk: &AlarmDesk) -> TimerHandlers {
    TimerHandlers::from([
        (UNSEEN, Arc::new(Unseen(desk.clone())) as Arc<dyn TimerHandler>),
        (SILENT, Arc::new(Silent(desk.clone()))),
    ])
}

/// When it is reported upwards that nobody has looked.
pub(super) fn unseen(id: SituationId, due_at: DateTime<Utc>) -> Timer {
    Timer { kind: UNSEEN.to_owned(), key: id.to_string(), due_at, payload: String::new() }
}

/// When a device is missed.
pub(super) fn silent(id: Uuid, due_at: DateTime<Utc>) -> Timer {
    Timer { kind: SILENT.to_owned(), key: id.to_string(), due_at, payload: String::new() }
}

struct Unseen(AlarmDesk);

struct Silent(AlarmDesk);

#[async_trait]
impl TimerHandler for Unseen {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        self.0.escalate(tx, SituationId(id(timer)?)).await.map_err(failed)
    }
}

#[async_trait]
impl TimerHandler for Silent {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        self.0.miss(tx, id(timer)?).await.map_err(failed)
    }
}

fn id(timer: &Timer) -> Result<Uuid, HandlerError> {
    timer.key.parse().map_err(|_| HandlerError::Useless(format!("`{}` is no id", timer.key)))
}

fn failed(error: Error) -> HandlerError {
    match error {
        Error::Fault(chassis::Fault::Db(error)) => HandlerError::Db(error),
        error => HandlerError::Failed(error.to_string()),
    }
}

impl AlarmDesk {
    /// Tells that nobody has looked, three times at most and each time after twice as long.
    async fn escalate(&self, tx: &Tx, id: SituationId) -> Result<(), Error> {
        let Some(row) = situation::find_locked(tx, id).await? else { return Ok(()) };
        if row.state.0 != SituationState::Open || row.escalated >= self.rules.escalations {
            return Ok(());
        }
        let now = self.app.clock.now();
        let (escalated, version) = (row.escalated + 1, row.version + 1);
        let within = row.kind.0.look_within();
        self.app.outbox.add(tx, events::alarms::escalated(&self.app.ids, &row, escalated, now));
        let mut changed = row.into_active_model();
        changed.escalated = Set(escalated);
        changed.version = Set(version);
        changed.update(tx).await?;
        if escalated < self.rules.escalations {
            due::set(tx, &unseen(id, now + within * 2i32.pow(escalated.unsigned_abs()))).await?;
        }
        Ok(())
    }

    /// Tells once that a device is missed; where it was heard meanwhile, waits on.
    async fn miss(&self, tx: &Tx, id: Uuid) -> Result<(), Error> {
        let now = self.app.clock.now();
        refused::forget(tx, now - chrono::TimeDelta::days(REFUSALS_KEPT)).await?;
        let Some(device) = device::find_locked(tx, id).await? else { return Ok(()) };
        let Some(missed_at) = device.missed_at() else { return Ok(()) };
        if now < missed_at {
            return Ok(due::set(tx, &silent(id, missed_at)).await?);
        }
        if device.silent_since.is_some() {
            return Ok(());
        }
        let mut changed = device.clone().into_active_model();
        changed.silent_since = Set(Some(now));
        changed.update(tx).await?;
        self.app.outbox.add(tx, events::alarms::silent(&self.app.ids, &device, now));
        self.lock(tx, [device.area_code].into_iter()).await?;
        // No number of the partner: those have no blank in them.
        let number = format!("silent {id} {now}");
        let new = New { partner_alarm_id: &number, at: now, priority: 0, point: None, note: "", video: "" };
        self.gather(tx, &[Item { device: &device, kind: AlarmKind::SourceSilent, new }], now).await
    }

    /// Notes that devices were heard: now and then, not with each message; and at once where one was missed.
    pub(super) async fn hear(&self, tx: &Tx, devices: Vec<&device::Model>, now: DateTime<Utc>) -> Result<(), Error> {
        let mut heard: Vec<&device::Model> = devices.into_iter().filter(|device| is_news(device, now)).collect();
        heard.sort_by_key(|device| device.id);
        heard.dedup_by_key(|device| device.id);
        if heard.is_empty() {
            return Ok(());
        }
        device::heard(tx, heard.iter().map(|device| device.id).collect(), now).await?;
        for device in heard.into_iter().filter(|device| device.silent_since.is_some()) {
            let again = device::Model { last_seen_at: Some(now), ..device.clone() };
            if let Some(missed_at) = again.missed_at() {
                due::set(tx, &silent(device.id, missed_at)).await?;
            }
        }
        Ok(())
    }
}

fn is_news(device: &device::Model, now: DateTime<Utc>) -> bool {
    // A quarter of its beat; a minute where it has none, and the time is only shown.
    let rest = match device.heartbeat_s {
        0 => chrono::TimeDelta::minutes(1),
        seconds => chrono::TimeDelta::milliseconds(i64::from(seconds) * 250),
    };
    device.silent_since.is_some()
        || device.last_seen_at.is_none_or(|seen| now - seen >= rest.max(chrono::TimeDelta::seconds(1)))
}
