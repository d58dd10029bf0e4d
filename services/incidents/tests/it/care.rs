//! The conversation with residents about a building in danger.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use chassis::{
    events::{ConsumerRunner, ConsumerSettings, Event, Head, LocalLog, SharedBus},
    run::Tasks,
};
use linju_incidents::events::care_consumer;
use linju_proto::{
    incidents::v1::{self, Building, Urgency},
    residents::v1::CareListDrawn,
};
use uuid::Uuid;

use crate::ground::{COMMUNITY, Ground, NOWHERE, dispatcher, reason, resident};

fn building(name: &str) -> Building {
    Building { area_code: COMMUNITY.to_owned(), compound: "白玉小区".to_owned(), building: name.to_owned() }
}

fn drawn(incident: &str, name: &str, need_help: i32) -> Result<Event> {
    let message = CareListDrawn {
        incident_id: incident.to_owned(),
        area_code: COMMUNITY.to_owned(),
        compound: "白玉小区".to_owned(),
        building: name.to_owned(),
        residents: 84,
        need_help,
        building_known: true,
    };
    Ok(Event::new(head(incident)?, &message))
}

/// The register knows no building of this name.
fn unknown(incident: &str, name: &str) -> Result<Event> {
    let message = CareListDrawn {
        incident_id: incident.to_owned(),
        area_code: COMMUNITY.to_owned(),
        compound: "白玉小区".to_owned(),
        building: name.to_owned(),
        ..Default::default()
    };
    Ok(Event::new(head(incident)?, &message))
}

fn head(incident: &str) -> Result<Head> {
    Ok(Head {
        id: Uuid::from_u128(9),
        key: incident.parse()?,
        version: 1,
        area: COMMUNITY.parse()?,
        at: crate::ground::morning(),
    })
}

impl Ground {
    /// Gives an event to the consumer, as the bus would.
    async fn hear(&self, event: Event) -> Result<()> {
        let handler = care_consumer(self.app.clone()).handler;
        let event = Arc::new(event);
        self.db
            .write(move |tx| {
                let (handler, event) = (handler.clone(), event.clone());
                Box::pin(
                    async move { handler.handle(tx, &event).await.map_err(|e| sea_orm::DbErr::Custom(e.to_string())) },
                )
            })
            .await?;
        Ok(())
    }

    /// Lets the consumer read a stream of its own with this event in it.
    async fn follow(&self, stream: &str, event: &Event) -> Result<()> {
        let bus: SharedBus = LocalLog::open(&self.folder.path().join(stream), self.clock.clone()).await?;
        bus.publish(std::slice::from_ref(event)).await?;
        let tasks = Tasks::default();
        let runner = ConsumerRunner {
            db: self.db.clone(),
            bus: bus.clone(),
            clock: self.clock.clone(),
            tasks: tasks.clone(),
            consumer: care_consumer(self.app.clone()),
            settings: ConsumerSettings::default(),
        };
        tasks.spawn(runner.run());
        let done = async {
            while bus.lag("incidents-care").await.ok() != Some(0) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), done).await.context("the event was never handled")?;
        tasks.stop();
        assert!(tasks.wait(Duration::from_secs(10)).await, "the consumer stops");
        assert!(bus.parked(10).await?.is_empty());
        Ok(())
    }
}

/// A stream that was lost and filled again from the outbox gives everything a second time.
#[tokio::test]
async fn the_same_answer_from_two_streams_works_once() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.triage(&dispatcher(), "safety.fire_hazard", Urgency::Emergency, Some(building("3栋"))).await?;
        let event = drawn(&reported.id, "3栋", 7)?;
        for stream in ["first.db", "second.db"] {
            ground.follow(stream, &event).await?;
        }
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, Some(7));
        let drawn = ground.count("timeline WHERE kind = 'care_list_drawn'").await?;
        assert_eq!(drawn, 1);
    }
    Ok(())
}

#[tokio::test]
async fn each_building_is_told_of_once() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        let triage = async |endangers: Option<Building>| {
            steps.triage(&dispatcher(), "safety.fire_hazard", Urgency::Emergency, endangers).await
        };
        triage(Some(building("3栋"))).await?;
        ground.hear(drawn(&reported.id, "3栋", 7)?).await?;
        let again = triage(Some(building("3栋"))).await?;
        assert_eq!(again.need_help, Some(7), "the count stands");
        triage(Some(building("4栋"))).await?;
        triage(NOWHERE).await?;
        let told: Vec<_> =
            ground.told().await?.into_iter().filter(|line| line.contains("BuildingEndangered")).collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("3栋") && told[1].contains("4栋"), "{told:?}");
        insta::assert_snapshot!("endangered", told.join("\n"));
    }
    Ok(())
}

#[tokio::test]
async fn the_answer_stands_in_the_timeline() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        steps.triage(&dispatcher(), "safety.fire_hazard", Urgency::Emergency, Some(building("3栋"))).await?;
        ground.hear(drawn(&reported.id, "3栋", 7)?).await?;
        let office = ground.get(&dispatcher(), &reported.id).await?;
        assert_eq!((office.need_help, office.endangers), (Some(7), Some(building("3栋"))));
        // The reporter is a neighbour, who is not told how many there need help; nor is staff in a matter of its own.
        let at_home = dispatcher().and(&resident());
        for who in [resident(), resident().because("own_matter"), at_home.named("u-resident").because("own_matter")] {
            let own = ground.get(&who, &reported.id).await?;
            assert_eq!((own.need_help, own.endangers), (None, None));
            let listed = ground.list(&who).await?;
            assert_eq!(listed.len(), 1);
            assert_eq!((listed[0].need_help, listed[0].endangers.as_ref()), (None, None));
        }
        let timeline = ground.timeline(&dispatcher(), &reported.id).await?;
        let entry = timeline.last().context("an entry")?;
        assert_eq!(
            (entry.kind.as_str(), entry.actor.as_str(), entry.visibility()),
            ("care_list_drawn", "system", v1::Visibility::Internal)
        );
        assert_eq!((entry.facts["residents"].as_str(), entry.facts["need_help"].as_str()), ("84", "7"));
        assert!(ground.timeline(&resident(), &reported.id).await?.iter().all(|e| e.kind != "care_list_drawn"));

        // The wrong building, and an incident that is not here.
        ground.hear(drawn(&reported.id, "4栋", 9)?).await?;
        ground.hear(drawn("01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11", "3栋", 9)?).await?;
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, Some(7));
        // Another building: nobody has counted there yet.
        steps.triage(&dispatcher(), "safety.fire_hazard", Urgency::Emergency, Some(building("4栋"))).await?;
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, None);
        assert!(ground.hear(drawn(&reported.id, "4栋", -1)?).await.is_err());
    }
    Ok(())
}

/// Nobody counted, which must not read as "nobody needs help".
#[tokio::test]
async fn a_building_that_the_register_does_not_know_is_told() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let steps = ground.steps(&reported);
        let triage = async |name: &str| {
            steps.triage(&dispatcher(), "safety.fire_hazard", Urgency::Emergency, Some(building(name))).await
        };
        triage("33栋").await?;
        let told = ground.told().await?.len();
        for stream in ["first.db", "second.db"] {
            ground.follow(stream, &unknown(&reported.id, "33栋")?).await?;
        }
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, None);
        assert_eq!(ground.told().await?.len(), told, "the other services have nothing to do about it");
        let timeline = ground.timeline(&dispatcher(), &reported.id).await?;
        let kinds: Vec<_> = timeline.iter().map(|entry| entry.kind.as_str()).collect();
        assert_eq!(kinds, ["reported", "triaged", "building_unknown"], "and only once");
        let entry = timeline.last().context("an entry")?;
        assert_eq!((entry.actor.as_str(), entry.visibility()), ("system", v1::Visibility::Internal));
        assert!(entry.facts.is_empty(), "no count is shown: {:?}", entry.facts);
        assert!(ground.timeline(&resident(), &reported.id).await?.iter().all(|e| e.kind != "building_unknown"));
        // The register may know it by now, under the very same name.
        let asked = async || ground.count("outbox WHERE kind = 'linju.incidents.v1.BuildingEndangered'").await;
        let before = asked().await?;
        triage("33栋").await?;
        assert_eq!(asked().await?, before + 1);

        // The right name brings the right number, and an answer about the wrong name comes too late.
        triage("3栋").await?;
        ground.hear(drawn(&reported.id, "3栋", 7)?).await?;
        ground.hear(unknown(&reported.id, "33栋")?).await?;
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, Some(7));
        // A number that stood for one building does not stay for another.
        triage("33栋").await?;
        ground.hear(unknown(&reported.id, "33栋")?).await?;
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, None);
    }
    Ok(())
}

/// A village has houses and no compounds, and a survey names buildings with up to 60 characters.
#[tokio::test]
async fn a_house_in_a_village_can_be_in_danger() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        let house = Building { compound: String::new(), ..building(&"村".repeat(60)) };
        let triage = async |building: &Building| {
            let steps = ground.steps(&reported);
            steps.triage(&dispatcher(), "safety.fire_hazard", Urgency::Emergency, Some(building.clone())).await
        };
        assert_eq!(triage(&house).await?.endangers.as_ref(), Some(&house));
        let told = ground.told().await?;
        assert!(told.last().is_some_and(|line| line.contains("BuildingEndangered") && !line.contains("compound")));
        let message = CareListDrawn {
            incident_id: reported.id.clone(),
            area_code: COMMUNITY.to_owned(),
            building: house.building.clone(),
            residents: 5,
            need_help: 2,
            building_known: true,
            ..Default::default()
        };
        ground.hear(Event::new(head(&reported.id)?, &message)).await?;
        assert_eq!(ground.get(&dispatcher(), &reported.id).await?.need_help, Some(2));
        for name in [String::new(), "村".repeat(61)] {
            let refused = triage(&Building { building: name, ..house.clone() }).await;
            assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
        }
    }
    Ok(())
}
