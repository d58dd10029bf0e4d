//! Reports and orders that cannot be.

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        AcceptIncidentRequest, Building, Channel, ConfirmSolutionRequest, DeclareUnsolvableRequest,
        DispatchIncidentRequest, GetIncidentFiguresRequest, GetIncidentRequest, JoinDuplicateRequest,
        ListIncidentsRequest, Place, ReportIncidentRequest, TriageIncidentRequest, Urgency,
    },
};
use prost_types::Timestamp;

use super::{COMMUNITY, ELSEWHERE, Scene};
use crate::ground::{Caller, id, refusal};

fn report(change: impl FnOnce(&mut ReportIncidentRequest)) -> ReportIncidentRequest {
    let mut report = ReportIncidentRequest {
        channel: Channel::Phone.into(),
        place: Some(Place { area_code: COMMUNITY.to_owned(), ..Place::default() }),
        description: "路灯不亮".to_owned(),
        request_id: id(),
        ..ReportIncidentRequest::default()
    };
    change(&mut report);
    report
}

fn place(change: impl FnOnce(&mut Place)) -> impl FnOnce(&mut ReportIncidentRequest) {
    move |report| {
        if let Some(place) = &mut report.place {
            change(place);
        }
    }
}

pub(super) async fn refused(scene: &Scene) -> Result<()> {
    let mut clerk = scene.who(Role::CallClerk, "511903001").await?.incidents();
    for (request, wanted) in [
        (report(|r| r.place = None), "InvalidArgument INVALID_FIELD place"),
        (report(|r| r.channel = 0), "InvalidArgument INVALID_FIELD channel"),
        (report(|r| r.set_channel(Channel::Import)), "InvalidArgument INVALID_FIELD channel"),
        (report(|r| r.channel = 99), "InvalidArgument INVALID_FIELD channel"),
        (report(|r| r.description.clear()), "InvalidArgument INVALID_FIELD description"),
        (report(|r| r.description = " \u{3000}".into()), "InvalidArgument INVALID_FIELD description"),
        (report(|r| r.description = "x".repeat(4001)), "InvalidArgument INVALID_FIELD description"),
        (report(|r| r.category = "roads.potato".into()), "InvalidArgument INVALID_FIELD category"),
        (report(|r| r.request_id = "1".into()), "InvalidArgument INVALID_FIELD request_id"),
        (report(place(|p| p.area_code = "511903".into())), "InvalidArgument INVALID_FIELD place.area_code"),
        (report(place(|p| p.area_code = ELSEWHERE.into())), "PermissionDenied AREA_NOT_GRANTED place.area_code"),
        (report(place(|p| p.latitude = Some(91.0))), "InvalidArgument INVALID_FIELD place.latitude"),
        // It lies neither above the lower bound nor below the upper one.
        (report(place(|p| p.latitude = Some(f64::NAN))), "InvalidArgument INVALID_FIELD place.latitude place.latitude"),
        (report(place(|p| p.latitude = Some(31.0))), "InvalidArgument INVALID_FIELD place"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(refusal(clerk.report_incident(request).await), wanted, "{shown}");
    }
    let resident = scene.who(Role::Resident, "511903001").await?;
    assert_eq!(
        refusal(resident.incidents().report_incident(report(|_| {})).await),
        "InvalidArgument INVALID_FIELD channel",
        "the telephone is the office's"
    );
    let dispatcher = scene.who(Role::Dispatcher, "511903001").await?;
    Box::pin(lists(&dispatcher)).await
}

async fn lists(dispatcher: &Caller) -> Result<()> {
    let mut incidents = dispatcher.incidents();
    let list = |area: &str| ListIncidentsRequest { area_code: area.to_owned(), ..Default::default() };
    for (request, wanted) in [
        (ListIncidentsRequest { page_size: -5, ..list(COMMUNITY) }, "InvalidArgument INVALID_FIELD page_size"),
        (ListIncidentsRequest { states: vec![0], ..list(COMMUNITY) }, "InvalidArgument INVALID_FIELD states[0]"),
        (
            ListIncidentsRequest { category: "potato".to_owned(), ..list(COMMUNITY) },
            "InvalidArgument INVALID_FIELD category",
        ),
        (
            ListIncidentsRequest { page_token: "x".to_owned(), ..list(COMMUNITY) },
            "InvalidArgument PAGE_TOKEN_OF_ANOTHER_QUERY",
        ),
        (list("5119"), "InvalidArgument INVALID_FIELD area_code"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(refusal(incidents.list_incidents(request).await), wanted, "{shown}");
    }
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let figures = GetIncidentFiguresRequest {
        area_code: COMMUNITY.to_owned(),
        from: at(1_700_000_000),
        until: at(1_600_000_000),
        contact_limit_hours: 0,
    };
    let reversed = incidents.get_incident_figures(figures.clone()).await;
    assert_eq!(refusal(reversed), "InvalidArgument INVALID_FIELD until");
    let beyond = GetIncidentFiguresRequest { from: at(i64::MAX), until: None, ..figures };
    assert_eq!(refusal(incidents.get_incident_figures(beyond).await), "InvalidArgument INVALID_FIELD from");
    let get = GetIncidentRequest { id: id() };
    assert_eq!(refusal(incidents.get_incident(get).await), "NotFound NOT_FOUND");
    Ok(())
}

/// One real incident, and every step of it out of turn; only the report and the one good step are written.
pub(super) async fn out_of_turn(scene: &Scene) -> Result<()> {
    let clerk = scene.who(Role::CallClerk, "511903001").await?;
    let reported = clerk.incidents().report_incident(report(|_| {})).await?.into_inner();
    let before = scene.house.install.count("incidents", "timeline").await?;
    let id = reported.id.clone();
    let dispatcher = scene.who(Role::Dispatcher, "511903001").await?;
    let worker = scene.who(Role::GridWorker, "511903001").await?;
    let elsewhere = scene.who(Role::Dispatcher, ELSEWHERE).await?;

    let dispatch = DispatchIncidentRequest { id: id.clone(), unit: "roads".to_owned(), ..Default::default() };
    assert_eq!(
        refusal(dispatcher.incidents().dispatch_incident(dispatch.clone()).await),
        "FailedPrecondition WRONG_STATE"
    );
    assert_eq!(refusal(elsewhere.incidents().dispatch_incident(dispatch).await), "NotFound NOT_FOUND");
    let accept = AcceptIncidentRequest { id: id.clone(), ..Default::default() };
    assert_eq!(refusal(worker.incidents().accept_incident(accept).await), "FailedPrecondition WRONG_STATE");
    let confirm = ConfirmSolutionRequest { id: id.clone(), ..Default::default() };
    assert_eq!(refusal(clerk.incidents().confirm_solution(confirm).await), "FailedPrecondition WRONG_STATE");
    let join = JoinDuplicateRequest { id: id.clone(), duplicate_of: id.clone(), etag: String::new() };
    assert_eq!(
        refusal(dispatcher.incidents().join_duplicate(join).await),
        "InvalidArgument DUPLICATE_OF_ITSELF duplicate_of"
    );

    let triage = TriageIncidentRequest {
        id: id.clone(),
        category: "roads.street_light".to_owned(),
        urgency: Urgency::Routine.into(),
        etag: "v99".to_owned(),
        ..Default::default()
    };
    assert_eq!(refusal(dispatcher.incidents().triage_incident(triage.clone()).await), "Aborted STALE_ETAG");
    let endangers =
        Some(Building {
            area_code: "511903002001".to_owned(), compound: "甲".to_owned(), building: "1栋".to_owned()
        });
    let outside = TriageIncidentRequest { endangers, etag: String::new(), ..triage.clone() };
    assert_eq!(
        refusal(dispatcher.incidents().triage_incident(outside).await),
        "PermissionDenied AREA_NOT_GRANTED endangers.area_code"
    );
    let good = TriageIncidentRequest { etag: reported.etag.clone(), ..triage.clone() };
    let triaged = dispatcher.incidents().triage_incident(good.clone()).await?.into_inner();
    assert_ne!(triaged.etag, reported.etag);
    assert_eq!(refusal(dispatcher.incidents().triage_incident(good).await), "Aborted STALE_ETAG", "the etag of before");
    let past = DeclareUnsolvableRequest {
        id: id.clone(),
        reason: "没有配件".to_owned(),
        next_look_on: "2020-01-01".to_owned(),
        etag: String::new(),
    };
    assert_eq!(
        refusal(dispatcher.incidents().declare_unsolvable(past).await),
        "InvalidArgument NEXT_LOOK_NOT_AFTER_TODAY next_look_on"
    );
    assert_eq!(scene.house.install.count("incidents", "timeline").await?, before + 1, "the one good step");
    Ok(())
}
