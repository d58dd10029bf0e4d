//! An incident from the telephone to its confirmed end.

use anyhow::{Context as _, Result};
use linju_proto::incidents::v1::{
    AcceptIncidentRequest, Building, Channel, ConfirmSolutionRequest, DispatchIncidentRequest,
    GetIncidentFiguresRequest, GetIncidentRequest, Incident, IncidentState, ListTimelineRequest, Place,
    ProposeSolutionRequest, ReopenIncidentRequest, ReportIncidentRequest, Reporter, Satisfaction, StartWorkRequest,
    TimelineEntry, TriageIncidentRequest, Urgency, Visibility,
};
use linju_proto::residents::v1::DrawCareListRequest;

use super::Office;
use crate::ground::{Caller, ENDANGERED, House, id, refusal, until};

const DESCRIPTION: &str = "墙体有裂缝，还在变宽";

async fn get(caller: &Caller, id: &str) -> Result<Incident> {
    Ok(caller.incidents().get_incident(GetIncidentRequest { id: id.to_owned() }).await?.into_inner())
}

async fn timeline(caller: &Caller, id: &str) -> Result<Vec<TimelineEntry>> {
    Ok(caller.incidents().list_timeline(ListTimelineRequest { id: id.to_owned() }).await?.into_inner().entries)
}

/// A clerk writes a call down and triages it; residents answers how many people need help.
pub(super) async fn is_reported_and_answered_by_residents(office: &Office) -> Result<String> {
    let (area, compound, building) = ENDANGERED;
    let report = ReportIncidentRequest {
        channel: Channel::Phone.into(),
        place: Some(Place { area_code: area.to_owned(), address: "13栋东侧".to_owned(), ..Place::default() }),
        description: DESCRIPTION.to_owned(),
        reporter: Some(Reporter { name: "李晓明".to_owned(), phone: "13600001234".to_owned() }),
        request_id: id(),
        ..Default::default()
    };
    let reported = office.clerk.incidents().report_incident(report.clone()).await?.into_inner();
    assert_eq!(reported.state(), IncidentState::Reported);
    let again = office.clerk.incidents().report_incident(report.clone()).await?.into_inner();
    assert_eq!(again.id, reported.id, "the same request again is the same incident");
    let other = ReportIncidentRequest { description: "别的事".to_owned(), ..report };
    let refused = office.clerk.incidents().report_incident(other).await;
    assert_eq!(refusal(refused), "AlreadyExists REQUEST_ID_REUSED");

    let triage = TriageIncidentRequest {
        id: reported.id.clone(),
        category: "building.structure".to_owned(),
        urgency: Urgency::Emergency.into(),
        endangers: Some(Building {
            area_code: area.to_owned(),
            compound: compound.to_owned(),
            building: building.to_owned(),
        }),
        etag: reported.etag,
        ..Default::default()
    };
    let triaged = office.dispatcher.incidents().triage_incident(triage).await?.into_inner();
    assert_eq!(triaged.state(), IncidentState::Triaged);

    let answered = until("residents says who needs help", async || {
        let incident = get(&office.dispatcher, &reported.id).await?;
        Ok(incident.need_help.is_some().then_some(incident))
    });
    assert_eq!(answered.await?.need_help, Some(3));
    let entries = timeline(&office.dispatcher, &reported.id).await?;
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["reported", "triaged", "care_list_drawn"]);
    let drawn = entries.last().context("an entry")?;
    assert_eq!((drawn.facts["residents"].as_str(), drawn.facts["need_help"].as_str()), ("5", "3"));
    assert_eq!((drawn.actor.as_str(), drawn.visibility()), ("system", Visibility::Internal));
    Ok(reported.id)
}

/// The people themselves are shown to a dispatcher who says that it is an emergency, and to nobody without a purpose.
pub(super) async fn opens_the_care_list(house: &House, office: &Office) -> Result<()> {
    let (area, compound, building) = ENDANGERED;
    let draw = DrawCareListRequest {
        area_code: area.to_owned(),
        compound: compound.to_owned(),
        building: building.to_owned(),
    };
    let refused = office.dispatcher.care().draw_care_list(draw.clone()).await;
    assert_eq!(refusal(refused), "PermissionDenied PURPOSE_NEEDED");
    let looks = "audit WHERE purpose = 'emergency_help' AND who = 'u-dispatcher'";
    assert_eq!(house.install.count("residents", looks).await?, 0);

    let list = office.dispatcher.because("emergency_help").care().draw_care_list(draw).await?.into_inner();
    assert_eq!((list.residents, list.entries.len()), (5, 3));
    let mut names: Vec<_> =
        list.entries.iter().filter_map(|entry| Some(entry.resident.as_ref()?.name.clone())).collect();
    names.sort_unstable();
    assert_eq!(names, ["张超怡", "梁俊涛", "袁强雨"]);
    let rooms: Vec<_> = list.entries.iter().filter_map(|entry| Some(entry.dwelling.as_ref()?.room.clone())).collect();
    assert_eq!(rooms, ["1201", "1201", "1201"]);
    assert_eq!(house.install.count("residents", looks).await?, 3, "one look a person");
    Ok(())
}

/// Dispatched, accepted, worked on; who worked on it may not confirm it; not solved, worked on again, confirmed.
pub(super) async fn is_worked_to_its_end(house: &House, office: &Office, incident: &str) -> Result<()> {
    let id = incident.to_owned();
    let dispatch = DispatchIncidentRequest { id: id.clone(), unit: "housing".to_owned(), ..Default::default() };
    office.dispatcher.incidents().dispatch_incident(dispatch).await?;
    let accept = AcceptIncidentRequest { id: id.clone(), etag: String::new() };
    let stranger = crate::ground::Who::new("u-roads", linju_proto::common::v1::Role::Handler, super::SUBDISTRICT);
    let stranger = house.caller(&stranger.of_unit("roads")).await?;
    assert_eq!(refusal(stranger.incidents().accept_incident(accept.clone()).await), "PermissionDenied NOT_YOUR_UNIT");
    office.both.incidents().accept_incident(accept).await?;
    let start = StartWorkRequest { id: id.clone(), etag: String::new() };
    office.handler.incidents().start_work(start).await?;
    propose(&office.handler, &id, "已加固").await?;

    let confirm =
        ConfirmSolutionRequest { id: id.clone(), satisfaction: Satisfaction::Satisfied.into(), etag: String::new() };
    let refused = office.both.incidents().confirm_solution(confirm.clone()).await;
    assert_eq!(refusal(refused), "PermissionDenied NOT_INDEPENDENT");
    let reopen = ReopenIncidentRequest { id: id.clone(), reason: "还在掉砖".to_owned(), etag: String::new() };
    let reopened = office.clerk.incidents().reopen_incident(reopen).await?.into_inner();
    assert_eq!(reopened.state(), IncidentState::InProgress);
    assert_eq!(
        refusal(office.clerk.incidents().confirm_solution(confirm.clone()).await),
        "FailedPrecondition WRONG_STATE",
        "nothing is proposed any more"
    );
    propose(&office.handler, &id, "已拆除松动的砖").await?;
    let closed = office.clerk.incidents().confirm_solution(confirm).await?.into_inner();
    assert_eq!((closed.state(), closed.satisfaction()), (IncidentState::Closed, Satisfaction::Satisfied));
    assert!(closed.closed_at.is_some());

    let entries = timeline(&office.dispatcher.because("case_handling"), &id).await?;
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "reported",
            "triaged",
            "care_list_drawn",
            "dispatched",
            "promised",
            "accepted",
            "work_started",
            "solution_proposed",
            "reopened",
            "solution_proposed",
            "closed"
        ]
    );
    assert!(entries.iter().zip(1..).all(|(entry, version)| entry.version == version), "no gaps");
    assert!(entries.iter().any(|entry| entry.text == "还在掉砖"), "in clear for a purpose");
    let masked = timeline(&office.dispatcher, &id).await?;
    assert!(masked.iter().all(|entry| entry.text.is_empty()), "texts are masked without one");
    Ok(())
}

async fn propose(handler: &Caller, id: &str, solution: &str) -> Result<()> {
    let propose = ProposeSolutionRequest { id: id.to_owned(), solution: solution.to_owned(), etag: String::new() };
    let proposed = handler.incidents().propose_solution(propose).await?.into_inner();
    assert_eq!(proposed.state(), IncidentState::SolutionProposed);
    Ok(())
}

/// The one incident of this community, and the week of Los Angeles in another.
pub(super) async fn counts_in_the_figures(office: &Office) -> Result<()> {
    let figures = async |area: &str| {
        let request = GetIncidentFiguresRequest { area_code: area.to_owned(), ..Default::default() };
        anyhow::Ok(office.dispatcher.incidents().get_incident_figures(request).await?.into_inner())
    };
    let here = figures(ENDANGERED.0).await?;
    assert_eq!(here.incidents, 1);
    for (name, rate) in
        [("response", &here.response), ("resolution", &here.resolution), ("satisfaction", &here.satisfaction)]
    {
        let rate = rate.as_ref().context("a rate")?;
        assert_eq!((rate.counted, rate.of), (1, 1), "{name}: {rate:?}");
    }
    let all = figures(super::SUBDISTRICT).await?;
    assert_eq!(all.incidents, 9_988);
    let states: i64 = all.by_state.iter().map(|state| state.incidents).sum();
    let areas: i64 = all.by_area.iter().map(|area| area.incidents).sum();
    assert_eq!((states, areas), (9_988, 9_988));
    let rate = all.resolution.context("a rate")?;
    assert_eq!(rate.counted, 1, "an import proves no confirmation: {rate:?}");
    Ok(())
}
