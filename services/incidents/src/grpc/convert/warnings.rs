//! Warnings, in the contract's words and in ours.

use chassis::data::Page;
use chrono::{DateTime, Utc};
use linju_proto::incidents::v1;
use prost::Message as _;

use super::{
    codes::pairs,
    request::{area, missing, time as read_time, uuid},
};
use crate::{
    Error,
    app::{NewWarning, ShownWarning, WarningsOf, Word},
    domain::warning::{
        Area, Category, Certainty, Colour, Info, Message, MessageType, Response, Severity, Status, Urgency,
        WarnedBuilding,
    },
};

/// Warnings of a page that asks for no number.
const PAGE: i32 = 20;

pairs!(category, category_of, Category, WarningCategory {
    Geological = Geological,
    Meteorological = Meteorological,
    Safety = Safety,
    Security = Security,
    Rescue = Rescue,
    Fire = Fire,
    Health = Health,
    Environment = Environment,
    Transport = Transport,
    Infrastructure = Infrastructure,
    WeaponsOfMassDestruction = WeaponsOfMassDestruction,
    Other = Other,
});

pairs!(response, response_of, Response, WarningResponse {
    Shelter = Shelter,
    Evacuate = Evacuate,
    Prepare = Prepare,
    Execute = Execute,
    Avoid = Avoid,
    Monitor = Monitor,
    Assess = Assess,
    AllClear = AllClear,
    None = None,
});

pairs!(urgency, urgency_of, Urgency, WarningUrgency {
    Immediate = Immediate,
    Expected = Expected,
    Future = Future,
    Past = Past,
    Unknown = Unknown,
});

pairs!(severity, severity_of, Severity, WarningSeverity {
    Extreme = Extreme,
    Severe = Severe,
    Moderate = Moderate,
    Minor = Minor,
    Unknown = Unknown,
});

pairs!(certainty, certainty_of, Certainty, WarningCertainty {
    Observed = Observed,
    Likely = Likely,
    Possible = Possible,
    Unlikely = Unlikely,
    Unknown = Unknown,
});

pairs!(colour, colour_of, Colour, WarningColour {
    Red = Red,
    Orange = Orange,
    Yellow = Yellow,
    Blue = Blue,
});

/// Drafts and system messages are not sent here.
pub fn status(status: Status) -> v1::WarningStatus {
    match status {
        Status::Actual => v1::WarningStatus::Actual,
        Status::Exercise => v1::WarningStatus::Exercise,
        Status::Test => v1::WarningStatus::Test,
        Status::System | Status::Draft => v1::WarningStatus::Unspecified,
    }
}

fn status_of(number: i32) -> Option<Status> {
    match v1::WarningStatus::try_from(number).ok()? {
        v1::WarningStatus::Unspecified => None,
        v1::WarningStatus::Actual => Some(Status::Actual),
        v1::WarningStatus::Exercise => Some(Status::Exercise),
        v1::WarningStatus::Test => Some(Status::Test),
    }
}

pub fn message_type(kind: MessageType) -> v1::WarningMessageType {
    match kind {
        MessageType::Alert => v1::WarningMessageType::Alert,
        MessageType::Update => v1::WarningMessageType::Update,
        MessageType::Cancel => v1::WarningMessageType::Cancel,
    }
}

pub fn time(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

impl TryFrom<v1::ComposeWarningRequest> for NewWarning {
    type Error = Error;

    fn try_from(request: v1::ComposeWarningRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::ComposeWarningRequest { status, info, note, request_id } = request;
        let status = status_of(status).ok_or_else(|| missing("status"))?;
        let word = Word::First { status, info: read_info(info.unwrap_or_default())? };
        Ok(Self { word, note, request_id: uuid("request_id", &request_id)?, content })
    }
}

impl TryFrom<v1::UpdateWarningRequest> for NewWarning {
    type Error = Error;

    fn try_from(request: v1::UpdateWarningRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::UpdateWarningRequest { id, info, note, request_id } = request;
        let word = Word::Newer { than: uuid("id", &id)?, info: read_info(info.unwrap_or_default())? };
        Ok(Self { word, note, request_id: uuid("request_id", &request_id)?, content })
    }
}

impl TryFrom<v1::CancelWarningRequest> for NewWarning {
    type Error = Error;

    fn try_from(request: v1::CancelWarningRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::CancelWarningRequest { id, note, request_id } = request;
        let word = Word::End { of: uuid("id", &id)? };
        Ok(Self { word, note, request_id: uuid("request_id", &request_id)?, content })
    }
}

impl TryFrom<v1::ListWarningsRequest> for WarningsOf {
    type Error = Error;

    fn try_from(request: v1::ListWarningsRequest) -> Result<Self, Error> {
        let v1::ListWarningsRequest { area_code, include_past, page_size, page_token } = request;
        let past = if include_past { "past" } else { "" };
        let size = if page_size == 0 { PAGE } else { page_size };
        let page = Page::read(&["warnings", &area_code, past], size, &page_token)?;
        Ok(Self { area: area("area_code", &area_code)?, past: include_past, page })
    }
}

fn read_info(info: v1::WarningInfo) -> Result<Info, Error> {
    let v1::WarningInfo {
        categories,
        event,
        responses,
        urgency,
        severity,
        certainty,
        colour,
        effective,
        onset,
        expires,
        sender_name,
        headline,
        description,
        instruction,
        web,
        contact,
        areas,
    } = info;
    let colour = colour_of(colour);
    let meant = colour.map_or(Severity::Unknown, Colour::severity);
    let at = |field, time: Option<prost_types::Timestamp>| time.map(|time| read_time(field, time)).transpose();
    Ok(Info {
        categories: categories.into_iter().filter_map(category_of).collect(),
        event,
        responses: responses.into_iter().filter_map(response_of).collect(),
        urgency: urgency_of(urgency).ok_or_else(|| missing("info.urgency"))?,
        severity: severity_of(severity).unwrap_or(meant),
        certainty: certainty_of(certainty).ok_or_else(|| missing("info.certainty"))?,
        colour,
        effective: at("info.effective", effective)?,
        onset: at("info.onset", onset)?,
        expires: at("info.expires", expires)?.ok_or_else(|| missing("info.expires"))?,
        sender_name,
        headline,
        description,
        instruction,
        web,
        contact,
        areas: areas.into_iter().map(read_area).collect(),
    })
}

fn read_area(area: v1::WarnedArea) -> Area {
    let v1::WarnedArea { area_code, description, buildings, polygon } = area;
    let building = |v1::WarnedBuilding { compound, building }| WarnedBuilding { compound, building };
    Area {
        description,
        code: area_code,
        buildings: buildings.into_iter().map(building).collect(),
        polygon: polygon.into_iter().map(|v1::WarnedPoint { latitude, longitude }| (latitude, longitude)).collect(),
    }
}

impl From<ShownWarning> for v1::Warning {
    fn from(shown: ShownWarning) -> Self {
        let ShownWarning { row, message, holds, calls } = shown;
        let cap = message.to_cap();
        let Message { identifier, sender, sent, status: how, kind, note, references: _, info } = message;
        Self {
            id: row.id.to_string(),
            identifier,
            sender,
            sent_at: Some(time(sent)),
            status: status(how).into(),
            message_type: message_type(kind).into(),
            note,
            info: Some(shown_info(info)),
            follows: row.follows.map(|id| id.to_string()).unwrap_or_default(),
            followed_by: row.followed_by.map(|id| id.to_string()).unwrap_or_default(),
            holds,
            cap,
            to_call: calls.as_ref().map(|calls| calls.to_call),
            reached: calls.map(|calls| calls.reached),
        }
    }
}

fn shown_info(info: Info) -> v1::WarningInfo {
    let Info {
        categories,
        event,
        responses,
        urgency: soon,
        severity: bad,
        certainty: sure,
        colour: level,
        effective,
        onset,
        expires,
        sender_name,
        headline,
        description,
        instruction,
        web,
        contact,
        areas,
    } = info;
    v1::WarningInfo {
        categories: categories.into_iter().map(|c| category(c).into()).collect(),
        event,
        responses: responses.into_iter().map(|r| response(r).into()).collect(),
        urgency: urgency(soon).into(),
        severity: severity(bad).into(),
        certainty: certainty(sure).into(),
        colour: level.map(|c| colour(c).into()).unwrap_or_default(),
        effective: effective.map(time),
        onset: onset.map(time),
        expires: Some(time(expires)),
        sender_name,
        headline,
        description,
        instruction,
        web,
        contact,
        areas: areas.into_iter().map(shown_area).collect(),
    }
}

fn shown_area(area: Area) -> v1::WarnedArea {
    let Area { description, code, buildings, polygon } = area;
    let building = |WarnedBuilding { compound, building }| v1::WarnedBuilding { compound, building };
    v1::WarnedArea {
        area_code: code,
        description,
        buildings: buildings.into_iter().map(building).collect(),
        polygon: polygon.into_iter().map(|(latitude, longitude)| v1::WarnedPoint { latitude, longitude }).collect(),
    }
}
