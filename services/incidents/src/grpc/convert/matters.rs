//! Matters, in the contract's words and in ours.

use std::collections::HashMap;

use chassis::{
    Fault,
    data::{Page, etag},
};
use linju_proto::incidents::v1;
use prost::Message;

use super::{
    answer::facts,
    catalogue,
    codes::{pairs, satisfaction_of, visibility_of},
    emergencies::day,
    promise::time,
    request::{area, id as incident, missing, time as read_time, uuid},
};
use crate::{
    Error,
    app::{MatterChange, MattersOf, NewMatter, ShownMatter, ShownMatterEntry, Wording},
    domain::{
        Satisfaction, Unit, Visibility,
        matter::{Command, Conclusion, Matter, MatterId, MeetingOutcome, Party, PartyRole, Ratings, Stage, Task},
    },
    store::{
        Code,
        matter::{Model, entry},
    },
};

pairs!(stage, stage_of, Stage, MatterStage {
    Say = Say,
    Deliberate = Deliberate,
    Do = Do,
    Evaluate = Evaluate,
    Closed = Closed,
    Dropped = Dropped,
});

pairs!(_role, role_of, PartyRole, PartyRole {
    Resident = Resident,
    BuildingHead = BuildingHead,
    OwnersCommittee = OwnersCommittee,
    PropertyCompany = PropertyCompany,
    Community = Community,
    Subdistrict = Subdistrict,
    Unit = Unit,
    Expert = Expert,
});

pairs!(_outcome, outcome_of, MeetingOutcome, MeetingOutcome {
    Act = Act,
    MeetAgain = MeetAgain,
    Drop = Drop,
});

pairs!(_conclusion, conclusion_of, Conclusion, MatterConclusion {
    Close = Close,
    Deliberate = Deliberate,
    Do = Do,
});

pub(crate) fn id(text: &str) -> Result<MatterId, Error> {
    Ok(MatterId(uuid("id", text)?))
}

fn change(id_text: &str, etag: String, command: Command, wording: Wording) -> Result<MatterChange, Error> {
    Ok(MatterChange { id: id(id_text)?, etag, command, wording })
}

fn for_all(public: String) -> Wording {
    Wording { public, ..Wording::default() }
}

fn number(count: i32) -> u32 {
    u32::try_from(count).unwrap_or_default()
}

impl TryFrom<v1::RaiseMatterRequest> for NewMatter {
    type Error = Error;

    fn try_from(request: v1::RaiseMatterRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::RaiseMatterRequest { area_code, text, households, title, category, incident_ids, request_id } = request;
        let mut incidents =
            incident_ids.iter().map(|id| incident("incident_ids", id)).collect::<Result<Vec<_>, _>>()?;
        incidents.sort_unstable();
        incidents.dedup();
        Ok(Self {
            area: area("area_code", &area_code)?,
            text,
            households: number(households),
            title,
            category: catalogue::code_or_none("category", &category)?,
            incidents,
            request_id: uuid("request_id", &request_id)?,
            content,
        })
    }
}

impl TryFrom<v1::ListMattersRequest> for MattersOf {
    type Error = Error;

    fn try_from(request: v1::ListMattersRequest) -> Result<Self, Error> {
        let v1::ListMattersRequest { area_code, stages, page_size, page_token } = request;
        let of_stage = |number| stage_of(number).ok_or_else(|| missing("stages"));
        let mut stages = stages.into_iter().map(of_stage).collect::<Result<Vec<_>, _>>()?;
        stages.sort_unstable();
        stages.dedup();
        let names: Vec<_> = stages.iter().map(|stage| stage.code()).collect();
        let page = Page::read(&[&area_code, &names.join(",")], page_size, &page_token)?;
        Ok(Self { area: area("area_code", &area_code)?, stages, page })
    }
}

impl TryFrom<v1::AddVoiceRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::AddVoiceRequest) -> Result<Self, Error> {
        let v1::AddVoiceRequest { id, households, text: internal } = request;
        let wording = Wording { internal, ..Wording::default() };
        change(&id, String::new(), Command::AddVoice { households: number(households) }, wording)
    }
}

impl TryFrom<v1::GatherIncidentRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::GatherIncidentRequest) -> Result<Self, Error> {
        let v1::GatherIncidentRequest { id, incident_id, etag } = request;
        let command = Command::Gather { incident: incident("incident_id", &incident_id)? };
        change(&id, etag, command, Wording::default())
    }
}

impl TryFrom<v1::CallMeetingRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::CallMeetingRequest) -> Result<Self, Error> {
        let v1::CallMeetingRequest { id, at, place, text: public, title, etag } = request;
        let at = read_time("at", at.ok_or_else(|| missing("at"))?)?;
        change(&id, etag, Command::CallMeeting { at }, Wording { public, internal: String::new(), title, place })
    }
}

impl TryFrom<v1::RecordMeetingRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::RecordMeetingRequest) -> Result<Self, Error> {
        let v1::RecordMeetingRequest { id, present, decision, objections, outcome, etag } = request;
        let outcome = outcome_of(outcome).ok_or_else(|| missing("outcome"))?;
        let party = |v1::Party { role, count }| {
            let role = role_of(role).ok_or_else(|| missing("present"))?;
            Ok::<_, Error>(Party { role, count: number(count) })
        };
        let present = present.into_iter().map(party).collect::<Result<_, _>>()?;
        let public = if objections.is_empty() { decision } else { format!("{decision}\n异议：{objections}") };
        change(&id, etag, Command::RecordMeeting { outcome, present }, for_all(public))
    }
}

impl TryFrom<v1::SetMatterTaskRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::SetMatterTaskRequest) -> Result<Self, Error> {
        let v1::SetMatterTaskRequest { id, unit, due_on, text, etag } = request;
        let due_on = day("due_on", &due_on)?;
        change(&id, etag, Command::SetTask { unit: Unit(unit), due_on }, for_all(text))
    }
}

impl TryFrom<v1::ReportMatterTaskRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::ReportMatterTaskRequest) -> Result<Self, Error> {
        let v1::ReportMatterTaskRequest { id, number: task, text: public, done, note: internal, etag } = request;
        let wording = Wording { public, internal, ..Wording::default() };
        change(&id, etag, Command::ReportTask { number: number(task), done }, wording)
    }
}

impl TryFrom<v1::StartEvaluationRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::StartEvaluationRequest) -> Result<Self, Error> {
        let v1::StartEvaluationRequest { id, until, text, etag } = request;
        let until = read_time("until", until.ok_or_else(|| missing("until"))?)?;
        change(&id, etag, Command::StartEvaluation { until }, for_all(text))
    }
}

impl TryFrom<v1::RateMatterRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::RateMatterRequest) -> Result<Self, Error> {
        let v1::RateMatterRequest { id, satisfaction, text: internal } = request;
        let satisfaction = match satisfaction_of(satisfaction) {
            Satisfaction::NotAsked => return Err(missing("satisfaction")),
            satisfaction => satisfaction,
        };
        let wording = Wording { internal, ..Wording::default() };
        change(&id, String::new(), Command::Rate { satisfaction }, wording)
    }
}

impl TryFrom<v1::ConcludeMatterRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::ConcludeMatterRequest) -> Result<Self, Error> {
        let v1::ConcludeMatterRequest { id, conclusion, summary, etag } = request;
        let conclusion = conclusion_of(conclusion).ok_or_else(|| missing("conclusion"))?;
        change(&id, etag, Command::Conclude { conclusion }, for_all(summary))
    }
}

impl TryFrom<v1::DropMatterRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::DropMatterRequest) -> Result<Self, Error> {
        let v1::DropMatterRequest { id, reason: public, title, etag } = request;
        change(&id, etag, Command::Drop, Wording { public, title, ..Wording::default() })
    }
}

impl TryFrom<v1::AddMatterNoteRequest> for MatterChange {
    type Error = Error;

    fn try_from(request: v1::AddMatterNoteRequest) -> Result<Self, Error> {
        let v1::AddMatterNoteRequest { id, text, visibility } = request;
        let visibility = visibility_of(visibility).ok_or_else(|| missing("visibility"))?;
        let wording = match visibility {
            Visibility::Public => for_all(text),
            Visibility::Internal => Wording { internal: text, ..Wording::default() },
        };
        change(&id, String::new(), Command::AddNote { visibility }, wording)
    }
}

pub(crate) fn matter(shown: ShownMatter) -> Result<v1::Matter, Error> {
    let ShownMatter { row, matter, notes } = shown;
    let Model { id, area_code, title, category, stage: _, place, state: _, raised_at, updated_at, version } = row;
    let Matter {
        stage: stands,
        round,
        households,
        incidents,
        meeting,
        tasks,
        ratings: Ratings { satisfied, basically_satisfied, dissatisfied },
        until,
        worked_by: _,
        due_at,
        overdue,
        version: _,
    } = matter;
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(v1::Matter {
        id: id.to_string(),
        area_code: area_code.to_string(),
        title,
        category: category.unwrap_or_default(),
        stage: stage(stands).into(),
        round: count(round),
        households: count(households),
        incidents: count(incidents),
        meeting: meeting.map(|at| v1::Meeting { at: Some(time(at)), place: place.unwrap_or_default() }),
        tasks: tasks.into_iter().map(task).collect(),
        ratings: Some(v1::MatterRatings {
            satisfied: count(satisfied),
            basically_satisfied: count(basically_satisfied),
            dissatisfied: count(dissatisfied),
        }),
        evaluation_until: until.map(time),
        due_at: due_at.map(time),
        overdue,
        notes: notes.into_iter().map(note).collect::<Result<_, _>>()?,
        raised_at: Some(time(raised_at)),
        updated_at: Some(time(updated_at)),
        etag: etag(version),
    })
}

fn task(task: Task) -> v1::MatterTask {
    let Task { number, unit, due_on, round: _, done_at } = task;
    v1::MatterTask {
        number: i32::try_from(number).unwrap_or(i32::MAX),
        unit: unit.0,
        due_on: due_on.to_string(),
        done_at: done_at.map(time),
    }
}

fn note(row: entry::Model) -> Result<v1::PublicNote, Error> {
    let facts = facts_of(&row)?;
    Ok(v1::PublicNote {
        kind: row.kind.0.code().to_owned(),
        at: Some(time(row.at)),
        text: row.public_text.unwrap_or_default(),
        facts,
    })
}

pub(crate) fn entry(shown: ShownMatterEntry) -> Result<v1::MatterEntry, Error> {
    let ShownMatterEntry { row, text } = shown;
    let facts = facts_of(&row)?;
    let entry::Model {
        id,
        matter_id: _,
        version,
        at,
        kind: Code(kind),
        actor,
        actor_kind: _,
        public_text,
        text: _,
        facts: _,
    } = row;
    let damaged = || Fault::Internal(format!("matter entry {id} cannot be shown"));
    Ok(v1::MatterEntry {
        version: i32::try_from(version).map_err(|_| damaged())?,
        kind: kind.code().to_owned(),
        at: Some(time(at)),
        actor,
        public_text: public_text.unwrap_or_default(),
        text: text.map(|text| text.expose().to_owned()).unwrap_or_default(),
        facts,
    })
}

fn facts_of(row: &entry::Model) -> Result<HashMap<String, String>, Error> {
    let damaged = |_| Fault::Internal(format!("matter entry {} has damaged facts", row.id));
    Ok(facts(serde_json::from_str(&row.facts).map_err(damaged)?))
}
