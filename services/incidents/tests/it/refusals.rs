//! What is refused, and that nothing is written then.

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{Building, Satisfaction, Urgency, Visibility},
};

use crate::ground::{COMMUNITY, Ground, NOWHERE, Person, SUBDISTRICT, clerk, dispatcher, handler, reason, resident};

#[tokio::test]
async fn states_parts_and_units() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        assert_eq!(reason(steps.dispatch(&dispatcher(), "lights").await), "FailedPrecondition WRONG_STATE");
        assert_eq!(reason(steps.accept(&handler()).await), "FailedPrecondition WRONG_STATE");
        let dispatched = steps.to_dispatched().await?;
        assert_eq!(reason(steps.dispatch(&dispatcher(), "lights").await), "FailedPrecondition ALREADY_WITH_UNIT");
        let of_roads = Person::new("u-roads", Role::Handler, SUBDISTRICT).of_unit("roads");
        assert_eq!(reason(steps.accept(&of_roads).await), "PermissionDenied NOT_YOUR_UNIT");
        let of_none = Person::new("u-none", Role::Handler, SUBDISTRICT);
        assert_eq!(reason(steps.accept(&of_none).await), "PermissionDenied NOT_YOUR_UNIT");
        assert_eq!(reason(steps.accept(&resident()).await), "PermissionDenied ROLE_NOT_ALLOWED");
        assert_eq!(reason(steps.accept_read(&handler(), "v1").await), "Aborted STALE_ETAG");
        steps.accept_read(&handler(), dispatched.etag).await?;
        assert_eq!(reason(steps.start(&of_roads).await), "PermissionDenied NOT_YOUR_UNIT");
        steps.start(&handler()).await?;
        assert_eq!(reason(steps.propose(&of_roads, "x").await), "PermissionDenied NOT_YOUR_UNIT");
        assert_eq!(ground.count("timeline").await?, 6);
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.etag, "v6");
    }
    Ok(())
}

#[tokio::test]
async fn who_may_confirm() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        // The handler also sits at the telephone.
        let both = handler().and(&clerk());
        steps.accept(&both).await?;
        steps.start(&both).await?;
        steps.propose(&both, "换了灯泡").await?;
        assert_eq!(reason(steps.confirm(&both, Satisfaction::Satisfied).await), "PermissionDenied NOT_INDEPENDENT");
        assert_eq!(
            reason(steps.confirm(&handler(), Satisfaction::Satisfied).await),
            "PermissionDenied ROLE_NOT_ALLOWED"
        );
        let neighbour = Person::new("u-neighbour", Role::Resident, SUBDISTRICT);
        assert_eq!(reason(steps.confirm(&neighbour, Satisfaction::Satisfied).await), "NotFound NOT_FOUND");
        assert_eq!(reason(steps.reopen(&both, "还是不亮").await), "PermissionDenied NOT_INDEPENDENT");
        steps.confirm(&clerk(), Satisfaction::Satisfied).await?;
        assert_eq!(reason(steps.reopen(&both, "又坏了").await), "PermissionDenied NOT_INDEPENDENT");
        ground.clock.advance(chrono::TimeDelta::days(31));
        assert_eq!(reason(steps.reopen(&resident(), "又坏了").await), "FailedPrecondition REOPEN_TOO_LATE");
    }
    Ok(())
}

/// A note is no handling: whoever left one and does not belong to the unit may still call the reporter back.
#[tokio::test]
async fn a_clerk_who_walks_a_grid_stays_a_clerk() -> Result<()> {
    for ground in Ground::both().await? {
        let both = Person::new("u-both", Role::GridWorker, SUBDISTRICT).of_unit("grid").and(&clerk());
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.note(&both, "去看过了", Visibility::Public).await?;
        steps.to_proposed().await?;
        steps.note(&both, "灯亮了", Visibility::Internal).await?;
        steps.confirm(&both, Satisfaction::Satisfied).await?;

        // In their own unit's matter they are the worker.
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.triage(&dispatcher(), "roads.street_light", Urgency::Routine, NOWHERE).await?;
        steps.dispatch(&dispatcher(), "grid").await?;
        steps.note(&both, "明天来修", Visibility::Public).await?;
        let mate = Person::new("u-mate", Role::GridWorker, SUBDISTRICT).of_unit("grid");
        steps.accept(&mate).await?;
        steps.start(&mate).await?;
        steps.propose(&mate, "换了灯泡").await?;
        assert_eq!(reason(steps.confirm(&both, Satisfaction::Satisfied).await), "PermissionDenied NOT_INDEPENDENT");
    }
    Ok(())
}

#[tokio::test]
async fn ends_that_do_not_fit() -> Result<()> {
    for ground in Ground::both().await? {
        let (one, other) = (ground.report(&resident()).await?, ground.report(&resident()).await?);
        let (steps, others) = (ground.steps(&one), ground.steps(&other));
        let join = async |id: &str| reason(steps.join(&clerk(), id.to_owned()).await);
        assert_eq!(join(&one.id).await, "InvalidArgument DUPLICATE_OF_ITSELF");
        assert_eq!(join("01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11").await, "NotFound NOT_FOUND");
        others.join(&clerk(), one.id.clone()).await?;
        assert_eq!(join(&other.id).await, "FailedPrecondition DUPLICATE_LOOP");
        others.withdraw(&resident(), "").await?;
        assert_eq!(join(&other.id).await, "FailedPrecondition DUPLICATE_OF_WITHDRAWN");
        assert_eq!(reason(others.reopen(&resident(), "x").await), "FailedPrecondition WRONG_STATE");

        steps.triage(&dispatcher(), "roads.street_light", Urgency::Routine, NOWHERE).await?;
        let give_up = async |day: &str| reason(steps.give_up(&dispatcher(), "等", day).await);
        // It is 16:00 in China on this very day.
        assert_eq!(give_up("2026-11-23").await, "InvalidArgument NEXT_LOOK_NOT_AFTER_TODAY");
        assert_eq!(give_up("2027-02-29").await, "InvalidArgument INVALID_FIELD");
        assert_eq!(give_up("soon").await, "InvalidArgument INVALID_FIELD");
    }
    Ok(())
}

#[tokio::test]
async fn what_lies_elsewhere_does_not_exist() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let stranger = Person::new("u-stranger", Role::Dispatcher, "511903001009");
        let steps = ground.steps(&reported);
        let triage = steps.triage(&stranger, "roads.street_light", Urgency::Routine, NOWHERE).await;
        assert_eq!(reason(triage), "NotFound NOT_FOUND");
        assert_eq!(reason(steps.note(&stranger, "x", Visibility::Internal).await), "NotFound NOT_FOUND");
        assert!(ground.get(&stranger, &reported.id).await.is_err());
        assert!(ground.timeline(&stranger, &reported.id).await.is_err());

        let here = Person::new("u-here", Role::Dispatcher, COMMUNITY);
        let far = Building {
            area_code: "511903001009".to_owned(),
            compound: "白玉小区".to_owned(),
            building: "3栋".to_owned(),
        };
        let triage = steps.triage(&here, "building.structure", Urgency::Emergency, Some(far)).await;
        assert_eq!(reason(triage), "PermissionDenied AREA_NOT_GRANTED");
    }
    Ok(())
}
