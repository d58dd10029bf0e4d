//! Several people at the same moment.

use anyhow::Result;
use chassis::access::Scope;
use linju_incidents::{domain::IncidentId, store::incident};
use linju_proto::{common::v1::Role, incidents::v1::IncidentState};
use sea_orm::ActiveValue::Set;

use crate::ground::{Ground, Person, SUBDISTRICT, clerk, reason, resident};

#[tokio::test]
async fn of_two_who_accept_one_wins() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        let people: Vec<_> = (0..8)
            .map(|n| Person::new(&format!("u-handler-{n}"), Role::Handler, SUBDISTRICT).of_unit("lights"))
            .collect();
        let outcomes = futures::future::join_all(people.iter().map(|who| steps.accept(who))).await;
        let reasons: Vec<_> = outcomes.into_iter().map(reason).collect();
        assert_eq!(reasons.iter().filter(|told| *told == "no refusal").count(), 1, "{reasons:?}");
        let lost = ["Aborted READ_AGAIN", "FailedPrecondition WRONG_STATE"];
        assert!(reasons.iter().all(|told| told == "no refusal" || lost.contains(&told.as_str())), "{reasons:?}");
        assert_eq!(ground.count("timeline").await?, 5);
    }
    Ok(())
}

/// What the race comes down to: the row is no longer the one that was read.
#[tokio::test]
async fn an_update_of_another_version_writes_nothing() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let id = IncidentId(reported.id.parse()?);
        let row = incident::get(ground.db.read(), &Scope::everything(), id).await?;
        let mut changed: incident::ActiveModel = row.into();
        changed.unit = Set(Some("lights".to_owned()));
        assert!(!incident::update(ground.db.raw_writer(), changed.clone(), 2).await?);
        assert!(incident::update(ground.db.raw_writer(), changed, 1).await?);
    }
    Ok(())
}

/// Each is joined to the other at the same time; a loop would leave both without an answer.
#[tokio::test]
async fn two_do_not_become_duplicates_of_each_other() -> Result<()> {
    for ground in Ground::both().await? {
        for _ in 0..10 {
            let (one, other) = (ground.report(&resident()).await?, ground.report(&resident()).await?);
            let (here, there) = (ground.steps(&one), ground.steps(&other));
            let clerk = clerk();
            let (a, b) = futures::join!(here.join(&clerk, other.id.clone()), there.join(&clerk, one.id.clone()));
            assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
            let mut states = [ground.get(&clerk, &one.id).await?.state(), ground.get(&clerk, &other.id).await?.state()];
            states.sort();
            assert_eq!(states, [IncidentState::Reported, IncidentState::Duplicate]);
        }
    }
    Ok(())
}
