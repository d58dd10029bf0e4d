//! Volunteers: they apply, are found, changed, and go through their life cycle.

use chassis::{
    Fault,
    access::{Call, Look, Role, look},
    data::{AreaCode, Code, Page, RequestKey, SecretText, Tx, check_etag},
};
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, IntoActiveModel, entity::prelude::*};
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        Refused, VolunteerId,
        age::{age_on, is_minor},
        availability::Availability,
        life::{By, Life},
        number::VolunteerNumber,
        person::{PersonName, Phone},
    },
    error::Error,
    events,
    store::{
        json,
        volunteer::{self, Model, Wanted},
    },
};

/// Another id, and so another number, is tried this often.
const ATTEMPTS: u32 = 3;
/// The personal fields of a volunteer, as the audit log names them.
const FIELDS: &str = "name,phone,birth_date";

/// What somebody who applies has said.
#[derive(Clone, Debug)]
pub struct NewVolunteer {
    pub area: AreaCode,
    pub name: PersonName,
    pub phone: Phone,
    pub birth_date: NaiveDate,
    pub resident_id: Option<Uuid>,
    pub skills: Vec<String>,
    pub languages: Vec<String>,
    pub availability: Availability,
    pub service_areas: Vec<AreaCode>,
    pub weekly_minutes: i32,
    pub risks_told: bool,
    pub request_id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

/// What is changed of a volunteer; none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct VolunteerUpdate {
    pub area: Option<AreaCode>,
    pub name: Option<PersonName>,
    pub phone: Option<Phone>,
    pub birth_date: Option<NaiveDate>,
    /// None within: no longer tied to a resident.
    pub resident_id: Option<Option<Uuid>>,
    pub skills: Option<Vec<String>>,
    pub languages: Option<Vec<String>>,
    pub availability: Option<Availability>,
    pub service_areas: Option<Vec<AreaCode>>,
    pub weekly_minutes: Option<i32>,
    pub risks_told: Option<bool>,
}

/// A volunteer on the way to a caller.
#[derive(Clone, Debug)]
pub struct Shown {
    pub row: Model,
    pub phone: Option<SecretText>,
    pub minor: bool,
    /// Whether the record may leave in clear, if the call shows anything in clear.
    pub clear: bool,
    /// Whether the caller is of the office, and so sees what it keeps to itself.
    pub office: bool,
}

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct VolunteersOf {
    pub wanted: Wanted,
    pub page: Page<Uuid>,
}

/// How a list or a single record is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    List,
}

impl App {
    /// Takes an application. The same request again is answered with the volunteer as they stand now.
    pub async fn create_volunteer(&self, call: &Call, new: NewVolunteer) -> Result<Shown, Error> {
        if !call.scope().admits_new(new.area) {
            return Err(Error::AreaNotGranted { field: "volunteer.area_code" });
        }
        self.check_age(new.birth_date)?;
        let key = self.request_key(call, new.request_id, &new.content);
        let mut attempt = 1;
        loop {
            match self.write_volunteer(call, &new, &key).await {
                Ok(row) => return self.show_one(call, row).await,
                Err(error) if error.is_duplicate() => {
                    if let Some(known) = key.find(self.db.read()).await? {
                        return self.volunteer(call, VolunteerId(known)).await;
                    }
                    self.check_known(&new, call).await?;
                    // Two volunteers met on one number.
                    if attempt == ATTEMPTS {
                        return Err(error);
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn request_key(&self, call: &Call, request_id: Uuid, content: &[u8]) -> RequestKey {
        RequestKey {
            caller: call.subject().to_owned(),
            method: call.method(),
            request_id,
            content: self.keys.index("requests.content", content),
        }
    }

    fn check_age(&self, birth_date: NaiveDate) -> Result<(), Error> {
        let (today, minimum) = (self.today(), self.settings.people.minimum_age);
        if birth_date > today {
            return Err(Refused::field("volunteer.birth_date", "lies in the future: check it").into());
        }
        if age_on(birth_date, today) < minimum { Err(Refused::TooYoung { minimum }.into()) } else { Ok(()) }
    }

    /// Why a new row broke a unique key, where it was not the number.
    async fn check_known(&self, new: &NewVolunteer, call: &Call) -> Result<(), Error> {
        let same = volunteer::Column::IdentityIndex.eq(self.identity(&new.name, &new.phone));
        if volunteer::Entity::find().filter(same).one(self.db.read()).await?.is_some() {
            return Err(Error::VolunteerKnown);
        }
        if volunteer::of_account(self.db.read(), call.subject()).await?.is_some() {
            return Err(Error::AccountTaken);
        }
        Ok(())
    }

    /// By this a person is known again.
    pub(crate) fn identity(&self, name: &PersonName, phone: &Phone) -> chassis::data::BlindIndex {
        self.keys.index("volunteers.identity", format!("{}\u{1f}{}", name.expose(), phone.expose()))
    }

    async fn write_volunteer(&self, call: &Call, new: &NewVolunteer, key: &RequestKey) -> Result<Model, Error> {
        let own = !call.scope().areas.contain(new.area);
        let account = own.then(|| call.subject().to_owned());
        let by = if own { By::Oneself } else { By::Office };
        let row = self.new_volunteer(new, (account, by), false)?;
        let (app, written, key, actor) = (self.clone(), row.clone(), key.clone(), call.subject().to_owned());
        self.db
            .write(move |tx| {
                let appended = app.append_volunteer(tx, &written, &actor);
                key.note(tx, written.id.0, written.created_at);
                Box::pin(async move { appended })
            })
            .await?;
        Ok(row)
    }

    /// A row as it is when somebody applies.
    pub(crate) fn new_volunteer(
        &self,
        new: &NewVolunteer,
        (account, by): (Option<String>, By),
        synthetic: bool,
    ) -> Result<Model, Error> {
        let NewVolunteer {
            area,
            name,
            phone,
            birth_date,
            resident_id,
            skills,
            languages,
            availability,
            service_areas,
            weekly_minutes,
            risks_told,
            request_id: _,
            content: _,
        } = new;
        let (id, now) = (self.ids.next::<VolunteerId>(), self.clock.now());
        let life = Life::new(by);
        Ok(Model {
            id,
            number: VolunteerNumber::of(id, *area, self.today()).to_string(),
            area_code: *area,
            state: Code(life.state),
            reason: None,
            resume_on: None,
            state_by: Code(by),
            name: name.expose().to_owned(),
            phone: self.seal(volunteer::PHONE.at(id.0), phone.expose())?,
            identity_index: self.identity(name, phone),
            birth_date: *birth_date,
            resident_id: *resident_id,
            account,
            skills: json::write(&tidy(skills))?,
            languages: json::write(&tidy(languages))?,
            availability: json::write(availability)?,
            service_areas: json::write_areas(service_areas)?,
            weekly_minutes: *weekly_minutes,
            risks_told: *risks_told,
            synthetic,
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }

    /// Writes a new row, its words, the first entry of its life and the event, all at the commit.
    pub(crate) fn append_volunteer(&self, tx: &Tx, row: &Model, actor: &str) -> Result<(), Error> {
        tx.append(row.clone().into_active_model());
        for word in volunteer::words(row)? {
            tx.append(word);
        }
        self.append_change(tx, row, row.life(), actor);
        self.outbox.add(tx, events::applied(&self.ids, row));
        Ok(())
    }

    /// One volunteer.
    pub async fn volunteer(&self, call: &Call, id: VolunteerId) -> Result<Shown, Error> {
        let row = volunteer::get(self.db.read(), call.scope(), id).await?;
        self.show_one(call, row).await
    }

    /// Volunteers of an area in the order in which they came, and the token of the next page.
    pub async fn volunteers(&self, call: &Call, of: VolunteersOf) -> Result<(Vec<Shown>, String), Error> {
        let (rows, next) = volunteer::list(self.db.read(), call.scope(), &of.wanted, &of.page).await?;
        Ok((self.show(call, rows, Shape::List).await?, next))
    }

    /// The caller's own record as a volunteer.
    pub(crate) async fn me(&self, db: &impl ConnectionTrait, call: &Call) -> Result<Model, Error> {
        volunteer::of_account(db, call.subject()).await?.ok_or(Error::NoVolunteer)
    }

    /// Changes what is said of a volunteer. The date of birth is the office's to change: ages close and open gates.
    pub async fn update_volunteer(
        &self,
        call: &Call,
        (id, etag): (VolunteerId, String),
        update: VolunteerUpdate,
    ) -> Result<Shown, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let row = self.db.write(move |tx| {
            let (app, call, etag, update) = (app.clone(), caller.clone(), etag.clone(), update.clone());
            Box::pin(async move {
                let mut row = volunteer::lock(tx, call.scope(), id).await?;
                check_etag(&etag, row.version)?;
                app.put_update(&call, &mut row, update).await?;
                row.version += 1;
                row.updated_at = app.clock.now();
                volunteer::save_words(tx, &row).await?;
                app.refresh(tx, row).await
            })
        });
        match row.await {
            Err(error) if error.is_duplicate() => Err(Error::VolunteerKnown),
            row => self.show_one(call, row?).await,
        }
    }

    async fn put_update(&self, call: &Call, row: &mut Model, update: VolunteerUpdate) -> Result<(), Error> {
        let VolunteerUpdate {
            area,
            name,
            phone,
            birth_date,
            resident_id,
            skills,
            languages,
            availability,
            service_areas,
            weekly_minutes,
            risks_told,
        } = update;
        let office = call.scope().areas.contain(row.area_code);
        if let Some(birth_date) = birth_date.filter(|day| *day != row.birth_date) {
            if !office {
                return Err(
                    Fault::field("volunteer.birth_date", "office", "is the office's to change: ask there").into()
                );
            }
            self.check_age(birth_date)?;
            row.birth_date = birth_date;
        }
        if let Some(area) = area {
            if !call.scope().admits_new(area) {
                return Err(Error::AreaNotGranted { field: "volunteer.area_code" });
            }
            row.area_code = area;
        }
        if name.is_some() || phone.is_some() {
            self.put_identity(row, name, phone).await?;
        }
        row.resident_id = resident_id.unwrap_or(row.resident_id);
        row.weekly_minutes = weekly_minutes.unwrap_or(row.weekly_minutes);
        row.risks_told = risks_told.unwrap_or(row.risks_told);
        if let Some(skills) = skills {
            row.skills = json::write(&tidy(&skills))?;
        }
        if let Some(languages) = languages {
            row.languages = json::write(&tidy(&languages))?;
        }
        if let Some(availability) = availability {
            row.availability = json::write(&availability)?;
        }
        if let Some(areas) = service_areas {
            row.service_areas = json::write_areas(&areas)?;
        }
        Ok(())
    }

    async fn put_identity(&self, row: &mut Model, name: Option<PersonName>, phone: Option<Phone>) -> Result<(), Error> {
        let damaged = |_| Fault::Internal(format!("volunteer {} has a damaged name or phone", row.id));
        let phone = if let Some(phone) = phone {
            phone
        } else {
            let kept = self.open(row.phone_place(), row.phone.as_ref()).await?;
            Phone::parse(kept.as_ref().map_or("", |text| text.expose())).map_err(damaged)?
        };
        let name = name.map_or_else(|| PersonName::parse(&row.name).map_err(damaged), Ok)?;
        row.phone = self.seal(row.phone_place(), phone.expose())?;
        row.identity_index = self.identity(&name, &phone);
        name.expose().clone_into(&mut row.name);
        Ok(())
    }

    pub(super) async fn show_one(&self, call: &Call, row: Model) -> Result<Shown, Error> {
        let mut shown = self.show(call, vec![row], Shape::One).await?;
        Ok(shown.remove(0))
    }

    /// Opens the records that may be shown, and notes the look at each of them. Without a purpose the answer is masked on its
    /// way out.
    async fn show(&self, call: &Call, rows: Vec<Model>, shape: Shape) -> Result<Vec<Shown>, Error> {
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let (minor, clear) = (is_minor(row.birth_date, self.today()), self.shows(call, &row, shape));
            let phone = if clear { self.open(row.phone_place(), row.phone.as_ref()).await? } else { None };
            let office = call.scope().areas.contain(row.area_code);
            shown.push(Shown { row, phone, minor, clear, office });
        }
        let looks = shown.iter().filter(|shown| shown.clear);
        let looks = looks.map(|shown| Look { subject: shown.row.id.0, fields: FIELDS }).collect();
        look(&self.db, &self.ids, &self.clock, call, looks).await?;
        Ok(shown)
    }

    /// Whether a record may leave in clear. Of somebody under 18 only managers see it, one at a time, and the volunteer
    /// (Regulations on the Protection of Minors in Cyberspace, Art. 36: the smallest circle, every look recorded).
    fn shows(&self, call: &Call, row: &Model, shape: Shape) -> bool {
        let own = row.account.as_deref() == Some(call.subject());
        let manages = [Role::CommunityManager, Role::SubdistrictManager]
            .into_iter()
            .any(|role| call.scope().acts_as(role, row.area_code));
        own || !is_minor(row.birth_date, self.today()) || (manages && shape == Shape::One)
    }
}

/// Each once, in one order.
fn tidy(codes: &[String]) -> Vec<String> {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    codes
}
