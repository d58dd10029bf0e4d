//! Promises, in the contract's words and in ours.

use chassis::data::Page;
use linju_proto::incidents::v1;

use super::{
    codes::pairs,
    request::{area, id, missing, time as read_time},
};
use crate::{
    Error,
    app::{Escalation, EscalationsOf, Extension, ShownPromise},
    domain::promise::{Clock, Duty, Promise, Track},
    store::promise::Late,
};

pub(crate) use super::answer::time;

pairs!(clock, _clock_of, Clock, Clock {
    Contact = Contact,
    Resolution = Resolution,
});

pairs!(duty, duty_of, Duty, Duty {
    Unit = Unit,
    Dispatcher = Dispatcher,
    CommunityManager = CommunityManager,
    SubdistrictManager = SubdistrictManager,
});

fn duty_or_none(duty_now: Option<Duty>) -> i32 {
    duty_now.map_or(v1::Duty::Unspecified, duty).into()
}

impl From<ShownPromise> for v1::Promise {
    fn from(shown: ShownPromise) -> Self {
        let ShownPromise { incident, promise, now, only_own } = shown;
        let (paused, paused_for) = (promise.is_paused(now), promise.paused(now));
        let Promise { started_at, contact, resolution, pauses: _, extended_at, ended_at, lies_with, is_assumed } =
            promise;
        let due = |track: &Option<Track>| track.as_ref().map(|track| time(track.due_at));
        let met = |track: &Option<Track>| track.as_ref().and_then(|track| track.met_at).map(time);
        Self {
            incident_id: incident.to_string(),
            started_at: Some(time(started_at)),
            contact_by: due(&contact),
            contacted_at: met(&contact),
            expected_at: due(&resolution),
            resolved_at: met(&resolution),
            paused,
            paused_seconds: paused_for.num_seconds(),
            extended_at: extended_at.map(time),
            assumed_calendar: is_assumed,
            ended_at: ended_at.map(time),
            lies_with: duty_or_none(lies_with.filter(|_| !only_own)),
        }
    }
}

impl TryFrom<v1::ExtendPromiseRequest> for Extension {
    type Error = Error;

    fn try_from(request: v1::ExtendPromiseRequest) -> Result<Self, Error> {
        let v1::ExtendPromiseRequest { incident_id, expected_at, reason, etag } = request;
        let expected_at = expected_at.ok_or_else(|| missing("expected_at"))?;
        Ok(Self {
            id: id("incident_id", &incident_id)?,
            etag,
            expected_at: read_time("expected_at", expected_at)?,
            reason,
        })
    }
}

impl TryFrom<v1::ListEscalationsRequest> for EscalationsOf {
    type Error = Error;

    fn try_from(request: v1::ListEscalationsRequest) -> Result<Self, Error> {
        let v1::ListEscalationsRequest { area_code, lies_with, page_size, page_token } = request;
        let lies_with = duty_of(lies_with);
        let page = Page::read(&[&area_code, lies_with.map_or("", Duty::code)], page_size, &page_token)?;
        Ok(Self { late: Late { area: area("area_code", &area_code)?, lies_with }, page })
    }
}

impl From<Escalation> for v1::Escalation {
    fn from(Escalation { row, promise }: Escalation) -> Self {
        let due = |track: &Option<Track>| track.as_ref().map(|track| time(track.due_at));
        let steps = [&promise.contact, &promise.resolution].into_iter().flatten().map(|track| track.step);
        Self {
            incident_id: row.id.to_string(),
            number: row.number,
            area_code: row.area_code.to_string(),
            category: row.category.unwrap_or_default(),
            unit: row.unit.unwrap_or_default(),
            lies_with: duty_or_none(promise.lies_with),
            contact_by: due(&promise.contact),
            contacted_at: promise.contact.as_ref().and_then(|track| track.met_at).map(time),
            expected_at: due(&promise.resolution),
            percent: steps.max().unwrap_or(0).into(),
        }
    }
}
