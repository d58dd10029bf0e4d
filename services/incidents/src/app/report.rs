//! Takes a report: the busiest thing this service does, so it reads nothing before it writes but the category that is named.

use chassis::{
    Fault,
    access::Call,
    data::{AreaCode, RequestKey},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, TryIntoModel};
use uuid::Uuid;

use super::{App, Shown, catalogue, parts};
use crate::{
    domain::{
        CategoryCode, Channel, Decision, Incident, IncidentId, Report, Subject,
        catalogue::{Answer, Stage},
        number, report,
    },
    error::Error,
    events,
    store::{
        incident::{self, ADDRESS, DESCRIPTION, REPORTER_NAME, REPORTER_PHONE},
        public::publication,
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
    /// To the category's questions.
    pub answers: Vec<Answer>,
    /// Where another system passed it on.
    pub external: Option<External>,
    /// What comes with a report for the public.
    pub public: Option<Public>,
    pub request_id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

/// A report that everybody reads, as whoever sends it is told.
#[derive(Clone, Debug)]
pub struct Public {
    pub media_urls: Vec<String>,
}

/// What another system calls a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    pub system: String,
    pub number: String,
    /// By when that system wants it solved.
    pub deadline: Option<DateTime<Utc>>,
}

impl App {
    /// Takes a report. The same request again is answered with the incident as it stands now, and
    /// so is another report of what another system knows under the same number.
    pub async fn report(&self, call: &Call, new: NewReport) -> Result<Shown, Error> {
        check_door(call, &new)?;
        let key = RequestKey {
            caller: call.subject().to_owned(),
            method: call.method(),
            request_id: new.request_id,
            content: self.keys.index("requests.content", &new.content),
        };
        if let Err(error) = self.check_category(&new).await {
            // What was taken stays taken, also where the catalogue has changed since.
            return self.known(call, &new, &key).await?.ok_or(error);
        }
        let mut attempt = 1;
        loop {
            match self.write_report(call, &new, &key).await {
                Ok(row) => return Ok(shown(call, row, new)),
                Err(Error::Fault(fault)) if fault.is_duplicate() => {
                    if let Some(known) = self.known(call, &new, &key).await? {
                        return Ok(known);
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

    /// The incident that came of the same request, or of the same number of the other system.
    async fn known(&self, call: &Call, new: &NewReport, key: &RequestKey) -> Result<Option<Shown>, Error> {
        let db = self.db.read();
        let row = match (key.find(db).await?, &new.external) {
            (Some(id), _) => Some(incident::get(db, call.scope(), IncidentId(id)).await?),
            (None, Some(External { system, number, deadline: _ })) => {
                incident::find_of_source(db, call.scope(), system, number).await?
            }
            (None, None) => None,
        };
        match row {
            Some(row) => Ok(Some(self.show_one(call, row).await?)),
            None => Ok(None),
        }
    }

    async fn check_category(&self, new: &NewReport) -> Result<(), Error> {
        match &new.category {
            Some(code) => {
                let category = catalogue::usable(self.db.read(), code).await?;
                if new.public.is_some() && category.details.publishable != Some(true) {
                    let rule = format!("is `{code}`, which is not for the public: choose one that may be shown");
                    return Err(Fault::field("category", "category", rule).into());
                }
                catalogue::check(&category, &new.answers, Stage::Report)
            }
            None if new.answers.is_empty() => Ok(()),
            None => Err(Fault::field("answers", "answers", "answer the questions of no category: name one").into()),
        }
    }

    /// On Postgres all of it is one statement.
    async fn write_report(&self, call: &Call, new: &NewReport, key: &RequestKey) -> Result<incident::Model, Error> {
        let (id, entry_id, now) = (IncidentId(self.ids.next()), self.ids.next(), self.clock.now());
        let actor = parts::reporting(call, new.area);
        let category = new.category.clone();
        let Decision { next, events } =
            report(id, Report { channel: new.channel, reporter: reporter(call, new), category }, actor, now);
        let row = self.new_row(&next, new, now)?;
        let told = events::reported(&self.ids, &next, new.area, now);
        let media = self.seal_media(id.0, new.public.as_ref().map_or(&[], |public| &public.media_urls))?;
        let (row_out, outbox, key) = (row.clone(), self.outbox.clone(), key.clone());
        let (app, caller) = (self.clone(), call.clone());
        self.db
            .write(move |tx| {
                app.note_mandate(tx, &caller, id.0);
                tx.append(row.clone());
                if let Some(media) = &media {
                    tx.append(publication::new(id, media.clone()));
                }
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

    pub(super) fn new_row(
        &self,
        next: &Incident,
        new: &NewReport,
        now: DateTime<Utc>,
    ) -> Result<incident::ActiveModel, Error> {
        let id = next.id.0;
        let (system, known_as, deadline) = match new.external.clone() {
            Some(external) => (Some(external.system), Some(external.number), external.deadline),
            None => (None, None, None),
        };
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
            answers: Set(self.seal_answers(id, &new.answers)?),
            source_system: Set(system),
            source_number: Set(known_as),
            source_deadline: Set(deadline),
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
    if new.external.is_some() && !staff {
        return Err(Fault::field("external", "channel", "is the office's to say: leave it out").into());
    }
    match new.channel {
        Channel::Hotline12345 if new.external.is_none() => {
            Err(Fault::field("external", "channel", "is missing: HOTLINE12345 comes with the desk's number").into())
        }
        Channel::App => Ok(()),
        // Everybody reads such a report, so nobody sends one without meaning to.
        Channel::Open311 if new.public.is_some() => Ok(()),
        Channel::Open311 => {
            Err(Fault::field("channel", "channel", "OPEN311 is for the public: report with APP, or SubmitReport")
                .into())
        }
        Channel::Import => {
            Err(Fault::field("channel", "channel", "IMPORT is for imported files: name how it was told").into())
        }
        Channel::Phone | Channel::Counter | Channel::Worker | Channel::Partner | Channel::Hotline12345 if staff => {
            Ok(())
        }
        Channel::Phone | Channel::Counter | Channel::Worker | Channel::Partner | Channel::Hotline12345 => {
            Err(Fault::field("channel", "channel", "is the office's: report for yourself with APP").into())
        }
    }
}

/// Whose report it is: the caller's, unless the caller writes down what somebody else said.
fn reporter(call: &Call, new: &NewReport) -> Option<Subject> {
    let told_by_another = match new.channel {
        Channel::App | Channel::Open311 => false,
        Channel::Worker => !(new.name.is_empty() && new.phone.is_empty()),
        Channel::Phone | Channel::Counter | Channel::Partner | Channel::Hotline12345 | Channel::Import => true,
    };
    (!told_by_another).then(|| Subject(call.owner()))
}

/// The caller has just sent these texts; they are masked on their way back like any other.
fn shown(call: &Call, row: incident::Model, new: NewReport) -> Shown {
    let secret = |text: String| (!text.is_empty()).then(|| text.into());
    let NewReport {
        channel: _,
        area: _,
        address,
        latitude: _,
        longitude: _,
        description,
        name,
        phone,
        category: _,
        answers,
        external: _,
        public: _,
        request_id: _,
        content: _,
    } = new;
    Shown {
        only_own: !parts::reach(call).areas.contain(row.area_code),
        row,
        description: secret(description),
        address: secret(address),
        reporter_name: secret(name),
        reporter_phone: secret(phone),
        answers,
        expected_at: None,
    }
}
