//! A matter that concerns many: 说事、议事、办事、评事.

use anyhow::{Context as _, Result};
use chassis::data::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        AddVoiceRequest, CallMeetingRequest, ConcludeMatterRequest, GatherIncidentRequest, GetMatterRequest,
        ListTimelineRequest, Matter, MatterConclusion, MatterStage, MeetingOutcome, Party, PartyRole,
        RaiseMatterRequest, RateMatterRequest, RecordMeetingRequest, ReportMatterTaskRequest, Satisfaction,
        SetMatterTaskRequest, StartEvaluationRequest,
    },
};
use prost_types::Timestamp;

use super::{COMMUNITY, Office, SUBDISTRICT};
use crate::ground::{Caller, House, Who, id, reason, refusal, until};

fn stamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: at.timestamp(), nanos: 0 }
}

fn in_seconds(seconds: i64) -> Timestamp {
    stamp(Clock::system().now() + TimeDelta::seconds(seconds))
}

/// Tries until the time has come that `early` speaks of.
async fn when_it_is_time<T>(
    early: &str,
    mut attempt: impl AsyncFnMut() -> Result<tonic::Response<T>, tonic::Status>,
) -> Result<T> {
    until("the time comes", async || match attempt().await {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if reason(&status) == early => Ok(None),
        Err(status) => Err(status.into()),
    })
    .await
}

pub(super) async fn goes_through_the_four_steps(house: &House, office: &Office, lamp: &str) -> Result<()> {
    let mut neighbours = Vec::new();
    for subject in ["u-neighbour-1", "u-neighbour-2", "u-neighbour-3"] {
        neighbours.push(house.caller(&Who::new(subject, Role::Resident, SUBDISTRICT)).await?);
    }
    let matter = is_said(office, &neighbours, lamp).await?;
    is_deliberated(office, &matter).await?;
    is_done(office, &matter).await?;
    is_evaluated(office, &neighbours, &matter).await?;

    let heard = office.clerk.because("case_handling").incidents();
    let entries = { heard }.list_timeline(ListTimelineRequest { id: lamp.to_owned() }).await?.into_inner().entries;
    let heard: Vec<_> = entries.iter().filter(|e| e.kind == "matter_moved").map(|e| e.facts["step"].as_str()).collect();
    let expected =
        ["meeting_called", "meeting_recorded", "task_set", "task_reported", "evaluation_started", "concluded"];
    assert_eq!(heard, expected, "whoever reported the lamp keeps hearing");
    let shown = neighbours[2].matters().get_matter(GetMatterRequest { id: matter }).await?.into_inner();
    assert_eq!((shown.stage(), shown.notes.len()), (MatterStage::Closed, 6));
    let ratings = shown.ratings.context("ratings")?;
    assert_eq!((ratings.satisfied, ratings.basically_satisfied, ratings.dissatisfied), (2, 1, 0));
    Ok(())
}

async fn is_said(office: &Office, neighbours: &[Caller], lamp: &str) -> Result<String> {
    let raise = RaiseMatterRequest {
        area_code: COMMUNITY.to_owned(),
        text: "整条街的路灯都不行".to_owned(),
        households: 1,
        request_id: id(),
        ..Default::default()
    };
    let raised = neighbours[0].matters().raise_matter(raise).await?.into_inner();
    assert_eq!(raised.stage(), MatterStage::Say);
    let voice = AddVoiceRequest { id: raised.id.clone(), households: 1, text: "我家也是".to_owned() };
    neighbours[1].matters().add_voice(voice.clone()).await?;
    assert_eq!(refusal(neighbours[1].matters().add_voice(voice).await), "AlreadyExists SAID_BEFORE");
    let gather = GatherIncidentRequest { id: raised.id.clone(), incident_id: lamp.to_owned(), etag: String::new() };
    let gathered = office.clerk.matters().gather_incident(gather).await?.into_inner();
    assert_eq!((gathered.households, gathered.incidents), (2, 1));
    Ok(raised.id)
}

async fn is_deliberated(office: &Office, matter: &str) -> Result<()> {
    let call = CallMeetingRequest {
        id: matter.to_owned(),
        at: Some(in_seconds(5)),
        place: "白玉社区会议室".to_owned(),
        text: "议路灯改造".to_owned(),
        title: "白玉街路灯改造".to_owned(),
        etag: String::new(),
    };
    assert_eq!(office.reviewer.matters().call_meeting(call).await?.into_inner().stage(), MatterStage::Deliberate);
    let record = RecordMeetingRequest {
        id: matter.to_owned(),
        present: vec![Party { role: PartyRole::Resident.into(), count: 11 }],
        decision: "更换线路".to_owned(),
        objections: "担心噪声".to_owned(),
        outcome: MeetingOutcome::Act.into(),
        etag: String::new(),
    };
    let recorded: Matter =
        when_it_is_time("MEETING_AHEAD", async || office.reviewer.matters().record_meeting(record.clone()).await)
            .await?;
    assert_eq!(recorded.stage(), MatterStage::Do);
    Ok(())
}

async fn is_done(office: &Office, matter: &str) -> Result<()> {
    let task = SetMatterTaskRequest {
        id: matter.to_owned(),
        unit: "power".to_owned(),
        due_on: "2099-03-01".to_owned(),
        text: "更换线路".to_owned(),
        etag: String::new(),
    };
    office.reviewer.matters().set_matter_task(task).await?;
    let report = ReportMatterTaskRequest {
        id: matter.to_owned(),
        number: 1,
        text: "已更换".to_owned(),
        done: true,
        ..Default::default()
    };
    assert_eq!(
        refusal(office.lights.matters().report_matter_task(report.clone()).await),
        "PermissionDenied NOT_YOUR_UNIT"
    );
    office.power.matters().report_matter_task(report).await?;
    Ok(())
}

async fn is_evaluated(office: &Office, neighbours: &[Caller], matter: &str) -> Result<()> {
    let start = StartEvaluationRequest {
        id: matter.to_owned(),
        until: Some(in_seconds(10)),
        text: "请评价".to_owned(),
        etag: String::new(),
    };
    office.reviewer.matters().start_evaluation(start).await?;
    let words = [Satisfaction::Satisfied, Satisfaction::Satisfied, Satisfaction::BasicallySatisfied];
    for (neighbour, satisfaction) in neighbours.iter().zip(words) {
        let rate = RateMatterRequest { id: matter.to_owned(), satisfaction: satisfaction.into(), text: String::new() };
        neighbour.matters().rate_matter(rate).await?;
    }
    let conclude = ConcludeMatterRequest {
        id: matter.to_owned(),
        conclusion: MatterConclusion::Close.into(),
        summary: "三户评价，均满意或基本满意".to_owned(),
        etag: String::new(),
    };
    let concluded: Matter =
        when_it_is_time("STILL_RATING", async || office.reviewer.matters().conclude_matter(conclude.clone()).await)
            .await?;
    assert_eq!(concluded.stage(), MatterStage::Closed);
    Ok(())
}
