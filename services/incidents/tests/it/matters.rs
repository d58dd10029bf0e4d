//! Matters that concern many: 说事、议事、办事、评事.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        self, MatterConclusion, MatterStage, MeetingOutcome, PartyRole, Satisfaction,
        matter_service_client::MatterServiceClient,
    },
};
use tonic::Status;
use uuid::Uuid;

use crate::ground::{
    COMMUNITY, Gated, Ground, Person, SUBDISTRICT, clerk, dispatcher, handler, manager, rand, reason, resident,
};

fn neighbour(number: u8) -> Person {
    Person::new(&format!("u-neighbour-{number}"), Role::Resident, SUBDISTRICT)
}

pub(crate) fn stamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 }
}

impl Ground {
    pub(crate) fn matters(&self) -> MatterServiceClient<Gated> {
        MatterServiceClient::new(self.gated.clone())
    }

    pub(crate) async fn raise(
        &self,
        who: &Person,
        fill: impl FnOnce(&mut v1::RaiseMatterRequest),
    ) -> Result<v1::Matter, Status> {
        let mut request = v1::RaiseMatterRequest {
            area_code: COMMUNITY.to_owned(),
            text: "白玉小区的路灯一到雨天就跳闸，王阿姨摔了一跤".to_owned(),
            households: 1,
            request_id: Uuid::from_u128(rand()).to_string(),
            ..Default::default()
        };
        fill(&mut request);
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.matters().raise_matter(request).await?.into_inner())
    }

    pub(crate) async fn matter(&self, id: &str) -> Result<v1::Matter> {
        let request = self.of(&neighbour(9), v1::GetMatterRequest { id: id.to_owned() })?;
        Ok(self.matters().get_matter(request).await?.into_inner())
    }
}

macro_rules! matter_steps {
    ($($step:ident($request:ident),)+) => {
        impl Ground {
            $(
                pub(crate) async fn $step(
                    &self, who: &Person, id: &str, fill: impl FnOnce(&mut v1::$request),
                ) -> Result<v1::Matter, Status> {
                    let mut request = v1::$request { id: id.to_owned(), ..Default::default() };
                    fill(&mut request);
                    let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
                    Ok(self.matters().$step(request).await?.into_inner())
                }
            )+
        }
    };
}

matter_steps! {
    add_voice(AddVoiceRequest),
    gather_incident(GatherIncidentRequest),
    call_meeting(CallMeetingRequest),
    record_meeting(RecordMeetingRequest),
    set_matter_task(SetMatterTaskRequest),
    report_matter_task(ReportMatterTaskRequest),
    start_evaluation(StartEvaluationRequest),
    rate_matter(RateMatterRequest),
    conclude_matter(ConcludeMatterRequest),
    drop_matter(DropMatterRequest),
    add_matter_note(AddMatterNoteRequest),
}

impl Ground {
    /// From what was said to the stage in which it is done, with one task of the lights.
    pub(crate) async fn to_work(&self, id: &str) -> Result<v1::Matter> {
        let at = self.clock.now() + TimeDelta::days(2);
        self.call_meeting(&manager(), id, |r| {
            r.at = Some(stamp(at));
            "白玉社区会议室".clone_into(&mut r.place);
            "议路灯改造，请楼栋长和物业参加".clone_into(&mut r.text);
            "白玉小区路灯".clone_into(&mut r.title);
        })
        .await?;
        self.clock.advance(TimeDelta::days(2) + TimeDelta::hours(1));
        self.record_meeting(&manager(), id, |r| {
            r.present = vec![
                v1::Party { role: PartyRole::BuildingHead.into(), count: 6 },
                v1::Party { role: PartyRole::PropertyCompany.into(), count: 1 },
            ];
            "更换线路，费用由维修资金列支".clone_into(&mut r.decision);
            "有住户担心施工噪声".clone_into(&mut r.objections);
            r.outcome = MeetingOutcome::Act.into();
        })
        .await?;
        let due_on = (self.clock.now() + TimeDelta::days(10)).date_naive().to_string();
        Ok(self
            .set_matter_task(&manager(), id, |r| {
                "lights".clone_into(&mut r.unit);
                r.due_on = due_on;
                "更换全部线路".clone_into(&mut r.text);
            })
            .await?)
    }

    pub(crate) async fn done_and_asked(&self, id: &str, number: i32) -> Result<()> {
        self.report_matter_task(&handler(), id, |r| {
            r.number = number;
            "线路已换".clone_into(&mut r.text);
            r.done = true;
            "余料在仓库".clone_into(&mut r.note);
        })
        .await?;
        let until = self.clock.now() + TimeDelta::days(3);
        self.start_evaluation(&manager(), id, |r| {
            r.until = Some(stamp(until));
            "线路已换，请评价".clone_into(&mut r.text);
        })
        .await?;
        Ok(())
    }
}

fn rating(satisfaction: Satisfaction) -> impl Fn(&mut v1::RateMatterRequest) {
    move |request| request.satisfaction = satisfaction.into()
}

#[tokio::test]
async fn said_deliberated_done_evaluated_and_done_again() -> Result<()> {
    for ground in Ground::both().await? {
        let raised = ground.raise(&neighbour(1), |_| {}).await?;
        let id = raised.id.as_str();
        assert_eq!((raised.stage(), raised.households, raised.title.as_str()), (MatterStage::Say, 1, ""));
        ground.add_voice(&neighbour(2), id, |r| r.households = 1).await?;
        assert_eq!(
            reason(ground.add_voice(&neighbour(2), id, |r| r.households = 1).await),
            "AlreadyExists SAID_BEFORE"
        );
        assert_eq!(
            reason(ground.add_voice(&neighbour(3), id, |r| r.households = 9).await),
            "InvalidArgument INVALID_FIELD"
        );
        assert_eq!(ground.add_voice(&clerk(), id, |r| r.households = 12).await?.households, 14);
        let untitled = ground
            .call_meeting(&manager(), id, |r| {
                r.at = Some(stamp(ground.clock.now() + TimeDelta::days(1)));
                "会议室".clone_into(&mut r.place);
                "议".clone_into(&mut r.text);
            })
            .await;
        assert_eq!(reason(untitled), "InvalidArgument NO_TITLE");

        let working = ground.to_work(id).await?;
        assert_eq!((working.stage(), working.tasks.len()), (MatterStage::Do, 1));
        let other = Person::new("u-roads", Role::Handler, SUBDISTRICT).of_unit("roads");
        let not_theirs = ground.report_matter_task(&other, id, |r| (r.number, r.text) = (1, "好了".to_owned()));
        assert_eq!(reason(not_theirs.await), "PermissionDenied NOT_YOUR_UNIT");
        ground.done_and_asked(id, 1).await?;

        ground.rate_matter(&neighbour(1), id, rating(Satisfaction::Dissatisfied)).await?;
        ground.rate_matter(&neighbour(2), id, rating(Satisfaction::Satisfied)).await?;
        let twice = ground.rate_matter(&neighbour(1), id, rating(Satisfaction::Satisfied)).await;
        assert_eq!(reason(twice), "AlreadyExists RATED_BEFORE");
        let close = |r: &mut v1::ConcludeMatterRequest| {
            r.conclusion = MatterConclusion::Close.into();
            "评价结束".clone_into(&mut r.summary);
        };
        assert_eq!(reason(ground.conclude_matter(&manager(), id, close).await), "FailedPrecondition STILL_RATING");
        ground.clock.advance(TimeDelta::days(3));
        assert_eq!(reason(ground.conclude_matter(&manager(), id, close).await), "FailedPrecondition NOT_SATISFIED");
        let back = ground
            .conclude_matter(&manager(), id, |r| {
                r.conclusion = MatterConclusion::Do.into();
                "半数不满意，返工".clone_into(&mut r.summary);
            })
            .await?;
        assert_eq!((back.stage(), back.round), (MatterStage::Do, 2));
        let due_on = (ground.clock.now() + TimeDelta::days(5)).date_naive().to_string();
        ground
            .set_matter_task(&manager(), id, |r| {
                (r.unit, r.due_on, r.text) = ("lights".to_owned(), due_on, "返工".to_owned());
            })
            .await?;
        ground.done_and_asked(id, 2).await?;
        ground.rate_matter(&neighbour(1), id, rating(Satisfaction::BasicallySatisfied)).await?;
        ground.clock.advance(TimeDelta::days(3));
        let closed = ground.conclude_matter(&manager(), id, close).await?;
        assert_eq!((closed.stage(), closed.due_at.is_none()), (MatterStage::Closed, true));

        // Everybody reads the notes, and nothing of what people said; the office reads that with a purpose.
        let notes: Vec<_> = ground.matter(id).await?.notes.into_iter().map(|note| (note.kind, note.text)).collect();
        insta::allow_duplicates! { insta::assert_snapshot!("notes", format!("{notes:#?}")); }
        let entries =
            ground.of(&clerk().because("case_handling"), v1::ListMatterEntriesRequest { id: id.to_owned() })?;
        let entries = ground.matters().list_matter_entries(entries).await?.into_inner().entries;
        assert!(entries[0].text.contains("王阿姨") && entries.iter().any(|entry| entry.text == "余料在仓库"));
        assert!(entries.iter().filter(|entry| entry.kind == "rated").all(|entry| entry.actor.is_empty()));
        let masked = ground.of(&clerk(), v1::ListMatterEntriesRequest { id: id.to_owned() })?;
        let masked = ground.matters().list_matter_entries(masked).await?.into_inner().entries;
        assert!(masked.iter().all(|entry| entry.text.is_empty()));
        assert!(ground.run("UPDATE matter_entries SET kind = 'raised'").await.is_err());
        assert!(ground.run("DELETE FROM matter_entries").await.is_err());
        let told = ground.told().await?;
        assert!(told.iter().all(|line| !line.contains("neighbour") && !line.contains("王阿姨")), "{told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_reported_an_incident_in_it_keeps_hearing() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        ground.steps(&incident).to_dispatched().await?;
        let lift = |r: &mut v1::RaiseMatterRequest| r.incident_ids = vec![incident.id.clone()];
        assert_eq!(reason(ground.raise(&neighbour(1), lift).await), "InvalidArgument INVALID_FIELD");
        let matter = ground.raise(&clerk(), lift).await?;
        assert_eq!(matter.incidents, 1);
        let again = ground.gather_incident(&dispatcher(), &matter.id, |r| r.incident_id = incident.id.clone()).await;
        assert_eq!(reason(again), "AlreadyExists GATHERED_BEFORE");
        ground.to_work(&matter.id).await?;
        ground
            .add_matter_note(&manager(), &matter.id, |r| {
                (r.text, r.visibility) = ("内部：预算未批".to_owned(), v1::Visibility::Internal.into());
            })
            .await?;
        ground
            .add_matter_note(&manager(), &matter.id, |r| {
                (r.text, r.visibility) = ("材料已到".to_owned(), v1::Visibility::Public.into());
            })
            .await?;

        let own = resident().because("own_matter");
        let heard: Vec<_> = ground
            .timeline(&own, &incident.id)
            .await?
            .into_iter()
            .filter(|entry| entry.kind == "matter_moved")
            .map(|entry| (entry.facts["step"].clone(), entry.text))
            .collect();
        let steps: Vec<_> = heard.iter().map(|(step, _)| step.as_str()).collect();
        assert_eq!(steps, ["meeting_called", "meeting_recorded", "task_set", "note_added"]);
        assert_eq!(heard.last().context("a note")?.1, "材料已到");
        // The direct line goes on as it is.
        let steps = ground.steps(&incident);
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.propose(&handler(), "先换了灯泡").await?;
        steps.confirm(&resident(), Satisfaction::Satisfied).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stage_that_is_late_is_told_once() -> Result<()> {
    for ground in Ground::both().await? {
        let matter = ground.raise(&neighbour(1), |_| {}).await?;
        ground.clock.advance(TimeDelta::days(29));
        ground.fire_timers().await?;
        assert!(!ground.matter(&matter.id).await?.overdue);
        ground.clock.advance(TimeDelta::days(2));
        ground.fire_timers().await?;
        assert!(ground.matter(&matter.id).await?.overdue);
        let late = ground.told().await?.iter().filter(|line| line.contains("MatterOverdue")).count();
        assert_eq!(late, 1);
        let dropped = ground
            .drop_matter(&manager(), &matter.id, |r| {
                (r.reason, r.title) = ("与既有改造项目重复".to_owned(), "路灯".to_owned());
            })
            .await;
        assert_eq!(dropped?.stage(), MatterStage::Dropped);
        ground.clock.advance(TimeDelta::days(60));
        ground.fire_timers().await?;
        let late = ground.told().await?.iter().filter(|line| line.contains("MatterOverdue")).count();
        assert_eq!(late, 1);
    }
    Ok(())
}

#[tokio::test]
async fn the_same_request_is_the_same_matter_and_an_old_etag_is_refused() -> Result<()> {
    for ground in Ground::both().await? {
        let request_id = Uuid::from_u128(rand()).to_string();
        let same = |r: &mut v1::RaiseMatterRequest| r.request_id.clone_from(&request_id);
        let first = ground.raise(&neighbour(1), same).await?;
        assert_eq!(ground.raise(&neighbour(1), same).await?.id, first.id);
        ground.add_voice(&neighbour(2), &first.id, |r| r.households = 1).await?;
        let old = ground
            .drop_matter(&manager(), &first.id, |r| {
                (r.reason, r.title, r.etag) = ("重复".to_owned(), "路灯".to_owned(), first.etag.clone());
            })
            .await;
        assert!(reason(old).starts_with("Aborted"));
        let elsewhere = Person::new("u-far", Role::Resident, "511903002");
        assert_eq!(reason(ground.add_voice(&elsewhere, &first.id, |r| r.households = 1).await), "NotFound NOT_FOUND");
        let stages = v1::ListMattersRequest {
            area_code: SUBDISTRICT.to_owned(),
            stages: vec![MatterStage::Say.into()],
            ..Default::default()
        };
        let listed = ground.matters().list_matters(ground.of(&neighbour(5), stages)?).await?.into_inner();
        assert_eq!(listed.matters.len(), 1);
    }
    Ok(())
}
