//! What could not be solved stays in sight, and comes back on its day.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::incidents::v1::IncidentState;

use crate::ground::{Ground, dispatcher, handler, resident};

#[tokio::test]
async fn what_could_not_be_solved_comes_back_on_its_day() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let steps = ground.steps(&incident);
        steps.to_dispatched().await?;
        steps.accept(&handler()).await?;
        steps.give_up(&handler(), "等老街改造", "2026-12-24").await?;
        ground.clock.advance(TimeDelta::days(30));
        ground.fire_timers().await?;
        assert_eq!(ground.get(&dispatcher(), &incident.id).await?.state(), IncidentState::Unsolvable);
        // Midnight in China.
        ground.clock.advance(TimeDelta::hours(8));
        ground.fire_timers().await?;
        let back = ground.get(&dispatcher(), &incident.id).await?;
        assert_eq!((back.state(), back.unit.as_str(), back.next_look_on.as_str()), (IncidentState::Triaged, "", ""));
        let own = ground.timeline(&resident().because("own_matter"), &incident.id).await?;
        assert_eq!(own.last().map(|entry| (entry.kind.as_str(), entry.actor.as_str())), Some(("taken_up", "system")));

        // Whoever looks before need not wait.
        steps.dispatch(&dispatcher(), "lights").await?;
        steps.accept(&handler()).await?;
        steps.give_up(&handler(), "还没轮到", "2027-06-01").await?;
        steps.triage(&dispatcher(), "roads.street_light", linju_proto::incidents::v1::Urgency::Routine, None).await?;
        let looks = ground.rows("SELECT key FROM timers WHERE kind = 'incidents.next_look'").await?;
        assert!(looks.is_empty(), "{looks:?}");
    }
    Ok(())
}
