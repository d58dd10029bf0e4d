//! What somebody sees of alarms.

use chassis::{
    access::{Call, Look, look},
    data::{AreaCode, Page, SecretText},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AlarmDesk;
use crate::{
    domain::alarm::{SituationId, SituationState},
    error::Error,
    store::alarms::{
        alarm::{self, NOTE},
        device,
        look_up::{self, DETAIL},
        situation,
    },
};

/// Which situations a list is about.
#[derive(Clone, Debug)]
pub struct SituationsOf {
    pub area: AreaCode,
    /// Empty: all.
    pub states: Vec<SituationState>,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// Which alarms.
#[derive(Clone, Debug)]
pub struct AlarmsOf {
    pub situation: SituationId,
    pub page: Page<Uuid>,
}

/// Which devices.
#[derive(Clone, Debug)]
pub struct DevicesOf {
    pub area: AreaCode,
    pub page: Page<(String, Uuid)>,
}

/// Which look-ups.
#[derive(Clone, Debug)]
pub struct LookUpsOf {
    pub area: AreaCode,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// An alarm with its text open, on its way to a caller.
pub struct ShownAlarm {
    pub row: alarm::Model,
    pub note: Option<SecretText>,
}

/// A look-up with its text open.
pub struct ShownLookUp {
    pub row: look_up::Model,
    pub detail: SecretText,
}

impl AlarmDesk {
    /// Situations, the newest first; and the token of the next page.
    pub async fn situations(&self, call: &Call, of: SituationsOf) -> Result<(Vec<situation::Model>, String), Error> {
        let SituationsOf { area, states, page } = of;
        Ok(situation::list(self.app.db.read(), call.scope(), area, &states, &page).await?)
    }

    /// One situation.
    pub async fn situation(&self, call: &Call, id: SituationId) -> Result<situation::Model, Error> {
        Ok(situation::get(self.app.db.read(), call.scope(), id).await?)
    }

    /// The alarms of a situation.
    pub async fn alarms(&self, call: &Call, of: AlarmsOf) -> Result<(Vec<ShownAlarm>, String), Error> {
        let AlarmsOf { situation: id, page } = of;
        situation::get(self.app.db.read(), call.scope(), id).await?;
        let (rows, next) = alarm::list(self.app.db.read(), call.scope(), id, &page).await?;
        let looks = rows.iter().filter(|row| row.note.is_some()).map(|row| Look { subject: row.id, fields: "note" });
        let looks = looks.collect();
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let note = self.open_text(NOTE.at(row.id), row.note.as_ref()).await?;
            shown.push(ShownAlarm { row, note });
        }
        look(&self.app.db, &self.app.ids, &self.app.clock, call, looks).await?;
        Ok((shown, next))
    }

    /// Devices of an area.
    pub async fn devices(&self, call: &Call, of: DevicesOf) -> Result<(Vec<device::Model>, String), Error> {
        Ok(device::list(self.app.db.read(), call.scope(), of.area, &of.page).await?)
    }

    /// The register of look-ups.
    pub async fn look_ups(&self, call: &Call, of: LookUpsOf) -> Result<(Vec<ShownLookUp>, String), Error> {
        let (rows, next) = look_up::list(self.app.db.read(), call.scope(), of.area, &of.page).await?;
        let looks = rows.iter().map(|row| Look { subject: row.id, fields: "detail" }).collect();
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let detail = self.app.keys.open_fresh(DETAIL.at(row.id), &row.detail).await?;
            shown.push(ShownLookUp { row, detail });
        }
        look(&self.app.db, &self.app.ids, &self.app.clock, call, looks).await?;
        Ok((shown, next))
    }
}
