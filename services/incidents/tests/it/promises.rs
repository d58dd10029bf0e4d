//! What the reporter was promised, and who hears of it when the time goes.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, Duty, IncidentState, Satisfaction, Urgency, Visibility},
};

use crate::ground::{Ground, NOWHERE, Person, SUBDISTRICT, dispatcher, handler, manager, reason, resident};

impl Ground {
    async fn promise(&self, who: &Person, id: &str) -> Result<v1::Promise> {
        let request = self.of(who, v1::GetPromiseRequest { incident_id: id.to_owned() })?;
        Ok(self.promises().get_promise(request).await?.into_inner())
    }

    async fn late(&self, who: &Person, lies_with: Duty) -> Result<Vec<v1::Escalation>> {
        let message = v1::ListEscalationsRequest {
            area_code: SUBDISTRICT.to_owned(),
            lies_with: lies_with.into(),
            ..Default::default()
        };
        Ok(self.promises().list_escalations(self.of(who, message)?).await?.into_inner().escalations)
    }

    async fn extend(&self, who: &Person, id: &str, days: i64) -> Result<v1::Promise, tonic::Status> {
        let message = v1::ExtendPromiseRequest {
            incident_id: id.to_owned(),
            expected_at: Some(after(self, TimeDelta::days(days))),
            reason: "要等配件".to_owned(),
            etag: String::new(),
        };
        let request = self.of(who, message).expect("a request");
        Ok(self.promises().extend_promise(request).await?.into_inner())
    }

    /// How often the timeline says that time runs out.
    async fn steps_told(&self) -> Result<Vec<String>> {
        self.rows(
            "SELECT kind || ' ' || facts FROM timeline WHERE kind IN ('promise_warned', 'promise_escalated') \
             ORDER BY incident_id, version",
        )
        .await
    }
}

fn after(ground: &Ground, time: TimeDelta) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: (ground.clock.now() + time).timestamp(), nanos: 0 }
}

#[tokio::test]
async fn the_reporter_reads_when_it_should_be_solved() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        assert_eq!(reported.expected_at, None);
        let steps = ground.steps(&reported);
        let dispatched = steps.to_dispatched().await?;
        // Monday 16:00 and five working days of seven hours: the next Monday.
        let expected = Some(after(&ground, TimeDelta::days(7)));
        assert_eq!(dispatched.expected_at, expected);
        assert_eq!(ground.get(&resident(), &reported.id).await?.expected_at, expected);
        assert_eq!(ground.list(&resident()).await?[0].expected_at, expected);
        let entries = ground.timeline(&resident(), &reported.id).await?;
        let promised = entries.last().expect("an entry");
        assert_eq!(
            (promised.kind.as_str(), promised.facts["expected_at"].as_str()),
            ("promised", "2026-11-30T08:00:00Z")
        );
        assert_eq!(promised.facts["is_assumed"], "false");

        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        ground.clock.advance(TimeDelta::minutes(30));
        steps.note(&handler(), "明天来修", Visibility::Public).await?;
        let promise = ground.promise(&resident(), &reported.id).await?;
        assert_eq!((promise.contacted_at, promise.resolved_at), (Some(after(&ground, TimeDelta::zero())), None));
        steps.ask(&handler(), "哪一层？").await?;
        let paused = ground.promise(&resident(), &reported.id).await?;
        assert!(paused.paused);
        steps.answer(&resident(), "三层").await?;
        assert!(!ground.promise(&resident(), &reported.id).await?.paused);
        steps.propose(&handler(), "换了灯泡").await?;
        steps.confirm(&resident(), Satisfaction::Satisfied).await?;
        let kept = ground.promise(&dispatcher(), &reported.id).await?;
        assert!(kept.resolved_at.is_some() && kept.ended_at.is_some());
        ground.clock.advance(TimeDelta::days(60));
        ground.fire_timers().await?;
        assert_eq!(ground.steps_told().await?, Vec::<String>::new(), "what was kept is not late");
    }
    Ok(())
}

#[tokio::test]
async fn a_pause_ends_by_itself() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.ask(&handler(), "哪一层？").await?;
        // Three days at most; then the five working days go on, and run out while nobody has answered.
        assert_eq!(
            ground.promise(&dispatcher(), &reported.id).await?.expected_at,
            Some(after(&ground, TimeDelta::days(10)))
        );
        ground.clock.advance(TimeDelta::days(2));
        assert!(ground.promise(&dispatcher(), &reported.id).await?.paused);
        assert!(ground.timeline(&resident(), &reported.id).await?.iter().all(|entry| entry.kind != "pause_ended"));
        ground.clock.advance(TimeDelta::days(2));
        for _ in 0..2 {
            ground.fire_timers().await?;
            let entries = ground.timeline(&resident(), &reported.id).await?;
            let ended: Vec<_> = entries.iter().filter(|entry| entry.kind == "pause_ended").collect();
            assert_eq!(ended.len(), 1, "told once, when it ends");
            ground.clock.advance(TimeDelta::hours(1));
        }
        ground.clock.advance(TimeDelta::days(7));
        assert!(!ground.promise(&dispatcher(), &reported.id).await?.paused);
        ground.fire_timers().await?;
        assert_eq!(ground.late(&dispatcher(), Duty::Dispatcher).await?.len(), 1);
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.state(), IncidentState::WaitingReporter);
    }
    Ok(())
}

#[tokio::test]
async fn up_the_ladder_step_by_step() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.note(&handler(), "明天来修", Visibility::Public).await?;
        // In working time: 50, 80, 100, 150 and 300 % of five days.
        for (days, lies_with) in [
            (3, Duty::Unspecified),
            (2, Duty::Unspecified),
            (3, Duty::Dispatcher),
            (3, Duty::CommunityManager),
            (12, Duty::SubdistrictManager),
        ] {
            ground.clock.advance(TimeDelta::days(days));
            ground.fire_timers().await?;
            assert_eq!(ground.promise(&dispatcher(), &reported.id).await?.lies_with(), lies_with, "{days}");
        }
        let told = ground.steps_told().await?;
        insta::assert_snapshot!("steps", told.join("\n"));
        let events: Vec<_> = ground.told().await?.into_iter().filter(|event| event.contains("Promise")).collect();
        insta::assert_snapshot!("promise_events", events.join("\n"));
        // The reporter reads the time, and not who is late.
        let own = ground.promise(&resident(), &reported.id).await?;
        assert_eq!(own.lies_with(), Duty::Unspecified);
        let public = ground.timeline(&resident(), &reported.id).await?;
        assert!(public.iter().all(|entry| !entry.kind.starts_with("promise_")));

        let late = ground.late(&manager(), Duty::SubdistrictManager).await?;
        assert_eq!((late[0].incident_id.as_str(), late[0].percent), (reported.id.as_str(), 300));
        assert!(ground.late(&manager(), Duty::Dispatcher).await?.is_empty());
        let elsewhere = Person::new("u-other", Role::SubdistrictManager, "511903002");
        assert!(ground.late(&elsewhere, Duty::Unspecified).await?.is_empty());
        // Once it is solved nobody has to act any more.
        steps.propose(&handler(), "换了灯泡").await?;
        assert!(ground.late(&manager(), Duty::Unspecified).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn more_time_is_given_once_by_a_reviewer_with_a_reason() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        assert_eq!(reason(ground.extend(&manager(), &reported.id, 9).await), "FailedPrecondition WRONG_STATE");
        steps.to_dispatched().await?;
        assert_eq!(reason(ground.extend(&dispatcher(), &reported.id, 9).await), "PermissionDenied ROLE_NOT_ALLOWED");
        assert_eq!(reason(ground.extend(&manager(), &reported.id, 3).await), "InvalidArgument EXPECTED_NOT_LATER");
        let worker = manager().named("u-handler").and(&handler());
        steps.accept(&worker).await?;
        assert_eq!(reason(ground.extend(&worker, &reported.id, 9).await), "PermissionDenied NOT_INDEPENDENT");
        let extended = ground.extend(&manager(), &reported.id, 9).await?;
        assert_eq!(extended.expected_at, Some(after(&ground, TimeDelta::days(9))));
        assert!(extended.extended_at.is_some());
        assert_eq!(reason(ground.extend(&manager(), &reported.id, 20).await), "FailedPrecondition EXTENDED_BEFORE");
        let entries = ground.timeline(&resident().because("own_matter"), &reported.id).await?;
        let told = entries.last().expect("an entry");
        assert_eq!((told.kind.as_str(), told.text.as_str()), ("promise_extended", "要等配件"));
        assert_eq!(ground.get(&resident(), &reported.id).await?.expected_at, extended.expected_at);
    }
    Ok(())
}

#[tokio::test]
async fn a_year_without_holidays_is_said() -> Result<()> {
    for ground in Ground::both().await? {
        ground.clock.advance(TimeDelta::days(35));
        let reported = ground.report(&resident()).await?;
        ground.steps(&reported).to_dispatched().await?;
        assert!(ground.promise(&resident(), &reported.id).await?.assumed_calendar, "it reaches into 2027");
        let entries = ground.timeline(&resident(), &reported.id).await?;
        assert_eq!(entries.last().expect("an entry").facts["is_assumed"], "true");
    }
    Ok(())
}

/// 2027 begins with the New Year's holiday, which nobody has published yet: here Monday the 4th is off, too.
const HOLIDAYS_2027: &str = r#"{"year": 2027, "papers": [], "days": [
    {"name": "元旦", "date": "2027-01-01", "isOffDay": true},
    {"name": "元旦", "date": "2027-01-04", "isOffDay": true}
]}"#;

#[tokio::test]
async fn new_holidays_move_what_was_promised_and_the_reporter_is_told() -> Result<()> {
    for ground in Ground::both().await? {
        let early = ground.report(&resident()).await?;
        ground.steps(&early).to_dispatched().await?;
        let stays = ground.get(&resident(), &early.id).await?.expected_at;
        // Tuesday, 2026-12-29: five working days without a holiday end on Tuesday, 2027-01-05.
        ground.clock.advance(TimeDelta::days(36));
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        let before = ground.promise(&resident(), &reported.id).await?;
        let solved = ground.report(&resident()).await?;
        ground.steps(&solved).to_proposed().await?;
        let kept = ground.promise(&resident(), &solved.id).await?.expected_at;

        assert!(ground.app.import_calendar(HOLIDAYS_2027).await?.is_ok());
        ground.fire_timers().await?;
        let after = ground.promise(&resident(), &reported.id).await?;
        assert!(!after.assumed_calendar);
        let moved = |promise: &v1::Promise| promise.expected_at.as_ref().map_or(0, |at| at.seconds);
        assert!(moved(&after) > moved(&before), "{before:?} {after:?}");
        let entries = ground.timeline(&resident(), &reported.id).await?;
        assert_eq!(entries.last().expect("an entry").kind, "promise_moved");
        assert_eq!(ground.get(&resident(), &early.id).await?.expected_at, stays, "another year");
        assert_eq!(
            ground.promise(&resident(), &solved.id).await?.expected_at,
            kept,
            "judged by what was promised then"
        );
        let told = ground.told().await?;
        assert_eq!(told.iter().filter(|line| line.contains("IncidentPromiseMoved")).count(), 1, "{told:?}");
        // The same file again is no news.
        assert!(ground.app.import_calendar(HOLIDAYS_2027).await?.is_ok());
        ground.fire_timers().await?;
        assert_eq!(ground.timeline(&resident(), &reported.id).await?.len(), entries.len());
        // Only what still runs has a next step.
        let due = "SELECT count(*) || '' FROM timers WHERE kind = 'incidents.promise_due'";
        assert_eq!(ground.rows(due).await?, ["1"]);
    }
    Ok(())
}

/// A hundred and twenty incidents at a unit.
async fn many(ground: &Ground) -> Result<()> {
    for _ in 0..120 {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.triage(&dispatcher(), "roads.street_light", Urgency::Urgent, NOWHERE).await?;
        steps.dispatch(&dispatcher(), "lights").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_week_of_downtime_each_incident_is_told_once() -> Result<()> {
    for ground in Ground::both().await? {
        many(&ground).await?;
        ground.clock.advance(TimeDelta::days(7));
        ground.fire_timers().await?;
        let told = ground.steps_told().await?;
        assert_eq!(told.len(), 120, "one entry an incident, and not one a step");
        assert!(told.iter().all(|entry| entry.contains("\"percent\":300")), "the highest step that was reached");
        let events = ground.count("outbox WHERE kind LIKE '%IncidentPromise%'").await?;
        assert_eq!(events, 120);
        // Nothing is left to fire, however long one waits.
        ground.clock.advance(TimeDelta::days(70));
        ground.fire_timers().await?;
        assert_eq!((ground.steps_told().await?.len(), ground.count("timers").await?), (120, 0));
        let page = ground.late(&manager(), Duty::SubdistrictManager).await?;
        assert_eq!(page.len(), 50);
    }
    Ok(())
}

#[tokio::test]
async fn a_clock_that_jumps_forward_and_back_tells_nothing_twice() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.note(&handler(), "明天来修", Visibility::Public).await?;
        ground.clock.advance(TimeDelta::days(8));
        ground.fire_timers().await?;
        assert_eq!(ground.steps_told().await?.len(), 1);
        ground.clock.advance(TimeDelta::days(-8));
        ground.fire_timers().await?;
        ground.clock.advance(TimeDelta::days(8));
        ground.fire_timers().await?;
        assert_eq!(ground.steps_told().await?.len(), 1);
        ground.clock.advance(TimeDelta::days(3));
        ground.fire_timers().await?;
        assert_eq!(ground.steps_told().await?.len(), 2, "the next step comes in its time");
    }
    Ok(())
}

#[tokio::test]
async fn a_timer_that_fires_early_only_waits_again() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        ground.steps(&reported).to_dispatched().await?;
        let due = ground.rows("SELECT CAST(due_at AS text) FROM timers").await?;
        let early = if ground.is_postgres() { "now() - interval '9 years'" } else { "'2020-01-01 00:00:00+00:00'" };
        ground.run(&format!("UPDATE timers SET due_at = {early}")).await?;
        ground.fire_timers().await?;
        assert_eq!(ground.steps_told().await?, Vec::<String>::new());
        assert_eq!(ground.rows("SELECT CAST(due_at AS text) FROM timers").await?, due);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_waits_for_whoever_changes_the_incident() -> Result<()> {
    let ground = Ground::postgres().await?;
    let reported = ground.report(&resident()).await?;
    ground.steps(&reported).to_dispatched().await?;
    ground.clock.advance(TimeDelta::days(30));
    let id = linju_incidents::domain::IncidentId(reported.id.parse()?);
    let (app, db) = (ground.app.clone(), ground.db.clone());
    // Somebody holds the row in a transaction of their own: the timer comes back later instead of waiting.
    let held = ground.db.write(move |tx| {
        let (app, db) = (app.clone(), db.clone());
        Box::pin(async move {
            linju_incidents::store::incident::find_locked(tx, id).await?;
            let other = db.write(move |tx| {
                let app = app.clone();
                Box::pin(async move { app.promise_due(tx, id).await })
            });
            other.await
        })
    });
    assert!(!held.await?);
    ground.fire_timers().await?;
    assert_eq!(ground.steps_told().await?.len(), 1);
    Ok(())
}
