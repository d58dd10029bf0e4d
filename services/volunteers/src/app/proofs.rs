//! Qualifications, insurance and guardians' consents: recorded by staff who have seen the proof.

use chassis::{
    Fault,
    access::{Call, Look, Role, look},
    data::{AreaCode, Code, Page, RequestKey, SecretText, Tx},
};
use chrono::NaiveDate;
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        QualificationId, Refused, VolunteerId,
        age::is_minor,
        consent::{Channel, Consent},
        person::{PersonName, Phone},
        qualification::{Kind, Revocation, State, Term},
    },
    error::Error,
    events,
    store::{
        qualification::{self as proofs, consent, insurance},
        volunteer::{self, Model},
    },
};

/// Who asks for it again is answered the same.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

/// A proof that staff have seen.
#[derive(Clone, Debug)]
pub struct NewQualification {
    pub kind: Kind,
    pub issued_on: NaiveDate,
    pub expires_on: Option<NaiveDate>,
    pub issuer: String,
    pub reference: String,
}

/// A policy that covers a volunteer.
#[derive(Clone, Debug)]
pub struct NewInsurance {
    pub insurer: String,
    pub policy_number: String,
    pub covers_from: NaiveDate,
    pub covers_until: NaiveDate,
}

/// A guardian's yes.
#[derive(Clone, Debug)]
pub struct NewConsent {
    pub guardian_name: PersonName,
    pub guardian_phone: Phone,
    pub channel: Channel,
    pub text_version: String,
    pub given_on: NaiveDate,
    pub expires_on: Option<NaiveDate>,
    pub unaccompanied: bool,
}

/// A qualification with its number open, where it may be shown.
#[derive(Clone, Debug)]
pub struct ShownQualification {
    pub row: proofs::Model,
    pub reference: Option<SecretText>,
}

/// Insurance with its policy number open.
#[derive(Clone, Debug)]
pub struct ShownInsurance {
    pub row: insurance::Model,
    pub policy_number: Option<SecretText>,
}

/// A consent with the guardian open, where it may be shown.
#[derive(Clone, Debug)]
pub struct ShownConsent {
    pub row: consent::Model,
    pub guardian: Option<(SecretText, SecretText)>,
}

impl App {
    /// Records a qualification; one of the same kind that held before is renewed by it.
    pub async fn record_qualification(
        &self,
        call: &Call,
        (of, request): (VolunteerId, Request),
        new: NewQualification,
    ) -> Result<ShownQualification, Error> {
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, told) = (self.clone(), call.clone(), key.clone());
        let written = self.db.write(move |tx| {
            let (app, call, new, key) = (app.clone(), caller.clone(), new.clone(), told.clone());
            Box::pin(async move { app.write_qualification(tx, &call, (of, key), new).await })
        });
        let id = self.new_or_known(written.await, &key).await?;
        let row = proofs::get(self.db.read(), QualificationId(id)).await?;
        self.show_qualification(call, row).await
    }

    /// The id of what was written, or of what the same request wrote before.
    async fn new_or_known(&self, written: Result<Uuid, Error>, key: &RequestKey) -> Result<Uuid, Error> {
        match written {
            Err(error) if error.is_duplicate() => key.find(self.db.read()).await?.ok_or(error),
            written => written,
        }
    }

    async fn write_qualification(
        &self,
        tx: &Tx,
        call: &Call,
        (of, key): (VolunteerId, RequestKey),
        new: NewQualification,
    ) -> Result<Uuid, Error> {
        let mut volunteer = volunteer::lock(tx, call.scope(), of).await?;
        let NewQualification { kind, issued_on, expires_on, issuer, reference } = new;
        let term = Term::of(kind, issued_on, expires_on, self.today())?;
        let (id, now) = (self.ids.next::<QualificationId>(), self.clock.now());
        // A request that was answered before breaks its key here, before anything is renewed.
        key.note(tx, id.0, now);
        tx.flush().await?;
        for mut old in proofs::of(tx, of).await? {
            if old.kind.0 == kind && old.state.0 == State::Holds {
                old.state = Code(State::Renewed);
                proofs::save(tx, old).await?;
            }
        }
        let row = proofs::Model {
            id,
            volunteer_id: of,
            area_code: volunteer.area_code,
            kind: Code(kind),
            state: Code(State::Holds),
            issued_on: term.from,
            expires_on: term.until,
            issuer,
            reference: self.seal(proofs::REFERENCE.at(id.0), &reference)?,
            warned_at: None,
            revocation: None,
            recorded_by: call.subject().to_owned(),
            recorded_at: now,
        };
        tx.append(row.clone().into_active_model());
        volunteer.version += 1;
        self.outbox.add(tx, events::qualification_recorded(&self.ids, &volunteer, &row, now));
        self.refresh(tx, volunteer).await?;
        Ok(id.0)
    }

    /// Takes a qualification back.
    pub async fn revoke_qualification(
        &self,
        call: &Call,
        id: QualificationId,
        reason: Revocation,
    ) -> Result<ShownQualification, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let of = proofs::get(tx, id).await?.volunteer_id;
                let mut volunteer = hidden_as("qualification", volunteer::lock(tx, call.scope(), of).await)?;
                let mut row = proofs::lock(tx, id).await?;
                if row.state.0 != State::Holds {
                    return Err(Refused::HoldsNoLonger.into());
                }
                row.state = Code(State::Revoked);
                row.revocation = Some(Code(reason));
                proofs::save(tx, row.clone()).await?;
                volunteer.version += 1;
                app.outbox.add(tx, events::qualification_ended(&app.ids, &volunteer, &row, app.clock.now()));
                app.refresh(tx, volunteer).await?;
                Ok::<_, Error>(row)
            })
        });
        self.show_qualification(call, written.await?).await
    }

    /// The qualifications of a volunteer, the latest first.
    pub async fn qualifications(&self, call: &Call, of: VolunteerId) -> Result<Vec<ShownQualification>, Error> {
        let volunteer = volunteer::get(self.db.read(), call.scope(), of).await?;
        let mut shown = Vec::new();
        for row in proofs::of(self.db.read(), of).await? {
            shown.push(self.open_qualification(row).await?);
        }
        self.look_at(call, &volunteer, "qualifications.reference").await?;
        Ok(shown)
    }

    /// Qualifications of an area that end by a day, the soonest first. It shows no personal data.
    pub async fn expiring_qualifications(
        &self,
        call: &Call,
        (area, until): (AreaCode, Option<NaiveDate>),
        page: &Page<(NaiveDate, Uuid)>,
    ) -> Result<(Vec<ShownQualification>, String), Error> {
        let until = until.unwrap_or_else(|| self.today() + crate::domain::qualification::WARNING);
        let (rows, next) = proofs::ending(self.db.read(), call.scope(), (area, until), page).await?;
        Ok((rows.into_iter().map(|row| ShownQualification { row, reference: None }).collect(), next))
    }

    async fn show_qualification(&self, call: &Call, row: proofs::Model) -> Result<ShownQualification, Error> {
        let volunteer = volunteer::get(self.db.read(), call.scope(), row.volunteer_id).await?;
        let shown = self.open_qualification(row).await?;
        self.look_at(call, &volunteer, "qualifications.reference").await?;
        Ok(shown)
    }

    async fn open_qualification(&self, row: proofs::Model) -> Result<ShownQualification, Error> {
        let reference = self.open(proofs::REFERENCE.at(row.id.0), row.reference.as_ref()).await?;
        Ok(ShownQualification { row, reference })
    }

    async fn look_at(&self, call: &Call, volunteer: &Model, fields: &'static str) -> Result<(), Error> {
        let looks = vec![Look { subject: volunteer.id.0, fields }];
        Ok(look(&self.db, &self.ids, &self.clock, call, looks).await?)
    }

    /// Records insurance.
    pub async fn record_insurance(
        &self,
        call: &Call,
        (of, request): (VolunteerId, Request),
        new: NewInsurance,
    ) -> Result<ShownInsurance, Error> {
        if new.covers_until < new.covers_from {
            return Err(Refused::field("insurance.covers_until", "lies before `covers_from`: check both").into());
        }
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, told) = (self.clone(), call.clone(), key.clone());
        let written = self.db.write(move |tx| {
            let (app, call, new, key) = (app.clone(), caller.clone(), new.clone(), told.clone());
            Box::pin(async move {
                let mut volunteer = volunteer::lock(tx, call.scope(), of).await?;
                let (id, now) = (app.ids.next::<Uuid>(), app.clock.now());
                let NewInsurance { insurer, policy_number, covers_from, covers_until } = new;
                let row = insurance::Model {
                    id,
                    volunteer_id: of,
                    insurer,
                    policy_number: app.seal(insurance::POLICY_NUMBER.at(id), &policy_number)?,
                    covers_from,
                    covers_until,
                    recorded_by: call.subject().to_owned(),
                    recorded_at: now,
                };
                tx.append(row.into_active_model());
                key.note(tx, id, now);
                volunteer.version += 1;
                app.refresh(tx, volunteer).await?;
                Ok::<_, Error>(id)
            })
        });
        let id = self.new_or_known(written.await, &key).await?;
        let all = self.insurance(call, of).await?;
        all.into_iter().find(|shown| shown.row.id == id).ok_or_else(|| Fault::NotFound("insurance").into())
    }

    /// The insurance of a volunteer, the latest first.
    pub async fn insurance(&self, call: &Call, of: VolunteerId) -> Result<Vec<ShownInsurance>, Error> {
        let volunteer = volunteer::get(self.db.read(), call.scope(), of).await?;
        let mut shown = Vec::new();
        for row in proofs::insurance_of(self.db.read(), of).await? {
            let policy_number = self.open(insurance::POLICY_NUMBER.at(row.id), row.policy_number.as_ref()).await?;
            shown.push(ShownInsurance { row, policy_number });
        }
        self.look_at(call, &volunteer, "insurance.policy_number").await?;
        Ok(shown)
    }

    /// Records a guardian's consent; it replaces the one before.
    pub async fn record_consent(
        &self,
        call: &Call,
        (of, request): (VolunteerId, Request),
        new: NewConsent,
    ) -> Result<ShownConsent, Error> {
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, told) = (self.clone(), call.clone(), key.clone());
        let written = self.db.write(move |tx| {
            let (app, call, new, key) = (app.clone(), caller.clone(), new.clone(), told.clone());
            Box::pin(async move { app.write_consent(tx, &call, (of, key), new).await })
        });
        let id = self.new_or_known(written.await, &key).await?;
        self.consent_shown(call, id).await
    }

    async fn write_consent(
        &self,
        tx: &Tx,
        call: &Call,
        (of, key): (VolunteerId, RequestKey),
        new: NewConsent,
    ) -> Result<Uuid, Error> {
        let mut volunteer = volunteer::lock(tx, call.scope(), of).await?;
        let NewConsent { guardian_name, guardian_phone, channel, text_version, given_on, expires_on, unaccompanied } =
            new;
        let consent = Consent::new(volunteer.birth_date, given_on, expires_on, unaccompanied, self.today())?;
        let (id, now) = (self.ids.next::<Uuid>(), self.clock.now());
        let row = consent::Model {
            id,
            volunteer_id: of,
            guardian_name: self.keys.seal(consent::GUARDIAN_NAME.at(id), guardian_name.expose())?,
            guardian_phone: self.keys.seal(consent::GUARDIAN_PHONE.at(id), guardian_phone.expose())?,
            channel: Code(channel),
            text_version,
            given_on: consent.given_on,
            expires_on: consent.expires_on,
            unaccompanied: consent.unaccompanied,
            withdrawn_at: None,
            recorded_by: call.subject().to_owned(),
            recorded_at: now,
        };
        tx.append(row.into_active_model());
        key.note(tx, id, now);
        volunteer.version += 1;
        self.refresh(tx, volunteer).await?;
        Ok(id)
    }

    /// Withdraws a consent, at once.
    pub async fn withdraw_consent(&self, call: &Call, id: Uuid) -> Result<ShownConsent, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let of = proofs::consent(tx, id).await?.volunteer_id;
                let mut volunteer = hidden_as("guardian's consent", volunteer::lock(tx, call.scope(), of).await)?;
                proofs::withdraw(tx, id, app.clock.now()).await?;
                volunteer.version += 1;
                app.refresh(tx, volunteer).await.map(|_| ())
            })
        });
        written.await?;
        self.consent_shown(call, id).await
    }

    async fn consent_shown(&self, call: &Call, id: Uuid) -> Result<ShownConsent, Error> {
        let of = proofs::consent(self.db.read(), id).await?.volunteer_id;
        let all = self.consents(call, of).await?;
        all.into_iter().find(|shown| shown.row.id == id).ok_or_else(|| Fault::NotFound("guardian's consent").into())
    }

    /// The consents for a volunteer, the latest first. Guardians are shown to managers and to the volunteer.
    pub async fn consents(&self, call: &Call, of: VolunteerId) -> Result<Vec<ShownConsent>, Error> {
        let volunteer = volunteer::get(self.db.read(), call.scope(), of).await?;
        let clear = self.shows_guardians(call, &volunteer);
        let mut shown = Vec::new();
        for row in proofs::consents_of(self.db.read(), of).await? {
            let guardian = if clear { Some(self.open_guardian(&row).await?) } else { None };
            shown.push(ShownConsent { row, guardian });
        }
        if clear {
            self.look_at(call, &volunteer, "consents.guardian_name,consents.guardian_phone").await?;
        }
        Ok(shown)
    }

    fn shows_guardians(&self, call: &Call, volunteer: &Model) -> bool {
        let own = volunteer.account.as_deref() == Some(call.subject());
        let manages = [Role::CommunityManager, Role::SubdistrictManager]
            .into_iter()
            .any(|role| call.scope().acts_as(role, volunteer.area_code));
        own || manages || !is_minor(volunteer.birth_date, self.today())
    }

    async fn open_guardian(&self, row: &consent::Model) -> Result<(SecretText, SecretText), Error> {
        let name = self.keys.open_fresh(consent::GUARDIAN_NAME.at(row.id), &row.guardian_name).await?;
        let phone = self.keys.open_fresh(consent::GUARDIAN_PHONE.at(row.id), &row.guardian_phone).await?;
        Ok((name, phone))
    }
}

/// Somebody else's record is not there: what belongs to it is not, either.
fn hidden_as(what: &'static str, found: Result<Model, Fault>) -> Result<Model, Error> {
    match found {
        Err(Fault::NotFound(_)) => Err(Fault::NotFound(what).into()),
        found => Ok(found?),
    }
}
