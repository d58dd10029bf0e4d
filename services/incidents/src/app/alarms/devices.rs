//! The register of devices.

use chassis::{
    Fault,
    access::Call,
    data::{AreaCode, Tx},
    events::timers,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
};
use uuid::Uuid;

use super::{AlarmDesk, refused, timers::silent};
use crate::{
    domain::alarm::NotTaken,
    error::Error,
    store::alarms::{device, partner},
};

/// What is known of a device.
#[derive(Clone, Debug)]
pub struct NewDevice {
    pub partner: String,
    pub code: String,
    pub area: AreaCode,
    pub place: String,
    pub latitude: f64,
    pub longitude: f64,
    pub restricted: bool,
    pub heartbeat_s: i32,
    pub damping_s: Option<i32>,
    pub retired: bool,
}

impl AlarmDesk {
    /// Enters a device, or changes what is known of it.
    pub async fn register_device(&self, call: &Call, new: NewDevice) -> Result<device::Model, Error> {
        if !call.scope().areas.contain(new.area) {
            return Err(Error::AreaNotGranted { field: "area_code" });
        }
        let partner = partner::find(self.app.db.read(), &new.partner).await?;
        let partner = partner.ok_or_else(|| refused(NotTaken::NoPartner))?;
        if !partner.areas()?.iter().any(|area| area.contains(new.area)) {
            return Err(refused(NotTaken::OutsideAreas { device: new.code }));
        }
        let (desk, caller) = (self.clone(), call.clone());
        let written = self.app.db.write(move |tx| {
            let (desk, caller, new) = (desk.clone(), caller.clone(), new.clone());
            Box::pin(async move { desk.write_device(tx, &caller, new).await })
        });
        written.await
    }

    async fn write_device(&self, tx: &Tx, call: &Call, new: NewDevice) -> Result<device::Model, Error> {
        let NewDevice { partner, code, area, place, latitude, longitude, restricted, heartbeat_s, damping_s, retired } =
            new;
        let known = device::of_codes(tx, &partner, vec![&code]).await?.pop();
        // One that stands where the caller may not look cannot be taken from there.
        if known.as_ref().is_some_and(|known| !call.scope().areas.contain(known.area_code)) {
            return Err(Fault::NotFound("device").into());
        }
        let now = self.app.clock.now();
        let row = device::ActiveModel {
            id: known.as_ref().map_or_else(|| Set(self.app.ids.next::<Uuid>()), |known| Unchanged(known.id)),
            partner: Set(partner),
            code: Set(code),
            area_code: Set(area),
            place: Set(place),
            latitude: Set(latitude),
            longitude: Set(longitude),
            restricted: Set(restricted),
            heartbeat_s: Set(heartbeat_s),
            damping_s: Set(damping_s),
            retired: Set(retired),
            changed_at: Set(now),
            last_seen_at: Set(known.as_ref().and_then(|known| known.last_seen_at)),
            // It is listened for anew.
            silent_since: Set(None),
            real_verdicts: Set(known.as_ref().map_or(0, |known| known.real_verdicts)),
            false_verdicts: Set(known.as_ref().map_or(0, |known| known.false_verdicts)),
        };
        let written = if known.is_some() { row.update(tx).await? } else { row.insert(tx).await? };
        if let Some(missed_at) = written.missed_at() {
            timers::set(tx, &silent(written.id, missed_at)).await?;
        }
        Ok(written)
    }
}
