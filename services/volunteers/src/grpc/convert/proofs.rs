//! Qualifications, insurance and consents, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{AreaCode, Code, Page, SecretText},
};
use chrono::NaiveDate;
use linju_proto::volunteers::v1;
use uuid::Uuid;

use super::{area, codes, day, day_or_none, id, missing, request};
use crate::{
    Error,
    app::{NewConsent, NewInsurance, NewQualification, Request, ShownConsent, ShownInsurance, ShownQualification},
    domain::{
        VolunteerId,
        person::{NotAPerson, PersonName, Phone},
    },
    store::qualification::{self, consent as consents, insurance as covers},
};

/// Whose proof, and under which request.
type Of = (VolunteerId, Request);

/// A proof that staff have seen.
pub fn new_qualification(message: v1::RecordQualificationRequest) -> Result<(Of, NewQualification), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::RecordQualificationRequest { volunteer_id, qualification, request_id: _ } = message;
    let v1::Qualification { id: _, volunteer_id: _, kind, issued_on, expires_on, issuer, reference, state: _ } =
        qualification.ok_or_else(|| missing("qualification"))?;
    let new = NewQualification {
        kind: codes::some_qualification(kind)?,
        issued_on: day("qualification.issued_on", &issued_on)?,
        expires_on: day_or_none("qualification.expires_on", &expires_on)?,
        issuer,
        reference,
    };
    Ok(((id("volunteer_id", &volunteer_id)?, request), new))
}

/// A policy.
pub fn new_insurance(message: v1::RecordInsuranceRequest) -> Result<(Of, NewInsurance), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::RecordInsuranceRequest { volunteer_id, insurance, request_id: _ } = message;
    let v1::Insurance { id: _, volunteer_id: _, insurer, policy_number, covers_from, covers_until } =
        insurance.ok_or_else(|| missing("insurance"))?;
    let new = NewInsurance {
        insurer,
        policy_number,
        covers_from: day("insurance.covers_from", &covers_from)?,
        covers_until: day("insurance.covers_until", &covers_until)?,
    };
    Ok(((id("volunteer_id", &volunteer_id)?, request), new))
}

/// A guardian's yes.
pub fn new_consent(message: v1::RecordGuardianConsentRequest) -> Result<(Of, NewConsent), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::RecordGuardianConsentRequest { volunteer_id, consent, request_id: _ } = message;
    let v1::GuardianConsent {
        id: _,
        volunteer_id: _,
        guardian_name,
        guardian_phone,
        channel,
        text_version,
        given_on,
        expires_on,
        unaccompanied,
        withdrawn_at: _,
    } = consent.ok_or_else(|| missing("consent"))?;
    let wrong = |field| move |why: NotAPerson| Error::from(Fault::field(field, "person", why.to_string()));
    let new = NewConsent {
        guardian_name: PersonName::parse(&guardian_name).map_err(wrong("consent.guardian_name"))?,
        guardian_phone: Phone::parse(&guardian_phone).map_err(wrong("consent.guardian_phone"))?,
        channel: codes::some_channel(channel)?,
        text_version,
        given_on: day("consent.given_on", &given_on)?,
        expires_on: day_or_none("consent.expires_on", &expires_on)?,
        unaccompanied,
    };
    Ok(((id("volunteer_id", &volunteer_id)?, request), new))
}

/// What ends soon where.
type Expiring = ((AreaCode, Option<NaiveDate>), Page<(NaiveDate, Uuid)>);

/// Which qualifications a list of what ends soon is about.
pub fn expiring(message: v1::ListExpiringQualificationsRequest) -> Result<Expiring, Error> {
    let v1::ListExpiringQualificationsRequest { area_code, until, page_size, page_token } = message;
    let page = Page::read(&["expiring", &area_code, &until], page_size, &page_token)?;
    Ok(((area("area_code", &area_code)?, day_or_none("until", &until)?), page))
}

/// A qualification as the contract shows it.
pub fn qualification(shown: ShownQualification) -> v1::Qualification {
    let ShownQualification { row, reference } = shown;
    let qualification::Model {
        id,
        volunteer_id,
        area_code: _,
        kind: Code(kind),
        state: Code(state),
        issued_on,
        expires_on,
        issuer,
        reference: _,
        warned_at: _,
        revocation: _,
        recorded_by: _,
        recorded_at: _,
    } = row;
    v1::Qualification {
        id: id.to_string(),
        volunteer_id: volunteer_id.to_string(),
        kind: codes::qualification(kind).into(),
        issued_on: issued_on.to_string(),
        expires_on: expires_on.map(|day| day.to_string()).unwrap_or_default(),
        issuer,
        reference: text(reference),
        state: codes::qualification_state(state).into(),
    }
}

/// A page of them.
pub fn qualifications((shown, next_page_token): (Vec<ShownQualification>, String)) -> v1::ListQualificationsResponse {
    let qualifications = shown.into_iter().map(qualification).collect();
    v1::ListQualificationsResponse { qualifications, next_page_token }
}

/// Insurance as the contract shows it.
pub fn insurance(shown: ShownInsurance) -> v1::Insurance {
    let ShownInsurance { row, policy_number } = shown;
    let covers::Model {
        id,
        volunteer_id,
        insurer,
        policy_number: _,
        covers_from,
        covers_until,
        recorded_by: _,
        recorded_at: _,
    } = row;
    v1::Insurance {
        id: id.to_string(),
        volunteer_id: volunteer_id.to_string(),
        insurer,
        policy_number: text(policy_number),
        covers_from: covers_from.to_string(),
        covers_until: covers_until.to_string(),
    }
}

/// A consent as the contract shows it.
pub fn consent(shown: ShownConsent) -> v1::GuardianConsent {
    let ShownConsent { row, guardian } = shown;
    let consents::Model {
        id,
        volunteer_id,
        guardian_name: _,
        guardian_phone: _,
        channel: Code(channel),
        text_version,
        given_on,
        expires_on,
        unaccompanied,
        withdrawn_at,
        recorded_by: _,
        recorded_at: _,
    } = row;
    let (name, phone) = guardian.unzip();
    v1::GuardianConsent {
        id: id.to_string(),
        volunteer_id: volunteer_id.to_string(),
        guardian_name: text(name),
        guardian_phone: text(phone),
        channel: codes::channel(channel).into(),
        text_version,
        given_on: given_on.to_string(),
        expires_on: expires_on.to_string(),
        unaccompanied,
        withdrawn_at: withdrawn_at.map(codes::time),
    }
}

fn text(secret: Option<SecretText>) -> String {
    secret.map(|secret| secret.expose().to_owned()).unwrap_or_default()
}
