//! An incident from its report to its end.

use anyhow::Result;
use linju_proto::incidents::v1::{self, IncidentState, Satisfaction, Urgency, Visibility};

use crate::ground::{Ground, NOWHERE, clerk, dispatcher, handler, resident};

#[tokio::test]
async fn from_report_to_confirmation() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        assert_eq!(reported.number, "20261123-000001");
        let steps = ground.steps(&reported);
        steps.triage(&clerk(), "roads.street_light", Urgency::Urgent, NOWHERE).await?;
        steps.dispatch(&dispatcher(), "sanitation").await?;
        steps.dispatch(&dispatcher(), "lights").await?;
        steps.give_back(&handler(), "不是我们的灯").await?;
        steps.dispatch(&dispatcher(), "lights").await?;
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.note(&handler(), "明天来修", Visibility::Public).await?;
        steps.ask(&handler(), "哪一层？").await?;
        steps.answer(&resident(), "三层").await?;
        steps.propose(&handler(), "换了灯泡").await?;
        steps.reopen(&resident(), "还是不亮").await?;
        steps.propose(&handler(), "换了开关").await?;
        let closed = steps.confirm(&resident(), Satisfaction::Satisfied).await?;
        assert_eq!(closed.state(), IncidentState::Closed);
        assert_eq!(closed.satisfaction(), Satisfaction::Satisfied);
        assert_eq!((closed.etag.as_str(), closed.unit.as_str()), ("v16", "lights"));
        assert!(closed.closed_at.is_some());

        let timeline = ground.timeline(&dispatcher().because("case_handling"), &closed.id).await?;
        let lines: Vec<_> = timeline.iter().map(line).collect();
        insta::assert_snapshot!("timeline", lines.join("\n"));
        insta::assert_snapshot!("events", ground.told().await?.join("\n"));
    }
    Ok(())
}

fn line(entry: &v1::TimelineEntry) -> String {
    let mut facts: Vec<_> = entry.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    facts.sort();
    let visibility = entry.visibility().as_str_name();
    format!("{} {} {} {visibility} {} `{}`", entry.version, entry.kind, entry.actor, facts.join(" "), entry.text)
}

#[tokio::test]
async fn the_other_ends() -> Result<()> {
    for ground in Ground::both().await? {
        let first = ground.report(&resident()).await?;
        let withdrawn = ground.steps(&first).withdraw(&resident(), "修好了").await?;
        assert_eq!(withdrawn.state(), IncidentState::Withdrawn);

        let (one, other) = (ground.report(&resident()).await?, ground.report(&resident()).await?);
        let joined = ground.steps(&one).join(&clerk(), other.id.clone()).await?;
        assert_eq!((joined.state(), joined.duplicate_of), (IncidentState::Duplicate, other.id.clone()));

        let steps = ground.steps(&other);
        steps.to_dispatched().await?;
        steps.accept(&handler()).await?;
        let given_up = steps.give_up(&handler(), "要等道路改造", "2027-03-01").await?;
        assert_eq!((given_up.state(), given_up.next_look_on.as_str()), (IncidentState::Unsolvable, "2027-03-01"));
        let again = steps.triage(&dispatcher(), "roads.street_light", Urgency::Routine, NOWHERE).await?;
        assert_eq!((again.state(), again.next_look_on.as_str()), (IncidentState::Triaged, ""));
    }
    Ok(())
}

#[tokio::test]
async fn a_clerk_closes_what_nobody_confirmed() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_proposed().await?;
        let closed = steps.confirm(&clerk(), Satisfaction::Unspecified).await?;
        assert_eq!((closed.state(), closed.satisfaction()), (IncidentState::Closed, Satisfaction::Unspecified));
    }
    Ok(())
}
