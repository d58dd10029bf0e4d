//! From requests to commands. The codec has checked what the contract says; here is checked what it cannot say.

use chassis::{
    access::Call,
    data::{AreaCode, Keyring, Page, RequestKey},
};
use chrono::NaiveDate;
use linju_proto::residents::v1::{
    CareTagKind, ClearCareTagRequest, CreateHouseholdRequest, CreateResidentRequest, DrawCareListRequest,
    EndResidenceRequest, ListAreasRequest, ListResidentsRequest, MergeResidentsRequest, MoveResidentRequest, Relation,
    Resident, ResidentState, SearchResidentsRequest, SetCareTagRequest, UnmergeResidentRequest, UpdateResidentRequest,
};
use prost::Message;
use uuid::Uuid;

use super::convert::{care_tag, relation};
use crate::{
    Error,
    app::{
        Address, CareListOf, ClearCareTag, CreateHousehold, CreateResident, End, EndResidence, ListResidents,
        MergeResidents, MoveResident, SearchResidents, SetCareTag, UnmergeResident, UpdateResident,
    },
    domain::{
        care::CareTag,
        facts::Source,
        name::PersonName,
        national_id::NationalId,
        person::Sex,
        phone::Phone,
        search::SearchTerm,
        text::{half_width, is_forbidden},
    },
    grpc::convert,
};

mod update;

/// Names the request of a call. The content is kept as a keyed hash.
pub(super) fn request_key(
    keys: &Keyring,
    call: &Call,
    request_id: &str,
    content: &impl Message,
) -> Result<RequestKey, Error> {
    let content = keys.index("requests.content", content.encode_to_vec());
    let request_id: Uuid = id_of("request_id", request_id)?;
    Ok(RequestKey { caller: call.subject().to_owned(), method: call.method(), request_id, content })
}

pub(super) fn id_of<T: From<Uuid>>(field: &'static str, text: &str) -> Result<T, Error> {
    text.parse::<Uuid>().map(T::from).map_err(|_| Error::field(field, "string.uuid", "must be a UUID"))
}

pub(super) fn area_of(field: &'static str, text: &str) -> Result<AreaCode, Error> {
    text.parse().map_err(|e: chassis::data::NotAnArea| Error::field(field, "area.code", format!("is none: {e}")))
}

fn date_of(field: &'static str, text: &str) -> Result<NaiveDate, Error> {
    let form = "is no day of the calendar: write it as 1990-02-03";
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| Error::field(field, "date.exists", form))
}

fn optional_date(field: &'static str, text: &str) -> Result<Option<NaiveDate>, Error> {
    if text.is_empty() { Ok(None) } else { date_of(field, text).map(Some) }
}

fn wrong(field: &'static str, rule: &'static str) -> impl Fn(String) -> Error {
    move |reason| Error::field(field, rule, format!("is refused: {reason}"))
}

fn name_of(text: &str) -> Result<PersonName, Error> {
    PersonName::parse(text).map_err(|e| wrong("resident.name", "name")(e.to_string()))
}

fn national_id_of(text: &str) -> Result<Option<NationalId>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    NationalId::parse(text).map(Some).map_err(|e| wrong("resident.national_id", "national_id")(e.to_string()))
}

fn phone_of(text: &str) -> Result<Option<Phone>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    Phone::parse(text).map(Some).map_err(|e| wrong("resident.phone", "phone")(e.to_string()))
}

fn relation_of(number: i32) -> crate::domain::person::Relation {
    relation(Relation::try_from(number).unwrap_or_default())
}

/// Free text of a place: no control characters, and one form whatever the width.
fn text_of(field: &'static str, text: &str) -> Result<String, Error> {
    if text.chars().any(is_forbidden) {
        return Err(Error::field(field, "string.printable", "holds control characters: type it again"));
    }
    Ok(half_width(text).trim().to_owned())
}

pub(super) fn areas_page(request: &ListAreasRequest) -> Result<(Option<AreaCode>, Page<i64>), Error> {
    let ListAreasRequest { parent_code, page_size, page_token } = request;
    let parent = if parent_code.is_empty() { None } else { Some(area_of("parent_code", parent_code)?) };
    Ok((parent, Page::read(&["areas", parent_code], *page_size, page_token)?))
}

impl TryFrom<CreateResidentRequest> for CreateResident {
    type Error = Error;

    fn try_from(request: CreateResidentRequest) -> Result<Self, Error> {
        let CreateResidentRequest { resident, household_id, request_id: _, observed_on } = request;
        let resident = resident.unwrap_or_default();
        let national_id = national_id_of(&resident.national_id)?;
        let stated = optional_date("resident.birth_date", &resident.birth_date)?;
        let birth_date = stated.or(national_id.as_ref().map(NationalId::birth_date));
        let sex = convert::sex(resident.sex()).or(national_id.as_ref().map(NationalId::sex));
        let missing = |field| Error::field(field, "required", "is missing: set it, or the ID number that states it");
        let (sex, birth_date): (Sex, NaiveDate) =
            (sex.ok_or_else(|| missing("resident.sex"))?, birth_date.ok_or_else(|| missing("resident.birth_date"))?);
        crate::app::agree(national_id.as_ref(), sex, birth_date)?;
        Ok(Self {
            household: id_of("household_id", &household_id)?,
            relation: relation_of(resident.relation),
            name: name_of(&resident.name)?,
            sex,
            birth_date,
            national_id,
            phone: phone_of(&resident.phone)?,
            registration: convert::registration(resident.registration()),
            living: convert::living(resident.living()),
            observed_on: optional_date("observed_on", &observed_on)?,
        })
    }
}

impl TryFrom<ListResidentsRequest> for ListResidents {
    type Error = Error;

    fn try_from(request: ListResidentsRequest) -> Result<Self, Error> {
        let tag = care_tag(request.care_tag());
        let ListResidentsRequest { area_code, page_size, page_token, care_tag: _ } = request;
        let query = ["residents", &area_code, tag.map_or("", CareTag::as_str)];
        let page = Page::read(&query, page_size, &page_token)?;
        Ok(Self { area: area_of("area_code", &area_code)?, tag, page })
    }
}

impl TryFrom<SearchResidentsRequest> for SearchResidents {
    type Error = Error;

    fn try_from(request: SearchResidentsRequest) -> Result<Self, Error> {
        let SearchResidentsRequest { area_code, query, page_size, page_token } = request;
        let term = SearchTerm::parse(&query).map_err(|e| wrong("query", "search_term")(e.to_string()))?;
        let page = Page::read(&["search", &area_code, &query], page_size, &page_token)?;
        Ok(Self { area: area_of("area_code", &area_code)?, term, page })
    }
}

impl TryFrom<MoveResidentRequest> for MoveResident {
    type Error = Error;

    fn try_from(request: MoveResidentRequest) -> Result<Self, Error> {
        let MoveResidentRequest { id, household_id, relation, moved_on, etag } = request;
        Ok(Self {
            id: id_of("id", &id)?,
            household: id_of("household_id", &household_id)?,
            relation: relation_of(relation),
            moved_on: date_of("moved_on", &moved_on)?,
            etag,
        })
    }
}

impl TryFrom<EndResidenceRequest> for EndResidence {
    type Error = Error;

    fn try_from(request: EndResidenceRequest) -> Result<Self, Error> {
        let end = match request.state() {
            ResidentState::Left => End::Left,
            ResidentState::Died => End::Died,
            ResidentState::Unspecified | ResidentState::Living | ResidentState::Merged => {
                return Err(Error::field("state", "enum.in", "must be LEFT or DIED"));
            }
        };
        let EndResidenceRequest { id, state: _, ended_on, etag } = request;
        Ok(Self { id: id_of("id", &id)?, end, ended_on: date_of("ended_on", &ended_on)?, etag })
    }
}

impl TryFrom<MergeResidentsRequest> for MergeResidents {
    type Error = Error;

    fn try_from(request: MergeResidentsRequest) -> Result<Self, Error> {
        let MergeResidentsRequest { leading_id, merged_id, reason } = request;
        Ok(Self { leading: id_of("leading_id", &leading_id)?, merged: id_of("merged_id", &merged_id)?, reason })
    }
}

impl TryFrom<UnmergeResidentRequest> for UnmergeResident {
    type Error = Error;

    fn try_from(request: UnmergeResidentRequest) -> Result<Self, Error> {
        let UnmergeResidentRequest { id, reason } = request;
        Ok(Self { id: id_of("id", &id)?, reason })
    }
}

impl TryFrom<SetCareTagRequest> for SetCareTag {
    type Error = Error;

    fn try_from(request: SetCareTagRequest) -> Result<Self, Error> {
        let SetCareTagRequest { id, tag } = request;
        let tag = tag.unwrap_or_default();
        Ok(Self {
            id: id_of("id", &id)?,
            kind: kind_of("tag.kind", tag.kind())?,
            source: Source::parse(&tag.source).map_err(|e| wrong("tag.source", "string.in")(e.to_string()))?,
            observed_on: date_of("tag.observed_on", &tag.observed_on)?,
            expires_on: optional_date("tag.expires_on", &tag.expires_on)?,
        })
    }
}

impl TryFrom<ClearCareTagRequest> for ClearCareTag {
    type Error = Error;

    fn try_from(request: ClearCareTagRequest) -> Result<Self, Error> {
        Ok(Self { id: id_of("id", &request.id)?, kind: kind_of("kind", request.kind())? })
    }
}

fn kind_of(field: &'static str, kind: CareTagKind) -> Result<CareTag, Error> {
    care_tag(kind).ok_or_else(|| Error::field(field, "enum.not_in", "is missing: set it"))
}

impl TryFrom<CreateHouseholdRequest> for CreateHousehold {
    type Error = Error;

    fn try_from(request: CreateHouseholdRequest) -> Result<Self, Error> {
        let CreateHouseholdRequest { dwelling, number, request_id: _ } = request;
        let dwelling = dwelling.unwrap_or_default();
        let building = text_of("dwelling.building", &dwelling.building)?;
        if building.is_empty() {
            return Err(Error::field("dwelling.building", "string.min_len", "is blank: name the building"));
        }
        Ok(Self {
            address: Address {
                area: area_of("dwelling.area_code", &dwelling.area_code)?,
                compound: text_of("dwelling.compound", &dwelling.compound)?,
                building,
                unit: text_of("dwelling.unit", &dwelling.unit)?,
                room: text_of("dwelling.room", &dwelling.room)?,
            },
            number: text_of("number", &number)?,
        })
    }
}

impl TryFrom<DrawCareListRequest> for CareListOf {
    type Error = Error;

    fn try_from(request: DrawCareListRequest) -> Result<Self, Error> {
        let DrawCareListRequest { area_code, compound, building } = request;
        if building.is_empty() && !compound.is_empty() {
            let message = "is missing: name the building of the compound, or leave both empty for a whole grid";
            return Err(Error::field("building", "required", message));
        }
        let building = (!building.is_empty()).then_some((compound, building));
        Ok(Self { area: area_of("area_code", &area_code)?, building })
    }
}

impl TryFrom<UpdateResidentRequest> for UpdateResident {
    type Error = Error;

    fn try_from(request: UpdateResidentRequest) -> Result<Self, Error> {
        let UpdateResidentRequest { resident, update_mask, observed_on } = request;
        let resident: Resident = resident.unwrap_or_default();
        let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
        Ok(Self {
            id: id_of("resident.id", &resident.id)?,
            change: update::change(&resident, &paths)?,
            observed_on: optional_date("observed_on", &observed_on)?,
            etag: resident.etag,
        })
    }
}
