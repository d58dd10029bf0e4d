//! Takes a report: the busiest thing this service does, so it reads nothing before it writes.

use chassis::{
    Fault,
    access::Call,
    data::{AreaCode, RequestKey},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, TryIntoModel};
use uuid::Uuid;

use super::{App, Shown, parts};
use crate::{
    domain::{Actor, CategoryCode, Channel, Decision, Incident, IncidentId, Report, Subject, number, report},
    error::Error,
    events,
    store::{
        incident::{self, ADDRESS, DESCRIPTION, REPORTER_NAME, REPORTER_PHONE},
        timeline,
    },
};

/// Another id, and so another number, is tried this often.
const ATTEMPTS: u32 = 3;

/// What somebody reports.
#[derive(Clone)]
pub struct NewReport {
    pub channel: Channel,
    pub area: AreaCode,
    pub address: String,
    /// WGS84 degrees.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub description: String,
    /// Who told it; empty where that is not said.
    pub name: String,
    pub phone: String,
    pub category: Option<CategoryCode>,
    pub request_id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

impl App {
    /// Takes a report. The same request again is answered with the incident as it stands now.
    pub async fn report(&self, call: &Call, new: NewReport) -> Result<Shown, Error> {
        check_door(call, &new)?;
        let key = RequestKey {
            caller: call.subject().to_owned(),
            method: call.method(),
            request_id: new.request_id,
            content: self.keys.index("requests.content", &new.content),
        };
        let mut attempt = 1;
        loop {
            match self.write_report(call, &new, &key).await {
                Ok(row) => return Ok(shown(call, row, new)),
                Err(Error::Fault(fault)) if fault.is_duplicate() => {
                    if let Some(id) = key.find(self.db.read()).await? {
                        let row = incident::get(self.db.read(), call.scope(), IncidentId(id)).await?;
                        return self.show_one(call, row).await;
                    }
                    // Two incidents met on one number.
                    if attempt == ATTEMPTS {
                        return Err(fault.into());
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// On Postgres all of it is one statement.
    async fn write_report(&self, call: &Call, new: &NewReport, key: &RequestKey) -> Result<incident::Model, Error> {
        let (id, entry_id, now) = (IncidentId(self.ids.next()), self.ids.next(), self.clock.now());
        let actor = Actor::new(call.subject(), parts::reporting(call, new.area));
        let category = new.category.clone();
        let Decision { next, events } =
            report(id, Report { channel: new.channel, reporter: reporter(call, new), category }, actor, now);
        let row = self.new_row(&next, new, now)?;
        let told = events::reported(&self.ids, &next, new.area, now);
        let (row_out, outbox, key) = (row.clone(), self.outbox.clone(), key.clone());
        self.db
            .write(move |tx| {
                tx.append(row.clone());
                let entries: Result<Vec<()>, Fault> = events
                    .iter()
                    .map(|recorded| {
                        let recorded = recorded.clone();
                        timeline::append(
                            tx,
                            timeline::Entry { id: entry_id, incident: id, version: 1, recorded, text: None },
                        )
                    })
                    .collect();
                key.note(tx, id.0, now);
                outbox.add(tx, told.clone());
                Box::pin(async move { entries.map(|_| ()).map_err(Error::from) })
            })
            .await?;
        Ok(row_out.try_into_model()?)
    }

    fn new_row(&self, next: &Incident, new: &NewReport, now: DateTime<Utc>) -> Result<incident::ActiveModel, Error> {
        let id = next.id.0;
        Ok(incident::ActiveModel {
            id: Set(id),
            number: Set(number::number(next.id, now)),
            area_code: Set(new.area),
            description: Set(self.seal(DESCRIPTION.at(id), Some(&new.description))?),
            address: Set(self.seal(ADDRESS.at(id), Some(&new.address))?),
            latitude: Set(new.latitude),
            longitude: Set(new.longitude),
            reporter_name: Set(self.seal(REPORTER_NAME.at(id), Some(&new.name))?),
            reporter_phone: Set(self.seal(REPORTER_PHONE.at(id), Some(&new.phone))?),
            ..incident::life(incident::new(), next, now)?
        })
    }
}

/// Through which door a caller may report: people for themselves through the app, staff also what others told them.
fn check_door(call: &Call, new: &NewReport) -> Result<(), Error> {
    if !call.scope().admits_new(new.area) {
        return Err(Error::AreaNotGranted { field: "place.area_code" });
    }
    let staff = call.scope().areas.contain(new.area);
    match new.channel {
        Channel::App | Channel::Open311 => Ok(()),
        Channel::Import => {
            Err(Fault::field("channel", "channel", "IMPORT is for imported files: name how it was told").into())
        }
        Channel::Phone | Channel::Counter | Channel::Worker | Channel::Partner if staff => Ok(()),
        Channel::Phone | Channel::Counter | Channel::Worker | Channel::Partner => {
            Err(Fault::field("channel", "channel", "is the office's: report for yourself with APP").into())
        }
    }
}

/// Whose report it is: the caller's, unless the caller writes down what somebody else said.
fn reporter(call: &Call, new: &NewReport) -> Option<Subject> {
    let told_by_another = match new.channel {
        Channel::App | Channel::Open311 => false,
        Channel::Worker => !(new.name.is_empty() && new.phone.is_empty()),
        Channel::Phone | Channel::Counter | Channel::Partner | Channel::Import => true,
    };
    (!told_by_another).then(|| Subject(call.subject().to_owned()))
}

/// The caller has just sent these texts; they are masked on their way back like any other.
fn shown(call: &Call, row: incident::Model, new: NewReport) -> Shown {
    let secret = |text: String| (!text.is_empty()).then(|| text.into());
    let NewReport { address, description, name, phone, .. } = new;
    Shown {
        only_own: !parts::reach(call).areas.contain(row.area_code),
        row,
        description: secret(description),
        address: secret(address),
        reporter_name: secret(name),
        reporter_phone: secret(phone),
    }
}
