//! Disputes of dispatches: who may, who decides, and who stays responsible meanwhile.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, DisputeBasis, DisputeOutcome, IncidentState, dispute_service_client::DisputeServiceClient},
};
use tonic::Status;

use crate::ground::{Gated, Ground, Person, SUBDISTRICT, clerk, dispatcher, handler, manager, reason, resident};

/// Answers for the communities, dispatches, and decides disputes of what others dispatched.
fn community() -> Person {
    Person::new("u-community", Role::CommunityManager, SUBDISTRICT)
}

fn roads() -> Person {
    Person::new("u-roads", Role::Handler, SUBDISTRICT).of_unit("roads")
}

impl Ground {
    fn disputes(&self) -> DisputeServiceClient<Gated> {
        DisputeServiceClient::new(self.gated.clone())
    }

    async fn dispute(&self, who: &Person, id: &str) -> Result<v1::Incident, Status> {
        let request = v1::DisputeDispatchRequest {
            id: id.to_owned(),
            basis: DisputeBasis::Ownership.into(),
            reference: "2019年移交协议第3条".to_owned(),
            reason: "灯杆属道路养护单位".to_owned(),
            etag: String::new(),
        };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.disputes().dispute_dispatch(request).await?.into_inner())
    }

    async fn rule(
        &self,
        who: &Person,
        id: &str,
        fill: impl FnOnce(&mut v1::DecideDisputeRequest),
    ) -> Result<v1::Incident, Status> {
        let mut request = v1::DecideDisputeRequest {
            id: id.to_owned(),
            outcome: DisputeOutcome::Stays.into(),
            explanation: "经核对派单目录决定".to_owned(),
            ..Default::default()
        };
        fill(&mut request);
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.disputes().decide_dispute(request).await?.into_inner())
    }

    async fn open_disputes(&self, decided: bool) -> Result<Vec<v1::Dispute>> {
        let request = v1::ListDisputesRequest { area_code: SUBDISTRICT.to_owned(), decided, ..Default::default() };
        Ok(self.disputes().list_disputes(self.of(&manager(), request)?).await?.into_inner().disputes)
    }

    async fn expected(&self, id: &str) -> Result<Option<prost_types::Timestamp>> {
        Ok(self.get(&dispatcher(), id).await?.expected_at)
    }
}

fn to(unit: &'static str) -> impl Fn(&mut v1::DecideDisputeRequest) {
    move |request| {
        request.outcome = DisputeOutcome::Moves.into();
        unit.clone_into(&mut request.unit);
    }
}

#[tokio::test]
async fn somebody_from_outside_decides_and_the_time_runs_on() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let (id, steps) = (incident.id.as_str(), ground.steps(&incident));
        assert_eq!(reason(ground.dispute(&handler(), id).await), "FailedPrecondition WRONG_STATE");
        steps.to_dispatched().await?;
        let promised = ground.expected(id).await?;
        assert_eq!(reason(ground.rule(&manager(), id, |_| {}).await), "FailedPrecondition NOT_DISPUTED");
        assert_eq!(reason(ground.dispute(&roads(), id).await), "PermissionDenied NOT_YOUR_UNIT");

        let disputed = ground.dispute(&handler(), id).await?;
        assert!(disputed.disputed && disputed.unit == "lights" && disputed.state() == IncidentState::Dispatched);
        assert_eq!(ground.expected(id).await?, promised, "the time runs on");
        assert_eq!(reason(ground.dispute(&handler(), id).await), "FailedPrecondition DISPUTE_OPEN");
        assert_eq!(reason(steps.give_back(&handler(), "不是我们的").await), "FailedPrecondition DISPUTE_OPEN");
        assert_eq!(reason(steps.dispatch(&dispatcher(), "roads").await), "FailedPrecondition DISPUTE_OPEN");
        // The first receiver is responsible: it may work on it all the same, and loses no right by that.
        steps.accept(&handler()).await?;

        let member = manager().and(&handler());
        assert_eq!(reason(ground.rule(&member, id, to("roads")).await), "PermissionDenied OF_THE_UNIT");
        assert_eq!(reason(ground.rule(&manager(), id, to("lights")).await), "FailedPrecondition ALREADY_WITH_UNIT");
        assert_eq!(
            reason(ground.rule(&manager(), id, |r| "x".clone_into(&mut r.unit)).await),
            "InvalidArgument INVALID_FIELD"
        );
        let open = ground.open_disputes(false).await?;
        assert_eq!((open.len(), open[0].unit.as_str(), open[0].basis()), (1, "lights", DisputeBasis::Ownership));

        let moved = ground.rule(&manager(), id, to("roads")).await?;
        assert_eq!((moved.unit.as_str(), moved.state(), moved.disputed), ("roads", IncidentState::Dispatched, false));
        assert_eq!(ground.expected(id).await?, promised, "another unit gets the time that is left");
        assert!(ground.open_disputes(false).await?.is_empty());
        let all = ground.open_disputes(true).await?;
        assert_eq!((all[0].outcome(), all[0].decided_by.as_str()), (DisputeOutcome::Moves, "u-manager"));
        // A dispatch of its own: the other unit may dispute it, and whoever decided the first cannot decide this one.
        ground.dispute(&roads(), id).await?;
        assert_eq!(reason(ground.rule(&manager(), id, |_| {}).await), "PermissionDenied OWN_DISPATCH");
        let stays = ground.rule(&community(), id, |_| {}).await?;
        assert_eq!((stays.unit.as_str(), stays.disputed), ("roads", false));
        assert_eq!(reason(ground.dispute(&roads(), id).await), "FailedPrecondition DISPUTED_BEFORE");
        assert_eq!(reason(steps.give_back(&roads(), "还是不行").await), "FailedPrecondition DECIDED_TO_STAY");
    }
    Ok(())
}

#[tokio::test]
async fn the_reporter_reads_who_decided_and_where_to_go() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let steps = ground.steps(&incident);
        steps.to_dispatched().await?;
        ground.dispute(&handler(), &incident.id).await?;
        let elsewhere = |request: &mut v1::DecideDisputeRequest| {
            request.outcome = DisputeOutcome::Elsewhere.into();
            "国网供电所 95598".clone_into(&mut request.go_to);
        };
        let ended = ground.rule(&manager(), &incident.id, elsewhere).await?;
        assert_eq!((ended.state(), ended.disputed), (IncidentState::Referred, false));
        let own = resident().because("own_matter");
        let entries = ground.timeline(&own, &incident.id).await?;
        assert!(entries.iter().all(|entry| entry.kind != "dispatch_disputed"), "the office's own: {entries:?}");
        let decided = entries.iter().find(|entry| entry.kind == "dispute_decided").context("a decision")?;
        assert_eq!(decided.text, "经核对派单目录决定\n国网供电所 95598");
        assert_eq!(
            (decided.actor.as_str(), decided.facts["decided_as"].as_str(), decided.facts["outcome"].as_str()),
            ("u-manager", "subdistrict_manager", "elsewhere")
        );
    }
    Ok(())
}

#[tokio::test]
async fn several_units_share_and_one_answers_for_it() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let steps = ground.steps(&incident);
        steps.to_dispatched().await?;
        ground.dispute(&handler(), &incident.id).await?;
        let with = |units: &'static [&str]| {
            move |request: &mut v1::DecideDisputeRequest| {
                request.outcome = DisputeOutcome::Shared.into();
                "lights".clone_into(&mut request.unit);
                request.shared_with = units.iter().map(|unit| (*unit).to_owned()).collect();
            }
        };
        assert_eq!(
            reason(ground.rule(&manager(), &incident.id, with(&["lights"])).await),
            "InvalidArgument NOT_SHARED"
        );
        let shared = ground.rule(&manager(), &incident.id, with(&["roads"])).await?;
        assert_eq!((shared.unit.as_str(), shared.shared_with.as_slice()), ("lights", &["roads".to_owned()][..]));
        assert_eq!(reason(steps.accept(&roads()).await), "PermissionDenied NOT_YOUR_UNIT");
        steps.accept(&handler()).await?;
        assert_eq!(reason(steps.give_back(&handler(), "不做了").await), "FailedPrecondition DECIDED_TO_STAY");
    }
    Ok(())
}

#[tokio::test]
async fn a_dispute_that_nobody_decides_is_told_once() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let steps = ground.steps(&incident);
        steps.to_dispatched().await?;
        ground.dispute(&handler(), &incident.id).await?;
        ground.clock.advance(TimeDelta::days(7));
        ground.fire_timers().await?;
        let told = ground.told().await?;
        let late: Vec<_> = told.iter().filter(|line| line.contains("DisputeOverdue")).collect();
        assert_eq!(late.len(), 1, "{told:?}");
        assert!(!late[0].contains("移交") && ground.open_disputes(false).await?[0].overdue);
        // What came to its end needs no decision.
        steps.withdraw(&clerk(), "").await?;
        assert_eq!(ground.open_disputes(true).await?[0].outcome(), DisputeOutcome::Moot);
        ground.clock.advance(TimeDelta::days(30));
        ground.fire_timers().await?;
        let again = ground.told().await?.iter().filter(|line| line.contains("DisputeOverdue")).count();
        assert_eq!(again, 1);
    }
    Ok(())
}
