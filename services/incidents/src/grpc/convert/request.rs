//! Requests as commands. The contract's own rules were checked before; here stand those it cannot say.

use chassis::{
    Fault,
    data::{AreaCode, Page},
};
use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use linju_proto::incidents::v1;
use prost::Message;
use uuid::Uuid;

use super::{catalogue, codes};
use crate::{
    Error,
    app::{Change, External, FiguresOf, ListOf, NewReport, Order},
    domain::{Command, IncidentId, Unit},
    store::{counts::Counted, incident::Building},
};

/// Reads the id of a record of another kind.
pub(crate) fn uuid(field: &'static str, text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Fault::field(field, "string.uuid", "must be a UUID").into())
}

/// Reads an id.
pub(crate) fn id(field: &'static str, text: &str) -> Result<IncidentId, Error> {
    let parsed = text.parse().map(IncidentId);
    parsed.map_err(|_| Fault::field(field, "string.uuid", "must be a UUID").into())
}

pub(super) fn area(field: &'static str, text: &str) -> Result<AreaCode, Error> {
    text.parse().map_err(|e| Fault::field(field, "area", format!("is `{text}`: {e}")).into())
}

/// For what the contract lets through as unspecified never.
pub(super) fn missing(field: &'static str) -> Error {
    Fault::field(field, "enum", "is missing: set it").into()
}

pub(super) fn time(field: &'static str, at: prost_types::Timestamp) -> Result<DateTime<Utc>, Error> {
    let nanos = u32::try_from(at.nanos).ok();
    nanos
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos))
        .and_then(|at| at.duration_trunc(TimeDelta::microseconds(1)).ok())
        .ok_or_else(|| Fault::field(field, "timestamp", "is no time of the years 1 to 9999").into())
}

/// An end of a period; none: it is open there.
type End = Option<DateTime<Utc>>;

/// From when until when something was reported.
pub(super) fn period(
    from: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
) -> Result<(End, End), Error> {
    let from = from.map(|at| time("from", at)).transpose()?;
    let until = until.map(|at| time("until", at)).transpose()?;
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        return Err(Fault::field("until", "period", "is not after `from`: give a later time").into());
    }
    Ok((from, until))
}

impl TryFrom<v1::ReportIncidentRequest> for NewReport {
    type Error = Error;

    fn try_from(request: v1::ReportIncidentRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::ReportIncidentRequest {
            channel,
            place,
            description,
            reporter,
            category,
            request_id,
            answers,
            external,
        } = request;
        let v1::Place { area_code, address, latitude, longitude } = place.unwrap_or_default();
        let v1::Reporter { name, phone } = reporter.unwrap_or_default();
        if latitude.is_some() != longitude.is_some() {
            return Err(Fault::field(
                "place",
                "point",
                "has half a point: set both latitude and longitude, or neither",
            )
            .into());
        }
        if description.trim().is_empty() {
            return Err(Fault::field("description", "blank", "is blank: say what is wrong").into());
        }
        Ok(Self {
            channel: codes::channel_of(channel).ok_or_else(|| missing("channel"))?,
            area: area("place.area_code", &area_code)?,
            address,
            latitude,
            longitude,
            description,
            name,
            phone,
            category: catalogue::code_or_none("category", &category)?,
            answers: catalogue::answers(answers),
            external: external.map(known_elsewhere).transpose()?,
            public: None,
            request_id: id("request_id", &request_id)?.0,
            content,
        })
    }
}

fn known_elsewhere(external: v1::External) -> Result<External, Error> {
    let v1::External { system, number, deadline } = external;
    let deadline = deadline.map(|at| time("external.deadline", at)).transpose()?;
    Ok(External { system, number, deadline })
}

impl TryFrom<v1::ListIncidentsRequest> for ListOf {
    type Error = Error;

    fn try_from(request: v1::ListIncidentsRequest) -> Result<Self, Error> {
        let v1::ListIncidentsRequest { area_code, states, category, page_size, page_token } = request;
        let of_state = |number| codes::state_of(number).ok_or_else(|| missing("states"));
        let mut states = states.into_iter().map(of_state).collect::<Result<Vec<_>, _>>()?;
        states.sort_unstable();
        states.dedup();
        let names: Vec<_> = states.iter().map(|state| state.code()).collect();
        let page = Page::read(&[&area_code, &names.join(","), &category], page_size, &page_token)?;
        let category = catalogue::code_or_none("category", &category)?;
        Ok(Self { area: area("area_code", &area_code)?, states, category, page })
    }
}

impl TryFrom<v1::GetIncidentFiguresRequest> for FiguresOf {
    type Error = Error;

    fn try_from(request: v1::GetIncidentFiguresRequest) -> Result<Self, Error> {
        let v1::GetIncidentFiguresRequest { area_code, from, until, contact_limit_hours } = request;
        let (from, until) = period(from, until)?;
        let counted = Counted { area: area("area_code", &area_code)?, from, until };
        let contact_limit = (contact_limit_hours > 0).then(|| TimeDelta::hours(contact_limit_hours.into()));
        Ok(Self { counted, contact_limit })
    }
}

/// A change that needs nothing but the command.
fn change(id_text: &str, etag: String, command: Command, text: String) -> Result<Change, Error> {
    Ok(Change { id: id("id", id_text)?, etag, order: Order::Command(command), text })
}

impl TryFrom<v1::TriageIncidentRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::TriageIncidentRequest) -> Result<Self, Error> {
        let v1::TriageIncidentRequest { id: id_text, category: code, urgency, endangers, etag, answers } = request;
        let endangers = endangers.map(building).transpose()?;
        let urgency = codes::urgency_of(urgency).ok_or_else(|| missing("urgency"))?;
        let category = catalogue::code("category", &code)?;
        let order = Order::Triage { category, urgency, endangers, answers: catalogue::answers(answers) };
        Ok(Self { id: id("id", &id_text)?, etag, order, text: String::new() })
    }
}

fn building(building: v1::Building) -> Result<Building, Error> {
    let v1::Building { area_code, compound, building } = building;
    Ok(Building { area: area("endangers.area_code", &area_code)?, compound, building })
}

impl TryFrom<v1::DispatchIncidentRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::DispatchIncidentRequest) -> Result<Self, Error> {
        let v1::DispatchIncidentRequest { id: id_text, unit, note, etag } = request;
        if unit.is_empty() {
            return Ok(Self { id: id("id", &id_text)?, etag, order: Order::DispatchByCatalogue, text: note });
        }
        change(&id_text, etag, Command::Dispatch { unit: Unit(unit) }, note)
    }
}

impl TryFrom<v1::AcceptIncidentRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::AcceptIncidentRequest) -> Result<Self, Error> {
        let v1::AcceptIncidentRequest { id, etag } = request;
        change(&id, etag, Command::Accept, String::new())
    }
}

impl TryFrom<v1::ReturnIncidentRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::ReturnIncidentRequest) -> Result<Self, Error> {
        let v1::ReturnIncidentRequest { id, reason, etag } = request;
        change(&id, etag, Command::Return, reason)
    }
}

impl TryFrom<v1::AddNoteRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::AddNoteRequest) -> Result<Self, Error> {
        let v1::AddNoteRequest { id, text, visibility } = request;
        let visibility = codes::visibility_of(visibility).ok_or_else(|| missing("visibility"))?;
        change(&id, String::new(), Command::AddNote { visibility }, text)
    }
}

impl TryFrom<v1::StartWorkRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::StartWorkRequest) -> Result<Self, Error> {
        let v1::StartWorkRequest { id, etag } = request;
        change(&id, etag, Command::StartWork, String::new())
    }
}

impl TryFrom<v1::AskReporterRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::AskReporterRequest) -> Result<Self, Error> {
        let v1::AskReporterRequest { id, question, etag } = request;
        change(&id, etag, Command::AskReporter, question)
    }
}

impl TryFrom<v1::AnswerQuestionRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::AnswerQuestionRequest) -> Result<Self, Error> {
        let v1::AnswerQuestionRequest { id, answer } = request;
        change(&id, String::new(), Command::Answer, answer)
    }
}

impl TryFrom<v1::ProposeSolutionRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::ProposeSolutionRequest) -> Result<Self, Error> {
        let v1::ProposeSolutionRequest { id, solution, etag } = request;
        change(&id, etag, Command::ProposeSolution, solution)
    }
}

impl TryFrom<v1::ConfirmSolutionRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::ConfirmSolutionRequest) -> Result<Self, Error> {
        let v1::ConfirmSolutionRequest { id, satisfaction, etag } = request;
        let satisfaction = codes::satisfaction_of(satisfaction);
        change(&id, etag, Command::ConfirmSolution { satisfaction }, String::new())
    }
}

impl TryFrom<v1::ReopenIncidentRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::ReopenIncidentRequest) -> Result<Self, Error> {
        let v1::ReopenIncidentRequest { id, reason, etag } = request;
        change(&id, etag, Command::Reopen, reason)
    }
}

impl TryFrom<v1::WithdrawIncidentRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::WithdrawIncidentRequest) -> Result<Self, Error> {
        let v1::WithdrawIncidentRequest { id, reason, etag } = request;
        change(&id, etag, Command::Withdraw, reason)
    }
}

impl TryFrom<v1::JoinDuplicateRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::JoinDuplicateRequest) -> Result<Self, Error> {
        let v1::JoinDuplicateRequest { id: id_text, duplicate_of, etag } = request;
        let order = Order::JoinDuplicate { parent: id("duplicate_of", &duplicate_of)? };
        Ok(Self { id: id("id", &id_text)?, etag, order, text: String::new() })
    }
}

impl TryFrom<v1::DeclareUnsolvableRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::DeclareUnsolvableRequest) -> Result<Self, Error> {
        let v1::DeclareUnsolvableRequest { id, reason, next_look_on, etag } = request;
        let next_look_on: NaiveDate = next_look_on.parse().map_err(|_| {
            Fault::field("next_look_on", "date", format!("is `{next_look_on}`, a day that does not exist"))
        })?;
        change(&id, etag, Command::DeclareUnsolvable { next_look_on }, reason)
    }
}
