//! Alarms of partners, from the bus or a call to the desk of somebody who looks.

mod devices;
mod gather;
mod intake;
mod partners;
mod read;
mod take;
mod timers;
mod verify;
mod video;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chassis::{access::Call, data::SecretText};

pub use devices::NewDevice;
pub use partners::{NewPartner, NotAPartner};
pub use read::{AlarmsOf, DevicesOf, LookUpsOf, ShownAlarm, ShownLookUp, SituationsOf};
pub use take::Grant;
pub use timers::timers;
pub use verify::{Finding, Verdict};
pub use video::{LookUp, VideoReason, VideoShown};

use super::App;
use crate::{
    domain::alarm::{AlarmRules, Bucket, NotTaken},
    error::Error,
    store::alarms::partner,
};

/// What every use case of alarms works with.
#[derive(Clone, Debug)]
pub struct AlarmDesk {
    app: App,
    rules: AlarmRules,
    /// How much each partner may still send, in this copy of the program.
    buckets: Arc<Mutex<HashMap<String, Bucket>>>,
}

impl AlarmDesk {
    pub fn new(app: App) -> Self {
        Self { app, rules: AlarmRules::default(), buckets: Arc::default() }
    }

    /// How many of `wanted` messages of a partner are taken now.
    pub async fn grant(&self, name: &str, wanted: usize) -> Result<Grant, Error> {
        let Some(partner) = partner::find(self.app.db.read(), name).await? else {
            return Ok(Grant { partner: None, granted: 0 });
        };
        let now = self.app.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(name.to_owned()).or_insert_with(|| Bucket::full(partner.rate, now));
        let granted = bucket.take(wanted, partner.rate, now);
        Ok(Grant { partner: Some(partner), granted })
    }

    /// A partner's own call.
    fn partner_of(call: &Call) -> &str {
        call.subject()
    }

    async fn open_text(
        &self,
        place: chassis::data::Place,
        sealed: Option<&chassis::data::Sealed>,
    ) -> Result<Option<SecretText>, Error> {
        self.app.open(place, sealed).await
    }
}

/// Refusals of the bucket and the register, as refusals of a call.
fn refused(refusal: NotTaken) -> Error {
    Error::NotTaken(refusal)
}
