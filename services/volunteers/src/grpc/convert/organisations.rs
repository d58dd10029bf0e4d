//! Organisations, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Code, Page, SecretText, etag},
};
use linju_proto::volunteers::v1;

use super::{area, codes, id, masked, missing, request};
use crate::{
    Error,
    app::{
        Request,
        organisations::{NewOrganisation, OrganisationUpdate, OrganisationsOf, ShownOrganisation, ShownStep},
    },
    domain::{
        organisation::{Kind, OrganisationId, Origin, Stage},
        person::{NotAPerson, PersonName, Phone},
    },
    store::organisation::{Model, Wanted, step},
};

const NAME: &str = "name";
const KIND: &str = "kind";
const ORIGIN: &str = "origin";
const USCC: &str = "uscc";
const AREA: &str = "area_code";
const SERVICES: &str = "services";
const CONTACT_NAME: &str = "contact_name";
const CONTACT_PHONE: &str = "contact_phone";

fn name(text: String) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Fault::field("organisation.name", "blank", "is blank: give the organisation a name").into());
    }
    Ok(text)
}

fn contact_name(text: &str) -> Result<Option<PersonName>, Error> {
    contact("organisation.contact_name", text, PersonName::parse)
}

fn contact_phone(text: &str) -> Result<Option<Phone>, Error> {
    contact("organisation.contact_phone", text, Phone::parse)
}

fn contact<T>(
    field: &'static str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, NotAPerson>,
) -> Result<Option<T>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).map_err(|e| Fault::field(field, "contact", e.to_string()).into())
}

/// An organisation that is entered.
pub fn new(message: v1::CreateOrganisationRequest) -> Result<(Request, NewOrganisation), Error> {
    let request = request(&message.request_id, &message)?;
    let said = message.organisation.ok_or_else(|| missing("organisation"))?;
    let new = NewOrganisation {
        name: name(said.name)?,
        kind: some_kind(said.kind)?,
        origin: some_origin("organisation.origin", said.origin)?,
        uscc: said.uscc,
        area: area("organisation.area_code", &said.area_code)?,
        services: said.services,
        contact_name: contact_name(&said.contact_name)?,
        contact_phone: contact_phone(&said.contact_phone)?,
    };
    Ok((request, new))
}

/// Which organisation, and what is changed of it.
pub fn update(message: v1::UpdateOrganisationRequest) -> Result<((OrganisationId, String), OrganisationUpdate), Error> {
    let v1::UpdateOrganisationRequest { organisation, update_mask } = message;
    let said = organisation.ok_or_else(|| missing("organisation"))?;
    let fields = [
        (NAME, !said.name.is_empty()),
        (KIND, said.kind != 0),
        (ORIGIN, said.origin != 0),
        (USCC, !said.uscc.is_empty()),
        (AREA, !said.area_code.is_empty()),
        (SERVICES, !said.services.is_empty()),
        (CONTACT_NAME, !said.contact_name.is_empty()),
        (CONTACT_PHONE, !said.contact_phone.is_empty()),
    ];
    let mut update = OrganisationUpdate::default();
    for field in masked(update_mask, &fields)? {
        match field {
            NAME => update.name = Some(name(said.name.clone())?),
            KIND => update.kind = Some(some_kind(said.kind)?),
            ORIGIN => update.origin = Some(some_origin("organisation.origin", said.origin)?),
            USCC => update.uscc = Some(said.uscc.clone()),
            AREA => update.area = Some(area("organisation.area_code", &said.area_code)?),
            SERVICES => update.services = Some(said.services.clone()),
            CONTACT_NAME => update.contact_name = Some(contact_name(&said.contact_name)?),
            _ => update.contact_phone = Some(contact_phone(&said.contact_phone)?),
        }
    }
    Ok(((id("organisation.id", &said.id)?, said.etag), update))
}

/// Which organisations a list is about.
pub fn organisations_of(message: v1::ListOrganisationsRequest) -> Result<OrganisationsOf, Error> {
    let v1::ListOrganisationsRequest { area_code, stages, origin, page_size, page_token } = message;
    let stages = stages.into_iter().map(|stage| some_stage("stages", stage)).collect::<Result<Vec<_>, _>>()?;
    let origin = if origin == 0 { None } else { Some(some_origin("origin", origin)?) };
    let mut query = vec!["organisations", area_code.as_str(), origin.map_or("", Origin::code)];
    query.extend(stages.iter().map(|stage| stage.code()));
    let page = Page::read(&query, page_size, &page_token)?;
    Ok(OrganisationsOf { wanted: Wanted { area: area("area_code", &area_code)?, stages, origin }, page })
}

fn text(secret: Option<SecretText>) -> String {
    secret.map(|secret| secret.expose().to_owned()).unwrap_or_default()
}

/// An organisation as the contract shows it.
pub fn organisation(shown: ShownOrganisation) -> v1::Organisation {
    let ShownOrganisation { row, contact_name, contact_phone } = shown;
    let Model {
        id,
        name,
        kind: Code(kind),
        origin: Code(origin),
        uscc,
        area_code,
        services,
        contact_name: _,
        contact_phone: _,
        stage: Code(standing),
        stage_since,
        updated_at: _,
        version,
    } = row;
    v1::Organisation {
        id: id.to_string(),
        name,
        kind: shown_kind(kind).into(),
        origin: shown_origin(origin).into(),
        uscc: uscc.unwrap_or_default(),
        area_code: area_code.to_string(),
        services,
        contact_name: text(contact_name),
        contact_phone: text(contact_phone),
        stage: stage(standing).into(),
        stage_since: Some(codes::time(stage_since)),
        etag: etag(version),
    }
}

/// A step as the contract shows it.
pub fn step(shown: ShownStep) -> v1::OrganisationStep {
    let ShownStep { row, reason } = shown;
    let step::Model { id: _, organisation_id: _, at, from_stage, stage: Code(to), by } = row;
    v1::OrganisationStep {
        at: Some(codes::time(at)),
        from_stage: from_stage.map_or(v1::OrganisationStage::Unspecified, |Code(from)| stage(from)).into(),
        stage: stage(to).into(),
        reason: text(reason),
        by,
    }
}

fn some_kind(number: i32) -> Result<Kind, Error> {
    match v1::OrganisationKind::try_from(number) {
        Ok(v1::OrganisationKind::SocialAssociation) => Ok(Kind::SocialAssociation),
        Ok(v1::OrganisationKind::SocialService) => Ok(Kind::SocialService),
        Ok(v1::OrganisationKind::Foundation) => Ok(Kind::Foundation),
        Ok(v1::OrganisationKind::Enterprise) => Ok(Kind::Enterprise),
        Ok(v1::OrganisationKind::PublicInstitution) => Ok(Kind::PublicInstitution),
        Ok(v1::OrganisationKind::StateOrgan) => Ok(Kind::StateOrgan),
        Ok(v1::OrganisationKind::Unregistered) => Ok(Kind::Unregistered),
        Ok(v1::OrganisationKind::Unspecified) | Err(_) => Err(missing("organisation.kind")),
    }
}

fn shown_kind(kind: Kind) -> v1::OrganisationKind {
    match kind {
        Kind::SocialAssociation => v1::OrganisationKind::SocialAssociation,
        Kind::SocialService => v1::OrganisationKind::SocialService,
        Kind::Foundation => v1::OrganisationKind::Foundation,
        Kind::Enterprise => v1::OrganisationKind::Enterprise,
        Kind::PublicInstitution => v1::OrganisationKind::PublicInstitution,
        Kind::StateOrgan => v1::OrganisationKind::StateOrgan,
        Kind::Unregistered => v1::OrganisationKind::Unregistered,
    }
}

fn some_origin(field: &'static str, number: i32) -> Result<Origin, Error> {
    match v1::OrganisationOrigin::try_from(number) {
        Ok(v1::OrganisationOrigin::BroughtIn) => Ok(Origin::BroughtIn),
        Ok(v1::OrganisationOrigin::Grown) => Ok(Origin::Grown),
        Ok(v1::OrganisationOrigin::Linked) => Ok(Origin::Linked),
        Ok(v1::OrganisationOrigin::Unspecified) | Err(_) => Err(missing(field)),
    }
}

/// How an organisation came, as the contract shows it.
pub fn shown_origin(origin: Origin) -> v1::OrganisationOrigin {
    match origin {
        Origin::BroughtIn => v1::OrganisationOrigin::BroughtIn,
        Origin::Grown => v1::OrganisationOrigin::Grown,
        Origin::Linked => v1::OrganisationOrigin::Linked,
    }
}

/// Reads a stage.
pub fn some_stage(field: &'static str, number: i32) -> Result<Stage, Error> {
    match v1::OrganisationStage::try_from(number) {
        Ok(v1::OrganisationStage::Introduced) => Ok(Stage::Introduced),
        Ok(v1::OrganisationStage::Assessed) => Ok(Stage::Assessed),
        Ok(v1::OrganisationStage::Incubated) => Ok(Stage::Incubated),
        Ok(v1::OrganisationStage::Settled) => Ok(Stage::Settled),
        Ok(v1::OrganisationStage::Graduated) => Ok(Stage::Graduated),
        Ok(v1::OrganisationStage::Left) => Ok(Stage::Left),
        Ok(v1::OrganisationStage::Unspecified) | Err(_) => Err(missing(field)),
    }
}

/// A stage as the contract shows it.
pub fn stage(stage: Stage) -> v1::OrganisationStage {
    match stage {
        Stage::Introduced => v1::OrganisationStage::Introduced,
        Stage::Assessed => v1::OrganisationStage::Assessed,
        Stage::Incubated => v1::OrganisationStage::Incubated,
        Stage::Settled => v1::OrganisationStage::Settled,
        Stage::Graduated => v1::OrganisationStage::Graduated,
        Stage::Left => v1::OrganisationStage::Left,
    }
}
