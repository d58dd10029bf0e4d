//! Single incidents: from the telephone to an end that the reporter agrees with, or to the day of the next look.

use anyhow::{Context as _, Result};
use linju_proto::incidents::v1::{
    AcceptIncidentRequest, AddNoteRequest, Channel, ConfirmSolutionRequest, DecideDisputeRequest,
    DeclareUnsolvableRequest, DispatchIncidentRequest, DisputeBasis, DisputeDispatchRequest, DisputeOutcome,
    GetIncidentRequest, Incident, IncidentState, ListDisputesRequest, ListIncidentsRequest, ListTimelineRequest, Place,
    ProposeSolutionRequest, ReopenIncidentRequest, ReportIncidentRequest, Reporter, ReturnIncidentRequest,
    Satisfaction, StartWorkRequest, TriageIncidentRequest, Urgency,
};

use super::{GRID, Office, PUBLIC, SUBDISTRICT};
use crate::ground::{Caller, id, refusal};

/// A clerk writes a call down, and a dispatcher gives it to the lights.
async fn called(office: &Office, description: &str) -> Result<String> {
    let report = ReportIncidentRequest {
        channel: Channel::Phone.into(),
        place: Some(Place { area_code: GRID.to_owned(), address: "白玉小区3栋".to_owned(), ..Place::default() }),
        description: description.to_owned(),
        reporter: Some(Reporter { name: "李晓明".to_owned(), phone: "13600001234".to_owned() }),
        request_id: id(),
        ..Default::default()
    };
    let reported = office.clerk.incidents().report_incident(report).await?.into_inner();
    let triage = TriageIncidentRequest {
        id: reported.id.clone(),
        category: "roads.street_light".to_owned(),
        urgency: Urgency::Routine.into(),
        ..Default::default()
    };
    office.dispatcher.incidents().triage_incident(triage).await?;
    let dispatch = DispatchIncidentRequest { id: reported.id.clone(), unit: "lights".to_owned(), ..Default::default() };
    office.dispatcher.incidents().dispatch_incident(dispatch).await?;
    Ok(reported.id)
}

async fn get(caller: &Caller, id: &str) -> Result<Incident> {
    Ok(caller.incidents().get_incident(GetIncidentRequest { id: id.to_owned() }).await?.into_inner())
}

pub(super) async fn is_solved_the_second_time(office: &Office) -> Result<String> {
    let lamp = called(office, "路灯坏了一周").await?;
    let promised = get(&office.dispatcher, &lamp).await?.expected_at;
    assert!(promised.is_some(), "a time was promised");
    is_disputed(office, &lamp).await?;
    assert_eq!(get(&office.dispatcher, &lamp).await?.expected_at, promised, "the time runs on");
    is_worked_on(office, &lamp).await?;

    let confirm =
        ConfirmSolutionRequest { id: lamp.clone(), satisfaction: Satisfaction::Satisfied.into(), etag: String::new() };
    assert_eq!(
        refusal(office.power.incidents().confirm_solution(confirm.clone()).await),
        "PermissionDenied ROLE_NOT_ALLOWED"
    );
    let reopen =
        ReopenIncidentRequest { id: lamp.clone(), reason: "晚上还是不亮".to_owned(), etag: String::new() };
    let again = office.call_back.incidents().reopen_incident(reopen).await?.into_inner();
    assert_eq!((again.state(), again.unit.as_str()), (IncidentState::InProgress, "power"), "it goes on by itself");
    propose(&office.power, &lamp, "换了整灯").await?;
    let closed = office.call_back.incidents().confirm_solution(confirm).await?.into_inner();
    assert_eq!((closed.state(), closed.satisfaction()), (IncidentState::Closed, Satisfaction::Satisfied));

    let entries = office.dispatcher.incidents().list_timeline(ListTimelineRequest { id: lamp.clone() }).await?;
    let entries = entries.into_inner().entries;
    let kinds: Vec<_> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "reported",
            "triaged",
            "dispatched",
            "promised",
            "dispatch_disputed",
            "dispute_decided",
            "dispatched",
            "accepted",
            "note_added",
            "work_started",
            "solution_proposed",
            "reopened",
            "solution_proposed",
            "closed"
        ]
    );
    assert!(entries.iter().zip(1..).all(|(entry, version)| entry.version == version), "no gaps");
    Ok(lamp)
}

/// The lights say that it is not theirs; the reviewer gives it to the power people.
async fn is_disputed(office: &Office, lamp: &str) -> Result<()> {
    let dispute = DisputeDispatchRequest {
        id: lamp.to_owned(),
        basis: DisputeBasis::DutyList.into(),
        reference: "派单目录 3.2".to_owned(),
        reason: "属供电线路".to_owned(),
        etag: String::new(),
    };
    let disputed = office.lights.disputes().dispute_dispatch(dispute.clone()).await?.into_inner();
    assert!(disputed.disputed && disputed.unit == "lights", "the first receiver is responsible");
    assert_eq!(refusal(office.lights.disputes().dispute_dispatch(dispute).await), "FailedPrecondition DISPUTE_OPEN");
    let hand_back = ReturnIncidentRequest { id: lamp.to_owned(), reason: "不收".to_owned(), etag: String::new() };
    assert_eq!(refusal(office.lights.incidents().return_incident(hand_back).await), "FailedPrecondition DISPUTE_OPEN");

    let list = ListDisputesRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
    let open = office.reviewer.disputes().list_disputes(list).await?.into_inner().disputes;
    assert_eq!(open.iter().map(|dispute| dispute.incident_id.as_str()).collect::<Vec<_>>(), [lamp]);
    let decide = DecideDisputeRequest {
        id: lamp.to_owned(),
        outcome: DisputeOutcome::Moves.into(),
        unit: "power".to_owned(),
        explanation: "按派单目录由供电班组负责".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        refusal(office.dispatcher.disputes().decide_dispute(decide.clone()).await),
        "PermissionDenied ROLE_NOT_ALLOWED"
    );
    let moved = office.reviewer.disputes().decide_dispute(decide).await?.into_inner();
    assert_eq!((moved.unit.as_str(), moved.disputed, moved.state()), ("power", false, IncidentState::Dispatched));
    Ok(())
}

async fn is_worked_on(office: &Office, lamp: &str) -> Result<()> {
    let id = lamp.to_owned();
    office.power.incidents().accept_incident(AcceptIncidentRequest { id: id.clone(), etag: String::new() }).await?;
    let note = AddNoteRequest { id: id.clone(), text: "今天下午来修".to_owned(), visibility: PUBLIC.into() };
    office.power.incidents().add_note(note).await?;
    office.power.incidents().start_work(StartWorkRequest { id, etag: String::new() }).await?;
    propose(&office.power, lamp, "换了灯泡").await
}

async fn propose(handler: &Caller, id: &str, solution: &str) -> Result<()> {
    let propose = ProposeSolutionRequest { id: id.to_owned(), solution: solution.to_owned(), etag: String::new() };
    let proposed = handler.incidents().propose_solution(propose).await?.into_inner();
    assert_eq!(proposed.state(), IncidentState::SolutionProposed, "nobody has said yet that it is solved");
    Ok(())
}

/// It stays on the list until somebody looks again.
pub(super) async fn cannot_be_solved_and_comes_back(office: &Office) -> Result<()> {
    let lamp = called(office, "老街没有路灯").await?;
    let id = lamp.clone();
    office.lights.incidents().accept_incident(AcceptIncidentRequest { id: id.clone(), etag: String::new() }).await?;
    let declare = DeclareUnsolvableRequest {
        id: id.clone(),
        reason: "等老街改造".to_owned(),
        next_look_on: "2099-03-01".to_owned(),
        etag: String::new(),
    };
    office.lights.incidents().declare_unsolvable(declare).await?;
    let list = ListIncidentsRequest {
        area_code: SUBDISTRICT.to_owned(),
        states: vec![IncidentState::Unsolvable.into()],
        ..Default::default()
    };
    let visible = office.reviewer.incidents().list_incidents(list).await?.into_inner().incidents;
    let visible = visible.first().context("what cannot be solved stays visible")?;
    assert_eq!((visible.id.as_str(), visible.next_look_on.as_str()), (lamp.as_str(), "2099-03-01"));
    let triage = TriageIncidentRequest {
        id,
        category: "roads.street_light".to_owned(),
        urgency: Urgency::Routine.into(),
        ..Default::default()
    };
    let again = office.dispatcher.incidents().triage_incident(triage).await?.into_inner();
    assert_eq!((again.state(), again.next_look_on.as_str()), (IncidentState::Triaged, ""));
    Ok(())
}
