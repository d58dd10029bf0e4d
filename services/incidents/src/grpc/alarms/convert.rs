//! Contract and domain of alarms, each in the other's words.

use chassis::{
    Fault,
    data::{AreaCode, Page, SecretText, etag},
};
use chrono::{DateTime, Utc};
use linju_proto::incidents::v1;
use uuid::Uuid;

use crate::{
    Error,
    alarms::{Said, checked},
    app::{
        AlarmsOf, DevicesOf, Finding, LookUp, LookUpsOf, NewDevice, ShownAlarm, ShownLookUp, SituationsOf, Verdict,
        VideoReason, VideoShown,
    },
    domain::{
        NotACategory,
        alarm::{AlarmKind, Raised, SituationId, SituationState},
    },
    store::{
        Code,
        alarms::{alarm, device, look_up, situation},
    },
};

fn uuid(field: &'static str, text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Fault::field(field, "string.uuid", "must be a UUID").into())
}

/// Reads the id of a situation.
pub(super) fn situation_id(field: &'static str, text: &str) -> Result<SituationId, Error> {
    uuid(field, text).map(SituationId)
}

fn area(text: &str) -> Result<AreaCode, Error> {
    text.parse().map_err(|e| Fault::field("area_code", "area", format!("is `{text}`: {e}")).into())
}

fn missing(field: &'static str) -> Error {
    Fault::field(field, "enum", "is missing: set it").into()
}

fn moment(at: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
}

fn stamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

fn plain(text: Option<SecretText>) -> String {
    text.map(|text| text.expose().to_owned()).unwrap_or_default()
}

impl TryFrom<v1::ReportAlarmRequest> for Said {
    type Error = Error;

    fn try_from(request: v1::ReportAlarmRequest) -> Result<Self, Error> {
        let v1::ReportAlarmRequest { id, device, kind, at, priority, latitude, longitude, note, video } = request;
        if latitude.is_some() != longitude.is_some() {
            let half = "has half a point: set both latitude and longitude, or neither";
            return Err(Fault::field("latitude", "point", half).into());
        }
        let raised = Raised {
            id,
            device,
            kind: AlarmKind::accept(&kind).map_err(Error::NotTaken)?,
            at: at.and_then(moment).ok_or_else(|| missing("at"))?,
            priority,
            point: latitude.zip(longitude),
            note,
            video,
        };
        Ok(Self::Alarm(checked(raised).map_err(Error::NotTaken)?))
    }
}

impl From<v1::ReportHeartbeatRequest> for Said {
    fn from(request: v1::ReportHeartbeatRequest) -> Self {
        let v1::ReportHeartbeatRequest { device } = request;
        Self::Heartbeat { device }
    }
}

impl TryFrom<v1::ListSituationsRequest> for SituationsOf {
    type Error = Error;

    fn try_from(request: v1::ListSituationsRequest) -> Result<Self, Error> {
        let v1::ListSituationsRequest { area_code, states, page_size, page_token } = request;
        let of = |number: i32| match v1::SituationState::try_from(number) {
            Ok(v1::SituationState::Open) => Ok(SituationState::Open),
            Ok(v1::SituationState::Real) => Ok(SituationState::Real),
            Ok(v1::SituationState::False) => Ok(SituationState::False),
            Ok(v1::SituationState::Unspecified) | Err(_) => Err(missing("states")),
        };
        let mut states = states.into_iter().map(of).collect::<Result<Vec<_>, _>>()?;
        states.sort_unstable();
        states.dedup();
        let names: Vec<_> = states.iter().map(|state| state.code()).collect();
        let page = Page::read(&["situations", &area_code, &names.join(",")], page_size, &page_token)?;
        Ok(Self { area: area(&area_code)?, states, page })
    }
}

impl TryFrom<v1::ListAlarmsRequest> for AlarmsOf {
    type Error = Error;

    fn try_from(request: v1::ListAlarmsRequest) -> Result<Self, Error> {
        let v1::ListAlarmsRequest { situation_id: id, page_size, page_token } = request;
        let page = Page::read(&["alarms", &id], page_size, &page_token)?;
        Ok(Self { situation: situation_id("situation_id", &id)?, page })
    }
}

impl TryFrom<v1::ListDevicesRequest> for DevicesOf {
    type Error = Error;

    fn try_from(request: v1::ListDevicesRequest) -> Result<Self, Error> {
        let v1::ListDevicesRequest { area_code, page_size, page_token } = request;
        let page = Page::read(&["devices", &area_code], page_size, &page_token)?;
        Ok(Self { area: area(&area_code)?, page })
    }
}

impl TryFrom<v1::ListVideoLookUpsRequest> for LookUpsOf {
    type Error = Error;

    fn try_from(request: v1::ListVideoLookUpsRequest) -> Result<Self, Error> {
        let v1::ListVideoLookUpsRequest { area_code, page_size, page_token } = request;
        let page = Page::read(&["look_ups", &area_code], page_size, &page_token)?;
        Ok(Self { area: area(&area_code)?, page })
    }
}

impl TryFrom<v1::VerifySituationRequest> for Finding {
    type Error = Error;

    fn try_from(request: v1::VerifySituationRequest) -> Result<Self, Error> {
        let v1::VerifySituationRequest { id, verdict, finding, category, etag } = request;
        let verdict = match v1::Verdict::try_from(verdict) {
            Ok(v1::Verdict::Real) => Verdict::Real,
            Ok(v1::Verdict::False) => Verdict::False,
            Ok(v1::Verdict::Unspecified) | Err(_) => return Err(missing("verdict")),
        };
        if verdict == Verdict::Real && finding.trim().is_empty() {
            return Err(Fault::field("finding", "blank", "is blank: say what you have seen, for whoever goes").into());
        }
        let code = (!category.is_empty()).then(|| category.parse()).transpose();
        let category =
            code.map_err(|e: NotACategory| Fault::field("category", "category", format!("is wrong: {e}")))?;
        Ok(Self { id: situation_id("id", &id)?, verdict, words: finding, category, etag })
    }
}

impl TryFrom<v1::LookUpVideoRequest> for LookUp {
    type Error = Error;

    fn try_from(request: v1::LookUpVideoRequest) -> Result<Self, Error> {
        let v1::LookUpVideoRequest { id, reason, detail } = request;
        let reason = match v1::VideoReason::try_from(reason) {
            Ok(v1::VideoReason::VerifyAlarm) => VideoReason::VerifyAlarm,
            Ok(v1::VideoReason::HandleIncident) => VideoReason::HandleIncident,
            Ok(v1::VideoReason::Authority) => VideoReason::Authority,
            Ok(v1::VideoReason::MissingPerson) => VideoReason::MissingPerson,
            Ok(v1::VideoReason::Maintenance) => VideoReason::Maintenance,
            Ok(v1::VideoReason::Unspecified) | Err(_) => return Err(missing("reason")),
        };
        if detail.trim().is_empty() {
            return Err(Fault::field("detail", "blank", "is blank: say for which matter, and who asked").into());
        }
        Ok(Self { alarm: uuid("id", &id)?, reason, detail })
    }
}

impl TryFrom<v1::RegisterDeviceRequest> for NewDevice {
    type Error = Error;

    fn try_from(request: v1::RegisterDeviceRequest) -> Result<Self, Error> {
        let v1::RegisterDeviceRequest {
            partner,
            code,
            area_code,
            place,
            latitude,
            longitude,
            restricted,
            heartbeat_s,
            damping_s,
            retired,
        } = request;
        let area = area(&area_code)?;
        Ok(Self { partner, code, area, place, latitude, longitude, restricted, heartbeat_s, damping_s, retired })
    }
}

fn state(state: SituationState) -> v1::SituationState {
    match state {
        SituationState::Open => v1::SituationState::Open,
        SituationState::Real => v1::SituationState::Real,
        SituationState::False => v1::SituationState::False,
    }
}

impl From<situation::Model> for v1::Situation {
    fn from(row: situation::Model) -> Self {
        let situation::Model {
            id,
            kind: Code(kind),
            area_code,
            state: Code(stands),
            priority,
            alarms,
            devices,
            repeats,
            storm,
            escalated,
            place,
            latitude: _,
            longitude: _,
            opened_at,
            last_at,
            verified_at,
            verified_by,
            finding: _,
            incident_id,
            version,
        } = row;
        Self {
            id: id.to_string(),
            kind: kind.to_string(),
            area_code: area_code.to_string(),
            state: state(stands).into(),
            priority,
            alarms,
            devices,
            repeats,
            storm,
            escalated,
            place,
            opened_at: Some(stamp(opened_at)),
            last_at: Some(stamp(last_at)),
            verified_at: verified_at.map(stamp),
            verified_by: verified_by.unwrap_or_default(),
            incident_id: incident_id.map(|id| id.to_string()).unwrap_or_default(),
            etag: etag(version),
        }
    }
}

impl From<ShownAlarm> for v1::Alarm {
    fn from(shown: ShownAlarm) -> Self {
        let ShownAlarm { row, note } = shown;
        let alarm::Model {
            id,
            partner,
            partner_alarm_id,
            device_id: _,
            device,
            area_code: _,
            situation_id: _,
            kind: Code(kind),
            priority,
            at,
            received_at,
            latitude,
            longitude,
            note: _,
            video,
        } = row;
        Self {
            id: id.to_string(),
            partner,
            partner_alarm_id,
            device,
            kind: kind.to_string(),
            priority,
            at: Some(stamp(at)),
            received_at: Some(stamp(received_at)),
            latitude,
            longitude,
            note: plain(note),
            has_video: video.is_some(),
        }
    }
}

impl From<VideoShown> for v1::VideoReference {
    fn from(shown: VideoShown) -> Self {
        let VideoShown { look_up, url } = shown;
        Self { look_up_id: look_up.to_string(), url: url.expose().to_owned() }
    }
}

impl From<ShownLookUp> for v1::VideoLookUp {
    fn from(shown: ShownLookUp) -> Self {
        let ShownLookUp { row, detail } = shown;
        let look_up::Model { id, at, who, reason, detail: _, purpose, alarm_id, situation_id, device, area_code } = row;
        Self {
            id: id.to_string(),
            at: Some(stamp(at)),
            who,
            reason: reason_of(&reason).into(),
            detail: detail.expose().to_owned(),
            purpose,
            alarm_id: alarm_id.to_string(),
            situation_id: situation_id.to_string(),
            device,
            area_code: area_code.to_string(),
        }
    }
}

fn reason_of(code: &str) -> v1::VideoReason {
    match VideoReason::ALL.into_iter().find(|reason| reason.code() == code) {
        Some(VideoReason::VerifyAlarm) => v1::VideoReason::VerifyAlarm,
        Some(VideoReason::HandleIncident) => v1::VideoReason::HandleIncident,
        Some(VideoReason::Authority) => v1::VideoReason::Authority,
        Some(VideoReason::MissingPerson) => v1::VideoReason::MissingPerson,
        Some(VideoReason::Maintenance) => v1::VideoReason::Maintenance,
        None => v1::VideoReason::Unspecified,
    }
}

impl From<device::Model> for v1::Device {
    fn from(row: device::Model) -> Self {
        let device::Model {
            id,
            partner,
            code,
            area_code,
            place,
            latitude,
            longitude,
            restricted,
            heartbeat_s,
            damping_s,
            retired,
            changed_at: _,
            last_seen_at,
            silent_since,
            real_verdicts,
            false_verdicts,
        } = row;
        let verdicts = real_verdicts + false_verdicts;
        Self {
            id: id.to_string(),
            partner,
            code,
            area_code: area_code.to_string(),
            place,
            latitude,
            longitude,
            restricted,
            heartbeat_s,
            damping_s,
            retired,
            last_seen_at: last_seen_at.map(stamp),
            silent_since: silent_since.map(stamp),
            real_verdicts,
            false_verdicts,
            false_alarm_rate: (verdicts > 0).then(|| f64::from(false_verdicts) / f64::from(verdicts)),
        }
    }
}
