//! The catalogue, in the contract's words and in ours.

use chassis::{Fault, data::etag};
use linju_proto::volunteers::v1;

use super::{area, codes, id_or_none, missing, people};
use crate::{
    Error,
    app::{ItemsOf, Said, ShownItem},
    domain::catalogue::{Details, Document, Form, Item, Promise, Status},
};

/// What the office says of an item, and the etag of what it read.
pub fn said(item: Option<v1::ServiceItem>) -> Result<(Said, String), Error> {
    let v1::ServiceItem {
        code,
        zh,
        en,
        about_zh,
        about_en,
        eligibility_zh,
        eligibility_en,
        minimum_age,
        maximum_age,
        documents,
        promise,
        form,
        team_kinds,
        organisation_id,
        needs,
        skills,
        money,
        prescriptions,
        fees_zh,
        fees_en,
        status: _,
        alert: _,
        owner,
        assured_on: _,
        stale: _,
        etag,
        area_code,
    } = item.ok_or_else(|| missing("item"))?;
    let documents = documents.into_iter().map(|v1::RequiredDocument { zh, en }| Document { zh, en }).collect();
    let details = Details {
        form: some_form("item.form", form)?,
        zh,
        en,
        about_zh,
        about_en,
        eligibility_zh,
        eligibility_en,
        minimum_age: some_age(minimum_age),
        maximum_age: some_age(maximum_age),
        documents,
        promise: some_promise(&promise)?,
        team_kinds: team_kinds.into_iter().map(codes::some_team_kind).collect::<Result<_, _>>()?,
        organisation_id: id_or_none("item.organisation_id", &organisation_id)?,
        needs: people::needs(needs)?,
        skills,
        money,
        prescriptions,
        fees_zh,
        fees_en,
    };
    Ok((Said { code, area: area("item.area_code", &area_code)?, details, owner }, etag))
}

fn some_age(years: i32) -> Option<i32> {
    (years > 0).then_some(years)
}

fn some_promise(text: &str) -> Result<Option<Promise>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|e| Fault::field("item.promise", "promise", format!("{e}")).into())
}

/// Which items a list is about.
pub fn items_of(message: v1::ListServiceItemsRequest) -> Result<ItemsOf, Error> {
    let v1::ListServiceItemsRequest { form, include_ended, stale_only } = message;
    let form = if form == 0 { None } else { Some(some_form("form", form)?) };
    Ok(ItemsOf { form, ended: include_ended, stale_only })
}

fn some_form(field: &'static str, number: i32) -> Result<Form, Error> {
    match v1::ServiceForm::try_from(number) {
        Ok(v1::ServiceForm::Errand) => Ok(Form::Errand),
        Ok(v1::ServiceForm::Visit) => Ok(Form::Visit),
        Ok(v1::ServiceForm::Activity) => Ok(Form::Activity),
        Ok(v1::ServiceForm::OnSite) => Ok(Form::OnSite),
        Ok(v1::ServiceForm::Unspecified) | Err(_) => Err(missing(field)),
    }
}

fn form(form: Form) -> v1::ServiceForm {
    match form {
        Form::Errand => v1::ServiceForm::Errand,
        Form::Visit => v1::ServiceForm::Visit,
        Form::Activity => v1::ServiceForm::Activity,
        Form::OnSite => v1::ServiceForm::OnSite,
    }
}

/// Reads a status.
pub fn some_status(number: i32) -> Result<Status, Error> {
    match v1::ServiceStatus::try_from(number) {
        Ok(v1::ServiceStatus::Active) => Ok(Status::Active),
        Ok(v1::ServiceStatus::Inactive) => Ok(Status::Inactive),
        Ok(v1::ServiceStatus::Defunct) => Ok(Status::Defunct),
        Ok(v1::ServiceStatus::TemporarilyClosed) => Ok(Status::TemporarilyClosed),
        Ok(v1::ServiceStatus::Unspecified) | Err(_) => Err(missing("status")),
    }
}

fn status(status: Status) -> v1::ServiceStatus {
    match status {
        Status::Active => v1::ServiceStatus::Active,
        Status::Inactive => v1::ServiceStatus::Inactive,
        Status::Defunct => v1::ServiceStatus::Defunct,
        Status::TemporarilyClosed => v1::ServiceStatus::TemporarilyClosed,
    }
}

/// An item as the contract shows it.
pub fn item(shown: ShownItem) -> v1::ServiceItem {
    let ShownItem { item, version, stale, of_office } = shown;
    let Item { id: _, code, area, details, status: standing, alert, owner, assured_on, updated_at: _ } = item;
    let Details {
        form: asked,
        zh,
        en,
        about_zh,
        about_en,
        eligibility_zh,
        eligibility_en,
        minimum_age,
        maximum_age,
        documents,
        promise,
        team_kinds,
        organisation_id,
        needs,
        skills,
        money,
        prescriptions,
        fees_zh,
        fees_en,
    } = details;
    v1::ServiceItem {
        code,
        zh,
        en,
        about_zh,
        about_en,
        eligibility_zh,
        eligibility_en,
        minimum_age: minimum_age.unwrap_or(0),
        maximum_age: maximum_age.unwrap_or(0),
        documents: documents.into_iter().map(|Document { zh, en }| v1::RequiredDocument { zh, en }).collect(),
        promise: promise.map(|promise| promise.to_string()).unwrap_or_default(),
        form: form(asked).into(),
        team_kinds: team_kinds.into_iter().map(|kind| codes::team_kind(kind).into()).collect(),
        organisation_id: organisation_id.map(|id| id.to_string()).unwrap_or_default(),
        needs: Some(people::shown_needs(needs)),
        skills,
        money,
        prescriptions,
        fees_zh,
        fees_en,
        status: status(standing).into(),
        alert,
        owner: if of_office { owner } else { String::new() },
        assured_on: assured_on.to_string(),
        stale,
        etag: etag(version),
        area_code: area.to_string(),
    }
}
