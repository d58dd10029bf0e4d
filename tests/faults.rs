//! What breaks, breaks for good: processes and servers are killed, lines go dead, disks fill up. Nothing that was answered is
//! lost, nothing happens twice, and nothing is answered that did not happen.

mod bus;
mod crash;
mod database;
mod disk;
mod shutdown;

use anyhow::{Context as _, Result, ensure};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        Building, Channel, GetIncidentRequest, Incident, Place, ReportIncidentRequest, TriageIncidentRequest, Urgency,
    },
};
use tonic::Status;

use crate::ground::{Caller, ENDANGERED, House, Install, Who, holds, id, until};

/// Somebody who reports and triages.
async fn desk(house: &House) -> Result<Caller> {
    house.caller(&Who::new("u-desk", Role::Dispatcher, "511903001").also(Role::CallClerk)).await
}

fn a_report() -> ReportIncidentRequest {
    ReportIncidentRequest {
        channel: Channel::Phone.into(),
        place: Some(Place { area_code: ENDANGERED.0.to_owned(), ..Place::default() }),
        description: "墙体有裂缝".to_owned(),
        request_id: id(),
        ..ReportIncidentRequest::default()
    }
}

async fn report(desk: &Caller) -> Result<Incident, Status> {
    Ok(desk.incidents().report_incident(a_report()).await?.into_inner())
}

async fn endanger(desk: &Caller, id: &str) -> Result<Incident, Status> {
    let (area, compound, building) = ENDANGERED;
    let triage = TriageIncidentRequest {
        id: id.to_owned(),
        category: "building.structure".to_owned(),
        urgency: Urgency::Emergency.into(),
        endangers: Some(Building {
            area_code: area.to_owned(),
            compound: compound.to_owned(),
            building: building.to_owned(),
        }),
        ..Default::default()
    };
    Ok(desk.incidents().triage_incident(triage).await?.into_inner())
}

/// Waits until residents has said how many people need help.
async fn answered(desk: &Caller, id: &str) -> Result<()> {
    let get = GetIncidentRequest { id: id.to_owned() };
    let incident = until("residents answers", async || {
        let incident = desk.incidents().get_incident(get.clone()).await?.into_inner();
        Ok(incident.need_help.is_some().then_some(incident))
    });
    ensure!(incident.await?.need_help == Some(3));
    Ok(())
}

/// Everything that was written went out once, was handled once, and had one effect for each incident that asked.
async fn exactly_once(install: &Install, endangered: i64) -> Result<()> {
    holds("every event is published", async || install.is_drained().await).await?;
    let mut on_bus: Vec<String> = install.events().await?.into_iter().map(|event| event.id).collect();
    on_bus.sort_unstable();
    ensure!(on_bus == install.outbox_ids().await?, "each event of an outbox is on the bus once");
    let triaged = install.count("incidents", "timeline WHERE kind = 'triaged'").await?;
    let drawn = install.count("incidents", "timeline WHERE kind = 'care_list_drawn'").await?;
    ensure!((triaged, drawn) == (endangered, endangered), "{triaged} triaged, {drawn} drawn");
    let answers = install.count("residents", "outbox WHERE kind = 'linju.residents.v1.CareListDrawn'").await?;
    ensure!(answers == endangered, "{answers} answers");
    for (service, consumer) in [("residents", "residents-care"), ("incidents", "incidents-care")] {
        let handled = install.count(service, &format!("inbox WHERE consumer = '{consumer}'")).await?;
        ensure!(handled == endangered, "{consumer} handled {handled}");
    }
    let gaps = "SELECT count(*) FROM incidents i WHERE i.version <> (SELECT count(*) FROM timeline t WHERE t.incident_id = i.id)";
    ensure!(install.number("incidents", gaps).await? == 0, "a timeline has gaps");
    let parked = install.told(&["dlq", "list"])?;
    ensure!(parked.as_array().context("a list")?.is_empty(), "{parked}");
    Ok(())
}
