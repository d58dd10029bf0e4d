//! Puts new alarms into situations, and writes all that follows.

use std::collections::{BTreeSet, HashSet};

use chassis::{
    data::{AreaCode, AreaLevel, Tx},
    events::timers,
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::Set;
use uuid::Uuid;

use super::{AlarmDesk, timers::unseen};
use crate::{
    domain::alarm::{Alarm, AlarmKind, Desk, Gathered, SituationId, SituationState},
    error::Error,
    events,
    store::{
        Code,
        alarms::{
            alarm::{self, NOTE, VIDEO},
            device, mark, situation,
        },
    },
};

/// A new alarm and its device.
pub(super) struct Item<'a> {
    pub(super) device: &'a device::Model,
    pub(super) kind: AlarmKind,
    pub(super) new: New<'a>,
}

/// What the alarm itself says.
pub(super) struct New<'a> {
    pub(super) partner_alarm_id: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) priority: i32,
    pub(super) point: Option<(f64, f64)>,
    pub(super) note: &'a str,
    pub(super) video: &'a str,
}

impl AlarmDesk {
    /// One batch at a time gathers in a subdistrict, so that two do not open the same situation twice.
    pub(super) async fn lock(&self, tx: &Tx, areas: impl Iterator<Item = AreaCode>) -> Result<(), Error> {
        Ok(situation::lock_gathering(tx, &areas.map(subdistrict).collect()).await?)
    }

    /// Writes the alarms. [`lock`](Self::lock) was called for their areas, and none of them is here yet.
    pub(super) async fn gather(&self, tx: &Tx, items: &[Item<'_>], now: DateTime<Utc>) -> Result<(), Error> {
        if items.is_empty() {
            return Ok(());
        }
        let mut desk = self.desk(tx, items, now).await?;
        let mut opened: Vec<(SituationId, &device::Model)> = Vec::new();
        for item in items {
            let Item { device, kind, new } = item;
            let alarm = Alarm {
                device: device.id,
                kind: *kind,
                area: device.area_code,
                priority: new.priority,
                damping: device.damping_s.map(|seconds| TimeDelta::seconds(seconds.into())),
            };
            let fresh: SituationId = self.app.ids.next();
            let (situation, _) = desk.take(alarm, fresh, now, &self.rules);
            if situation == fresh {
                opened.push((situation, device));
            }
            self.append(tx, item, situation, now)?;
        }
        for gathered in desk.changed() {
            match opened.iter().find(|(id, _)| *id == gathered.id) {
                Some((_, device)) => self.open_situation(tx, gathered, device, now).await?,
                None => situation::add(tx, gathered).await?,
            }
        }
        mark::set(tx, desk.marked());
        Ok(())
    }

    /// What is open around these alarms, and what their devices said before.
    async fn desk(&self, tx: &Tx, items: &[Item<'_>], now: DateTime<Utc>) -> Result<Desk, Error> {
        let devices: HashSet<Uuid> = items.iter().map(|item| item.device.id).collect();
        let marks = mark::of_devices(tx, devices.into_iter().collect()).await?;
        let unseen = marks.values().filter(|mark| mark.verified_at.is_none()).map(|mark| mark.situation.0);
        let unseen: HashSet<Uuid> = unseen.collect();
        let kinds: BTreeSet<AlarmKind> = items.iter().map(|item| item.kind).collect();
        let places: BTreeSet<AreaCode> = items.iter().map(|item| subdistrict(item.device.area_code)).collect();
        let places: Vec<_> = places.into_iter().collect();
        let since = now - self.rules.window;
        let open =
            situation::open(tx, kinds.into_iter().collect(), &places, since, unseen.into_iter().collect()).await?;
        Ok(Desk::new(open.iter().map(situation::Model::gathered).collect(), marks))
    }

    fn append(&self, tx: &Tx, item: &Item<'_>, situation: SituationId, now: DateTime<Utc>) -> Result<(), Error> {
        let Item { device, kind, new } = item;
        let New { partner_alarm_id, at, priority, point, note, video } = new;
        let id: Uuid = self.app.ids.next();
        tx.append(alarm::ActiveModel {
            id: Set(id),
            partner: Set(device.partner.clone()),
            partner_alarm_id: Set((*partner_alarm_id).to_owned()),
            device_id: Set(device.id),
            device: Set(device.code.clone()),
            area_code: Set(device.area_code),
            situation_id: Set(situation.0),
            kind: Set(Code(*kind)),
            priority: Set(*priority),
            at: Set(*at),
            received_at: Set(now),
            latitude: Set(point.map(|(latitude, _)| latitude)),
            longitude: Set(point.map(|(_, longitude)| longitude)),
            note: Set(self.app.seal(NOTE.at(id), Some(note))?),
            video: Set(self.app.seal(VIDEO.at(id), Some(video))?),
        });
        Ok(())
    }

    async fn open_situation(
        &self,
        tx: &Tx,
        gathered: &Gathered,
        first: &device::Model,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let Gathered { id, kind, area, storm, last_at, priority, opened: _, alarms, repeats, devices } = gathered;
        tx.append(situation::ActiveModel {
            id: Set(id.0),
            kind: Set(Code(*kind)),
            area_code: Set(*area),
            state: Set(Code(SituationState::Open)),
            priority: Set(*priority),
            alarms: Set(*alarms),
            devices: Set(*devices),
            repeats: Set(*repeats),
            storm: Set(*storm),
            escalated: Set(0),
            place: Set(first.place.clone()),
            latitude: Set(first.latitude),
            longitude: Set(first.longitude),
            opened_at: Set(now),
            last_at: Set(*last_at),
            verified_at: Set(None),
            verified_by: Set(None),
            finding: Set(None),
            incident_id: Set(None),
            version: Set(1),
        });
        timers::set(tx, &unseen(*id, now + kind.look_within())).await?;
        self.app.outbox.add(tx, events::alarms::opened(&self.app.ids, gathered, now));
        Ok(())
    }
}

fn subdistrict(area: AreaCode) -> AreaCode {
    area.at(AreaLevel::Subdistrict).unwrap_or(area)
}
