//! Takes alarms: a whole batch in one transaction, whatever door it came through.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chassis::{access::Call, data::Tx};
use chrono::{DateTime, Utc};

use super::{
    AlarmDesk,
    gather::{Item, New},
    refused as refusal,
};
use crate::{
    alarms::{Outcome, Said, Taken},
    domain::alarm::{Agreement, NotTaken, Raised, check},
    error::Error,
    store::alarms::{alarm, device, partner, refused},
};

/// Another batch may bring the same alarm at the same moment.
const ATTEMPTS: u32 = 3;

/// What of a batch is taken.
#[derive(Clone, Debug)]
pub struct Grant {
    /// None: nobody knows the sender.
    pub(super) partner: Option<partner::Model>,
    pub(super) granted: usize,
}

impl Grant {
    /// Why the message with this number in its batch is not even read; none where it is.
    pub fn refuses(&self, number: usize) -> Option<NotTaken> {
        match &self.partner {
            None => Some(NotTaken::NoPartner),
            Some(partner) if number >= self.granted => Some(NotTaken::TooFast { rate: partner.rate }),
            Some(_) => None,
        }
    }
}

struct Batch {
    partner: partner::Model,
    agreed: Agreement,
    said: Vec<Result<Said, NotTaken>>,
    now: DateTime<Utc>,
}

impl AlarmDesk {
    /// Takes what a partner said; an outcome for each. An error is our own, and nothing has changed then.
    pub async fn take(&self, grant: Grant, said: Vec<Result<Said, NotTaken>>) -> Result<Vec<Outcome>, Error> {
        let Some(partner) = grant.partner else {
            return Ok(said.into_iter().map(|said| said.and(Err(NotTaken::NoPartner))).collect());
        };
        let agreed = partner.agreement()?;
        let batch = Arc::new(Batch { partner, agreed, said, now: self.app.clock.now() });
        let mut attempt = 1;
        loop {
            let (desk, shared) = (self.clone(), batch.clone());
            let written = self.app.db.write(move |tx| {
                let (desk, batch) = (desk.clone(), shared.clone());
                Box::pin(async move { desk.write(tx, &batch).await })
            });
            match written.await {
                Err(Error::Fault(fault)) if fault.is_duplicate() && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// Takes one message of the calling partner; what is wrong with it is an error.
    pub async fn take_one(&self, call: &Call, said: Said) -> Result<Taken, Error> {
        let grant = self.grant(Self::partner_of(call), 1).await?;
        if let Some(refused) = grant.refuses(0) {
            return Err(refusal(refused));
        }
        let code = match &said {
            Said::Alarm(raised) => &raised.device,
            Said::Heartbeat { device } => device,
        };
        // A token may be for a part of what was agreed.
        let devices = device::of_codes(self.app.db.read(), Self::partner_of(call), vec![code]).await?;
        if devices.first().is_some_and(|device| !call.scope().admits_new(device.area_code)) {
            return Err(Error::AreaNotGranted { field: "device" });
        }
        let outcome = self.take(grant, vec![Ok(said)]).await?.pop();
        outcome.unwrap_or(Err(NotTaken::OurFault)).map_err(refusal)
    }

    async fn write(&self, tx: &Tx, batch: &Batch) -> Result<Vec<Outcome>, Error> {
        let Batch { partner, agreed, said, now } = batch;
        let codes: HashSet<&str> = said.iter().flatten().map(device_of).collect();
        let found = if codes.is_empty() {
            Vec::new()
        } else {
            device::of_codes(tx, &partner.name, codes.into_iter().collect()).await?
        };
        let devices: HashMap<&str, &device::Model> = found.iter().map(|d| (d.code.as_str(), d)).collect();

        let judged = said.iter().map(|said| self.judge(said, agreed, &devices, *now));
        let mut outcomes: Vec<Outcome> = judged.collect();
        let good = |(said, outcome): (&Result<Said, NotTaken>, &Outcome)| match (said, outcome) {
            (Ok(said), Ok(_)) => Some(*devices.get(device_of(said))?),
            _ => None,
        };
        let heard: Vec<&device::Model> = said.iter().zip(&outcomes).filter_map(good).collect();
        let alarms: Vec<(usize, &Raised, &device::Model)> = said
            .iter()
            .enumerate()
            .filter_map(|(i, said)| match said {
                Ok(Said::Alarm(raised)) if outcomes[i].is_ok() => {
                    Some((i, raised, *devices.get(raised.device.as_str())?))
                }
                _ => None,
            })
            .collect();
        if !alarms.is_empty() {
            self.write_alarms(tx, partner, alarms, &mut outcomes, *now).await?;
        }
        self.hear(tx, heard, *now).await?;
        refused::count(tx, &partner.name, outcomes.iter().filter_map(|outcome| outcome.as_ref().err()), *now);
        Ok(outcomes)
    }

    fn judge(
        &self,
        said: &Result<Said, NotTaken>,
        agreed: &Agreement,
        devices: &HashMap<&str, &device::Model>,
        now: DateTime<Utc>,
    ) -> Outcome {
        let said = said.as_ref().map_err(NotTaken::clone)?;
        let code = device_of(said);
        let device = devices.get(code).ok_or_else(|| NotTaken::UnknownDevice { device: code.to_owned() })?;
        match said {
            Said::Alarm(raised) => check(raised, agreed, device.standing(), now, &self.rules)?,
            Said::Heartbeat { .. } if device.retired => {
                return Err(NotTaken::Retired { device: code.to_owned() });
            }
            Said::Heartbeat { .. } => {}
        }
        Ok(Taken::New)
    }

    /// Writes those that are not here yet, and says of the others that they are.
    async fn write_alarms(
        &self,
        tx: &Tx,
        partner: &partner::Model,
        alarms: Vec<(usize, &Raised, &device::Model)>,
        outcomes: &mut [Outcome],
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.lock(tx, alarms.iter().map(|(_, _, device)| device.area_code)).await?;
        let ids = alarms.iter().map(|(_, raised, _)| raised.id.as_str()).collect();
        let mut known: HashSet<String> = alarm::known(tx, &partner.name, ids).await?.into_iter().collect();
        let mut items = Vec::with_capacity(alarms.len());
        for (i, raised, device) in alarms {
            if known.insert(raised.id.clone()) {
                let Raised { id, device: _, kind, at, priority, point, note, video } = raised;
                let new = New { partner_alarm_id: id, at: *at, priority: *priority, point: *point, note, video };
                items.push(Item { device, kind: *kind, new });
            } else {
                outcomes[i] = Ok(Taken::Again);
            }
        }
        self.gather(tx, &items, now).await
    }
}

fn device_of(said: &Said) -> &str {
    match said {
        Said::Alarm(raised) => &raised.device,
        Said::Heartbeat { device } => device,
    }
}
