//! One problem, many reporters: joined, answered at once, and each asked alone.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        self, EmergencyKind, EmergencyLevel, IncidentState, Satisfaction, Visibility,
        emergency_service_client::EmergencyServiceClient, problem_service_client::ProblemServiceClient,
    },
};
use tonic::Status;

use crate::ground::{Ground, Person, clerk, dispatcher, handler, reason, resident};

fn reporter(number: u8) -> Person {
    Person::new(&format!("u-reporter-{number}"), Role::Resident, "511903001")
}

fn own(number: u8) -> Person {
    reporter(number).because("own_matter")
}

/// A lead of the usual resident and reports of three others that were joined to it.
async fn problem(ground: &Ground) -> Result<(v1::Incident, Vec<v1::Incident>)> {
    let lead = ground.report(&resident()).await?;
    let mut joined = Vec::new();
    for number in 1..=3 {
        ground.clock.advance(TimeDelta::minutes(1));
        let report = ground.report(&reporter(number)).await?;
        joined.push(ground.steps(&report).join(&clerk(), lead.id.clone()).await?);
    }
    Ok((lead, joined))
}

impl Ground {
    async fn problem_of(&self, id: &str) -> Result<v1::Problem> {
        let request = self.of(&dispatcher(), v1::GetProblemRequest { id: id.to_owned() })?;
        Ok(ProblemServiceClient::new(self.gated.clone()).get_problem(request).await?.into_inner())
    }

    async fn split_off(&self, who: &Person, id: &str) -> Result<v1::Incident, Status> {
        let request = v1::SplitOffRequest { id: id.to_owned(), reason: "另一盏灯".to_owned(), etag: String::new() };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(ProblemServiceClient::new(self.gated.clone()).split_off(request).await?.into_inner())
    }

    /// What a reporter reads of their own report, beginning with its last entries.
    async fn read_by(&self, who: &Person, id: &str) -> Result<Vec<(String, String)>> {
        let entries = self.timeline(who, id).await?;
        let told = |entry: v1::TimelineEntry| {
            let what = entry.facts.get("what").cloned();
            (what.unwrap_or(entry.kind), entry.text)
        };
        Ok(entries.into_iter().rev().map(told).collect())
    }
}

fn said(kind: &str, text: &str) -> (String, String) {
    (kind.to_owned(), text.to_owned())
}

#[tokio::test]
async fn all_reporters_are_answered_at_once_and_each_judges_alone() -> Result<()> {
    for ground in Ground::both().await? {
        let (lead, joined) = problem(&ground).await?;
        let entries = ground.timeline(&reporter(1), &joined[0].id).await?;
        let last = entries.last().expect("an entry");
        assert_eq!((last.kind.as_str(), last.facts["lead_state"].as_str()), ("joined_duplicate", "reported"));

        let steps = ground.steps(&lead);
        steps.to_dispatched().await?;
        let promised = ground.get(&resident(), &lead.id).await?.expected_at;
        assert!(promised.is_some());
        assert_eq!(ground.get(&reporter(1), &joined[0].id).await?.expected_at, promised, "expected with its lead");
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.note(&handler(), "明天来修", Visibility::Public).await?;
        steps.note(&handler(), "仓库没有灯泡", Visibility::Internal).await?;
        steps.propose(&handler(), "换了灯泡").await?;
        for (number, report) in (1..).zip(&joined) {
            let read = ground.read_by(&own(number), &report.id).await?;
            let told = [said("solution_proposed", "换了灯泡"), said("note_added", "明天来修"), said("promised", "")];
            assert_eq!(read[..3], told);
            assert_eq!(ground.get(&reporter(number), &report.id).await?.state(), IncidentState::SolutionProposed);
        }
        let all = ground.problem_of(&joined[2].id).await?;
        let of_lead = all.lead.as_ref().map(|lead| lead.incident_id.as_str());
        assert_eq!((of_lead, all.joined.len(), all.reports, all.asked), (Some(lead.id.as_str()), 3, 4, 3));

        // Who worked on the problem judges none of its reports.
        let both = handler().and(&clerk());
        let refused = ground.steps(&joined[0]).confirm(&both, Satisfaction::Satisfied).await;
        assert_eq!(reason(refused), "PermissionDenied NOT_INDEPENDENT");
        ground.steps(&joined[0]).confirm(&reporter(1), Satisfaction::Satisfied).await?;
        let alone = ground.steps(&joined[1]).reopen(&reporter(2), "我家门口的还是不亮，电话138…").await?;
        assert_eq!((alone.state(), alone.duplicate_of.as_str()), (IncidentState::Reported, ""));
        steps.confirm(&resident(), Satisfaction::BasicallySatisfied).await?;
        let waiting = ground.get(&reporter(3), &joined[2].id).await?;
        assert_eq!(waiting.state(), IncidentState::SolutionProposed, "closing the lead answers for nobody else");
        assert_eq!(ground.read_by(&own(3), &joined[2].id).await?[0], said("closed", ""));
        let all = ground.problem_of(&lead.id).await?;
        let states: Vec<_> = all.joined.iter().map(v1::ProblemReport::state).collect();
        assert_eq!(
            (states, all.reports, all.asked),
            (vec![IncidentState::Closed, IncidentState::SolutionProposed], 3, 1)
        );

        // The lead's own reporter is not satisfied after all: the words stay with that person.
        steps.reopen(&resident(), "王阿姨又摔倒了").await?;
        let read = ground.read_by(&own(3), &joined[2].id).await?;
        assert_eq!(read[..2], [said("promised", ""), said("reopened", "")]);
        assert_eq!(ground.get(&reporter(3), &joined[2].id).await?.state(), IncidentState::Duplicate);
        assert_eq!(
            ground.get(&reporter(1), &joined[0].id).await?.state(),
            IncidentState::Closed,
            "who is content stays so"
        );
        let seen = format!("{:?}", ground.timeline(&own(3), &joined[2].id).await?);
        assert!(!seen.contains("u-resident") && !seen.contains("u-reporter-1") && !seen.contains("王阿姨"), "{seen}");
    }
    Ok(())
}

#[tokio::test]
async fn a_withdrawn_lead_passes_on_with_its_promise() -> Result<()> {
    for ground in Ground::both().await? {
        let (lead, joined) = problem(&ground).await?;
        let steps = ground.steps(&lead);
        steps.to_dispatched().await?;
        steps.accept(&handler()).await?;
        let before = ground.get(&dispatcher(), &lead.id).await?;
        ground.clock.advance(TimeDelta::hours(1));
        steps.withdraw(&resident(), "搬走了").await?;
        let next = ground.get(&dispatcher(), &joined[0].id).await?;
        assert_eq!(
            (next.state(), next.unit.as_str(), next.duplicate_of.as_str()),
            (IncidentState::Accepted, "lights", "")
        );
        assert_eq!((next.expected_at, &next.category), (before.expected_at, &before.category));
        let all = ground.problem_of(&joined[2].id).await?;
        let of_lead = all.lead.as_ref().map(|lead| lead.incident_id.as_str());
        assert_eq!((of_lead, all.reports), (Some(joined[0].id.as_str()), 3));
        assert_eq!(ground.get(&dispatcher(), &lead.id).await?.duplicate_of, joined[0].id);

        // The unit goes on where it was, and all that are left are answered.
        let steps = ground.steps(&next);
        steps.start(&handler()).await?;
        steps.propose(&handler(), "换了灯泡").await?;
        assert_eq!(ground.get(&reporter(3), &joined[2].id).await?.state(), IncidentState::SolutionProposed);
        ground.clock.advance(TimeDelta::days(60));
        ground.fire_timers().await?;
        let late = "timeline WHERE kind IN ('promise_warned', 'promise_escalated')";
        assert_eq!(ground.count(late).await?, 0, "what was kept is late for nobody");
    }
    Ok(())
}

#[tokio::test]
async fn chains_are_flattened_and_loops_refused() -> Result<()> {
    for ground in Ground::both().await? {
        let (lead, joined) = problem(&ground).await?;
        let looped = ground.steps(&lead).join(&clerk(), joined[0].id.clone()).await;
        assert_eq!(reason(looped), "FailedPrecondition DUPLICATE_LOOP");
        let late = ground.report(&reporter(4)).await?;
        let late = ground.steps(&late).join(&clerk(), joined[0].id.clone()).await?;
        assert_eq!(late.duplicate_of, lead.id, "joined to what leads");

        // The whole problem turns out to be a part of another, where a solution stands already.
        let other = ground.report(&reporter(5)).await?;
        ground.steps(&other).to_proposed().await?;
        let moved = ground.steps(&lead).join(&clerk(), other.id.clone()).await?;
        assert_eq!((moved.state(), moved.duplicate_of.as_str()), (IncidentState::SolutionProposed, other.id.as_str()));
        for report in joined.iter().chain([&late]) {
            let now = ground.get(&dispatcher(), &report.id).await?;
            assert_eq!((now.state(), now.duplicate_of.as_str()), (IncidentState::SolutionProposed, other.id.as_str()));
        }
        assert_eq!(ground.read_by(&own(4), &late.id).await?[0], said("solution_proposed", "换了灯泡"));

        // By mistake: it is taken out again, and may be joined anew.
        let apart = ground.split_off(&dispatcher(), &late.id).await?;
        assert_eq!((apart.state(), apart.duplicate_of.as_str()), (IncidentState::Reported, ""));
        assert_eq!(ground.read_by(&own(4), &late.id).await?[0], said("split_off", "另一盏灯"));
        assert_eq!(reason(ground.split_off(&dispatcher(), &late.id).await), "FailedPrecondition WRONG_STATE");
        assert_eq!(reason(ground.split_off(&dispatcher(), &other.id).await), "FailedPrecondition NOT_JOINED");
        assert_eq!(reason(ground.split_off(&resident(), &joined[0].id).await), "PermissionDenied ROLE_NOT_ALLOWED");
        let again = ground.steps(&late).join(&clerk(), other.id.clone()).await?;
        assert_eq!(again.state(), IncidentState::SolutionProposed);
        assert_eq!(ground.problem_of(&other.id).await?.reports, 6);
    }
    Ok(())
}

/// What was collected for an emergency is destroyed with all reports of the problem, also where another one leads by then.
#[tokio::test]
async fn an_emergency_goes_on_with_whatever_leads() -> Result<()> {
    for ground in Ground::both().await? {
        let (lead, joined) = problem(&ground).await?;
        let mut emergencies = EmergencyServiceClient::new(ground.gated.clone());
        let declare = v1::DeclareEmergencyRequest {
            incident_id: lead.id.clone(),
            kind: EmergencyKind::Accident.into(),
            level: EmergencyLevel::General.into(),
        };
        let declared = emergencies.declare_emergency(ground.of(&dispatcher(), declare)?).await?.into_inner();
        ground.steps(&lead).withdraw(&resident(), "").await?;
        let get = v1::GetEmergencyRequest { id: declared.id.clone() };
        let emergency = emergencies.get_emergency(ground.of(&dispatcher(), get)?).await?.into_inner();
        assert_eq!(emergency.incident_id, joined[0].id);
        let end = v1::EndEmergencyRequest { id: declared.id.clone(), etag: String::new() };
        emergencies.end_emergency(ground.of(&crate::ground::manager(), end)?).await?;
        ground.clock.advance(TimeDelta::days(31));
        ground.fire_timers().await?;
        assert_eq!(ground.count("destroyed_incidents").await?, 4);
        let who = ground.rows("SELECT who FROM audit WHERE method = 'destroy'").await?;
        assert_eq!(who, ["u-manager"], "the one who declared it over");
    }
    Ok(())
}
