//! Care tags, care lists, the answer to an incident, and figures.

use std::sync::Arc;

use anyhow::Result;
use chassis::{
    data::Tx,
    events::{Bus, ConsumerRunner, ConsumerSettings, Event, Handler, HandlerError, Head, LocalLog},
    run::{Service, Tasks},
};
use linju_proto::{common::v1::Role, incidents::v1::BuildingEndangered, residents::v1};
use linju_residents::{ResidentsService, app::ImportOptions, events::BuildingInDanger};
use uuid::Uuid;

use crate::ground::{
    COMMUNITY, GRID, Ground, OTHER_GRID, Person, SUBDISTRICT, field, grid_worker, manager, reason, somebody, zhang,
};

impl Ground {
    async fn set_tag(
        &self,
        id: &str,
        kind: v1::CareTagKind,
        on: &str,
        until: &str,
    ) -> Result<v1::Resident, tonic::Status> {
        let tag = v1::CareTag {
            kind: kind.into(),
            source: "visit".to_owned(),
            observed_on: on.to_owned(),
            expires_on: until.to_owned(),
        };
        let request = v1::SetCareTagRequest { id: id.to_owned(), tag: Some(tag) };
        let request = self.of(&manager().because("register_upkeep"), request);
        let request = request.map_err(|e| tonic::Status::internal(e.to_string()))?;
        Ok(self.door.clone().set_care_tag(request).await?.into_inner())
    }

    async fn clear_tag(&self, id: &str, kind: v1::CareTagKind) -> Result<v1::Resident, tonic::Status> {
        let request = v1::ClearCareTagRequest { id: id.to_owned(), kind: kind.into() };
        let request = self.of(&manager().because("register_upkeep"), request);
        let request = request.map_err(|e| tonic::Status::internal(e.to_string()))?;
        Ok(self.door.clone().clear_care_tag(request).await?.into_inner())
    }

    /// Gives an event to the consumer, as the bus would.
    async fn hear(&self, event: Event) -> Result<(), HandlerError> {
        let (app, event) = (self.app.clone(), Arc::new(event));
        self.db
            .write(move |tx: &Tx| {
                let (handler, event) = (BuildingInDanger(app.clone()), event.clone());
                Box::pin(async move { handler.handle(tx, &event).await })
            })
            .await
    }
}

#[tokio::test]
async fn tags_are_set_renewed_and_taken_away() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let kept = ground.resident(&home.id, zhang()).await?;
        let set = async |on: &str, until: &str| ground.set_tag(&kept.id, v1::CareTagKind::Wheelchair, on, until).await;
        assert_eq!(field(set("2026-11-20", "2026-11-19").await), "tag.expires_on", "dates are reversed");
        assert_eq!(field(set("2026-11-24", "").await), "tag.observed_on", "in the future");
        assert_eq!(set("2026-11-20", "2026-11-22").await?.care_tags.len(), 0, "it has expired");
        assert_eq!(set("2026-11-20", "2026-12-31").await?.care_tags.len(), 1);
        assert_eq!(reason(set("2026-11-19", "").await), "FailedPrecondition OLDER_THAN_KEPT");
        let before = ground.get(&kept.id).await?;
        assert_eq!(set("2026-11-20", "2026-12-31").await?.etag, before.etag, "the same again changes nothing");
        assert_eq!(ground.clear_tag(&kept.id, v1::CareTagKind::Wheelchair).await?.care_tags.len(), 0);
        let outcome = ground.clear_tag(&kept.id, v1::CareTagKind::Wheelchair).await;
        assert_eq!(reason(outcome), "NotFound NOT_FOUND");
        // An older survey does not bring it back.
        let row = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,1,户主,张清秀,女,1960-05-01,51190319600501912X,,户籍,常住,轮椅,2026-11-20,李";
        ground.import_rows(&[row]).await?;
        assert_eq!(ground.get(&kept.id).await?.care_tags.len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_building_in_danger_is_answered_with_counts() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let elsewhere = ground.household(OTHER_GRID, "2").await?;
        let alone = ground.resident(&home.id, somebody("李秀英", "1940-02-03")).await?;
        let wheels = ground.resident(&home.id, somebody("王平", "1990-02-03")).await?;
        ground.set_tag(&wheels.id, v1::CareTagKind::Wheelchair, "2026-11-20", "").await?;
        ground.resident(&home.id, somebody("周静", "1991-02-03")).await?;
        ground.resident(&elsewhere.id, somebody("何忠", "1930-02-03")).await?;

        let request = v1::DrawCareListRequest {
            area_code: SUBDISTRICT.to_owned(),
            compound: "滨河小区".to_owned(),
            building: "3栋".to_owned(),
        };
        let dispatcher = Person::new("u-dispatcher", Role::Dispatcher, COMMUNITY);
        let mut care = ground.care.clone();
        let outcome = care.draw_care_list(ground.of(&dispatcher, request.clone())?).await;
        assert_eq!(reason(outcome), "PermissionDenied PURPOSE_NEEDED");
        let open = ground.of(&dispatcher.because("emergency_help"), request)?;
        let list = care.draw_care_list(open).await?.into_inner();
        assert_eq!(list.residents, 3, "the other community lies outside of the scope");
        let order: Vec<_> = list.entries.iter().filter_map(|entry| entry.resident.as_ref()).map(|r| &r.name).collect();
        assert_eq!(order, ["王平", "李秀英"], "who cannot walk goes first");
        assert_eq!(list.entries[1].age, 86);
        assert_eq!(list.entries[0].dwelling.as_ref().map(|place| place.room.as_str()), Some("601"));
        let looked = ground.rows("SELECT subject FROM audit WHERE purpose = 'emergency_help' ORDER BY subject").await?;
        let mut shown = vec![alone.id, wheels.id];
        shown.sort();
        assert_eq!(looked, shown);
        let wide = v1::DrawCareListRequest { area_code: COMMUNITY.to_owned(), ..Default::default() };
        let outcome = care.draw_care_list(ground.of(&manager().because("home_visit"), wide)?).await;
        assert_eq!(field(outcome), "area_code");
    }
    Ok(())
}

#[tokio::test]
async fn a_building_that_is_not_registered_is_not_an_empty_one() -> Result<()> {
    for ground in Ground::both().await? {
        ground.household(GRID, "1").await?;
        ground.household(OTHER_GRID, "2").await?;
        let draw = async |area: &str, compound: &str, building: &str| {
            let request = v1::DrawCareListRequest {
                area_code: area.to_owned(),
                compound: compound.to_owned(),
                building: building.to_owned(),
            };
            let dispatcher = Person::new("u-dispatcher", Role::Dispatcher, COMMUNITY).because("emergency_help");
            let request = ground.of(&dispatcher, request).map_err(|e| tonic::Status::internal(e.to_string()))?;
            Ok::<_, tonic::Status>(ground.care.clone().draw_care_list(request).await?.into_inner())
        };
        assert_eq!(draw(COMMUNITY, "滨河小区", "3栋").await?.residents, 0, "known, and nobody lives there");
        assert_eq!(draw(COMMUNITY, "滨河小区", " ３栋").await?.residents, 0, "as it is typed on another keyboard");
        for (area, compound, building) in [
            (COMMUNITY, "滨河小区", "33栋"),
            (COMMUNITY, "滨江小区", "3栋"),
            (COMMUNITY, "", "3栋"),
            ("511903001008003", "滨河小区", "3栋"),
            // It stands there, but outside of what the dispatcher may see.
            (OTHER_GRID, "滨河小区", "3栋"),
        ] {
            let outcome = draw(area, compound, building).await;
            assert_eq!(reason(outcome), "NotFound BUILDING_NOT_FOUND", "{area} {compound} {building}");
        }
    }
    Ok(())
}

fn endangered(area: &str) -> Event {
    endangered_building(area, "3栋")
}

fn endangered_building(area: &str, building: &str) -> Event {
    let incident = Uuid::from_u128(77);
    let message = BuildingEndangered {
        incident_id: incident.to_string(),
        area_code: area.to_owned(),
        compound: "滨河小区".to_owned(),
        building: building.to_owned(),
    };
    let area = area.parse().expect("a code");
    let at = crate::ground::morning();
    Event::new(Head { id: Uuid::from_u128(78), key: incident, version: 4, area, at }, &message)
}

#[tokio::test]
async fn an_incident_gets_its_counts() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        ground.resident(&home.id, somebody("李秀英", "1940-02-03")).await?;
        ground.resident(&home.id, somebody("周静", "1991-02-03")).await?;
        let before = ground.count("outbox").await?;
        ground.hear(endangered(COMMUNITY)).await?;
        assert_eq!(ground.count("outbox").await?, before + 1);
        let told = ground.told().await?;
        insta::allow_duplicates! {
            insta::assert_snapshot!(told.last().map(String::as_str).unwrap_or_default(), @r#"linju.residents.v1.CareListDrawn {"incidentId":"00000000-0000-0000-0000-00000000004d","areaCode":"511903001008","compound":"滨河小区","building":"3栋","residents":2,"needHelp":1,"buildingKnown":true}"#);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_incident_hears_that_its_building_is_not_registered() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        ground.hear(endangered(COMMUNITY)).await?;
        ground.resident(&home.id, somebody("李秀英", "1940-02-03")).await?;
        for building in ["33栋", "３栋"] {
            ground.hear(endangered_building(COMMUNITY, building)).await?;
        }
        let told = ground.told().await?;
        let answers: Vec<_> = told.iter().filter(|line| line.contains("CareListDrawn")).map(String::as_str).collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(answers.join("\n"), @r#"
            linju.residents.v1.CareListDrawn {"incidentId":"00000000-0000-0000-0000-00000000004d","areaCode":"511903001008","compound":"滨河小区","building":"3栋","buildingKnown":true}
            linju.residents.v1.CareListDrawn {"incidentId":"00000000-0000-0000-0000-00000000004d","areaCode":"511903001008","compound":"滨河小区","building":"33栋"}
            linju.residents.v1.CareListDrawn {"incidentId":"00000000-0000-0000-0000-00000000004d","areaCode":"511903001008","compound":"滨河小区","building":"３栋","residents":1,"needHelp":1,"buildingKnown":true}
            "#);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_event_that_names_no_place_is_parked_with_the_reason() -> Result<()> {
    for ground in Ground::both().await? {
        let message = |incident: &str, area: &str| BuildingEndangered {
            incident_id: incident.to_owned(),
            area_code: area.to_owned(),
            compound: "滨河小区".to_owned(),
            building: "3栋".to_owned(),
        };
        let id = Uuid::from_u128(77);
        for (message, why) in [
            (message(&id.to_string(), "5119"), "area_code is not an area code"),
            (message("INC-77", COMMUNITY), "incident_id is not a UUID"),
        ] {
            let head = Head { id, key: id, version: 4, area: COMMUNITY.parse()?, at: crate::ground::morning() };
            let outcome = ground.hear(Event::new(head, &message)).await;
            assert!(matches!(&outcome, Err(HandlerError::Useless(reason)) if reason == why), "{outcome:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_event_that_comes_twice_is_answered_once() -> Result<()> {
    for ground in Ground::both().await? {
        let folder = tempfile::tempdir()?;
        // The second log stands for one that was lost and filled again by a replay.
        for log in ["first.db", "again.db"] {
            let bus = LocalLog::open(&folder.path().join(log), ground.clock.clone()).await?;
            bus.publish(&[endangered(COMMUNITY)]).await?;
            let tasks = Tasks::default();
            let runner = ConsumerRunner {
                db: ground.db.clone(),
                bus: bus.clone(),
                clock: ground.clock.clone(),
                tasks: tasks.clone(),
                consumer: ResidentsService.build(ground.context(), bus.clone())?.consumers.remove(0),
                settings: ConsumerSettings::default(),
            };
            tasks.spawn(runner.run());
            // Until the consumer has made itself known the bus has no lag to tell.
            let handled = async {
                while !matches!(bus.lag("residents-care").await, Ok(0)) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(std::time::Duration::from_mins(1), handled).await?;
            assert_eq!(ground.count("inbox").await?, 1, "{log}");
            tasks.stop();
            assert!(tasks.wait(std::time::Duration::from_secs(10)).await);
            assert_eq!(ground.count("outbox").await?, 1, "{log}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn small_counts_are_shown_to_whoever_may_see_the_rows() -> Result<()> {
    for ground in Ground::both().await? {
        ground.import("survey_dengke_800.xlsx", ImportOptions::default()).await?;
        let mut care = ground.care.clone();
        let request = || v1::GetFiguresRequest { area_code: COMMUNITY.to_owned() };
        let small = |figures: &v1::Figures| {
            let cells = figures.age_bands.iter().flat_map(|band| [&band.male, &band.female]).flatten();
            cells.fold((0, 0), |(hidden, small), cell| match cell.value {
                Some(v1::cell::Value::Suppressed(_)) => (hidden + 1, small),
                Some(v1::cell::Value::Count(1..5)) => (hidden, small + 1),
                _ => (hidden, small),
            })
        };
        let all = care.get_figures(ground.of(&grid_worker(SUBDISTRICT), request())?).await?.into_inner();
        let (hidden, shown) = small(&all);
        assert!(hidden == 0 && shown > 0);
        for who in [grid_worker(OTHER_GRID), grid_worker(GRID)] {
            let figures = care.get_figures(ground.of(&who, request())?).await?.into_inner();
            let (hidden, shown) = small(&figures);
            assert!(hidden > 0 && shown == 0);
        }
        let public = care.get_figures(tonic::Request::new(request())).await?.into_inner();
        assert_eq!(small(&public).1, 0);
        // The counts are those of the rows.
        let count = ground.count("residents WHERE area_code / 1000 = 511903001008").await?;
        assert_eq!(all.residents.and_then(|cell| cell.value), Some(v1::cell::Value::Count(count)));
        let bands: i64 = all
            .age_bands
            .iter()
            .flat_map(|band| [&band.male, &band.female])
            .filter_map(|cell| match cell.as_ref()?.value.as_ref()? {
                v1::cell::Value::Count(count) => Some(*count),
                v1::cell::Value::Suppressed(_) => None,
            })
            .sum();
        assert_eq!(bands, count);
    }
    Ok(())
}

#[tokio::test]
async fn a_building_lists_who_lives_there_whatever_their_record_says() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        ground.resident(&home.id, somebody("李秀英", "1940-02-03")).await?;
        ground.execute(&format!("UPDATE residents SET area_code = {OTHER_GRID}")).await?;
        let request = v1::DrawCareListRequest {
            area_code: GRID.to_owned(),
            compound: "滨河小区".to_owned(),
            building: "3栋".to_owned(),
        };
        let dispatcher = Person::new("u-dispatcher", Role::Dispatcher, COMMUNITY).because("emergency_help");
        let list = ground.care.clone().draw_care_list(ground.of(&dispatcher, request)?).await?.into_inner();
        assert_eq!((list.residents, list.entries.len()), (1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_fault_of_the_database_is_told_as_one() -> Result<()> {
    for ground in Ground::both().await? {
        ground.execute("ALTER TABLE households RENAME TO gone").await?;
        let outcome = ground.hear(endangered(COMMUNITY)).await;
        assert!(matches!(outcome, Err(HandlerError::Db(_))), "{outcome:?}");
    }
    Ok(())
}
