//! Adding people and households, by whom, where, and once.

use anyhow::Result;
use linju_proto::{common::v1::Role, residents::v1};

use crate::ground::{
    COMMUNITY, GRID, Ground, NATIONAL_ID, OTHER_GRID, Person, any_id, create, field, grid_worker, manager, reason,
    somebody, zhang,
};

#[tokio::test]
async fn the_same_request_makes_one_resident() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let request = create(&home.id, zhang());
        let events = ground.count("outbox").await?;
        let all = (0..100).map(|_| {
            let (mut door, request) = (ground.door.clone(), ground.of(&manager(), request.clone()));
            async move { anyhow::Ok(door.create_resident(request?).await?.into_inner()) }
        });
        let answers = futures::future::try_join_all(all).await?;
        assert!(answers.iter().all(|answer| answer.id == answers[0].id));
        assert_eq!(ground.count("residents").await?, 1);
        assert_eq!(ground.count("memberships").await?, 1);
        assert_eq!(ground.count("outbox").await?, events + 1);

        let other = v1::CreateResidentRequest { observed_on: "2026-11-01".to_owned(), ..request.clone() };
        let outcome = ground.door.clone().create_resident(ground.of(&manager(), other)?).await;
        assert_eq!(reason(outcome), "AlreadyExists REQUEST_ID_REUSED");
        let again = v1::CreateResidentRequest { request_id: any_id(), ..request };
        let outcome = ground.door.clone().create_resident(ground.of(&manager(), again)?).await;
        assert_eq!(reason(outcome), "AlreadyExists NATIONAL_ID_TAKEN");
        assert_eq!(ground.count("residents").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_number_taken_elsewhere_tells_nothing_of_the_other_area() -> Result<()> {
    for ground in Ground::both().await? {
        let there = ground.household(OTHER_GRID, "1").await?;
        let held = ground.resident(&there.id, zhang()).await?;
        let here = ground.household(GRID, "2").await?;
        let request = ground.of(&grid_worker(COMMUNITY), create(&here.id, zhang()))?;
        let Err(status) = ground.door.clone().create_resident(request).await else { anyhow::bail!("it was made") };
        let told = format!("{status:?}");
        for secret in [&held.id, &there.id, OTHER_GRID, "张", NATIONAL_ID] {
            assert!(!told.contains(secret), "{told}");
        }
        assert_eq!(reason::<()>(Err(status)), "AlreadyExists NATIONAL_ID_TAKEN");
    }
    Ok(())
}

#[tokio::test]
async fn only_where_one_is_granted() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(OTHER_GRID, "1").await?;
        let person = ground.resident(&home.id, somebody("李明珠", "1990-02-03")).await?;
        let worker = grid_worker(COMMUNITY);
        let mut door = ground.door.clone();
        let request = create(&home.id, zhang());
        assert_eq!(reason(door.create_resident(ground.of(&worker, request)?).await), "NotFound NOT_FOUND");
        let request = v1::GetResidentRequest { id: person.id.clone() };
        assert_eq!(reason(door.get_resident(ground.of(&worker, request)?).await), "NotFound NOT_FOUND");
        let request = v1::GetHouseholdRequest { id: home.id.clone() };
        assert_eq!(reason(door.get_household(ground.of(&worker, request)?).await), "NotFound NOT_FOUND");
        let request = v1::UpdateResidentRequest {
            resident: Some(v1::Resident { id: person.id, phone: "13912341550".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(reason(door.update_resident(ground.of(&worker, request)?).await), "NotFound NOT_FOUND");
        let request = v1::ListResidentsRequest { area_code: OTHER_GRID.to_owned(), ..Default::default() };
        let listed = door.list_residents(ground.of(&worker, request)?).await?.into_inner();
        assert_eq!(listed.residents.len(), 0);
        let household = v1::CreateHouseholdRequest {
            dwelling: Some(v1::Dwelling {
                area_code: OTHER_GRID.to_owned(),
                building: "1栋".to_owned(),
                ..Default::default()
            }),
            number: String::new(),
            request_id: any_id(),
        };
        let outcome = door.create_household(ground.of(&worker, household)?).await;
        assert_eq!(field(outcome), "dwelling.area_code");
        let volunteer = Person::new("u-volunteer", Role::Volunteer, COMMUNITY);
        let outcome = door.create_resident(ground.of(&volunteer, create(&home.id, zhang()))?).await;
        assert_eq!(reason(outcome), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

type Change = fn(&mut v1::Resident);

#[tokio::test]
async fn what_is_wrong_is_named() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let cases: [(&str, Change); 9] = [
            ("resident.name", |r| r.name = "=1+1".to_owned()),
            ("resident.name", |r| r.name = "张\0三".to_owned()),
            ("resident.name", |r| r.name = "张".repeat(61)),
            ("resident.national_id", |r| r.national_id = "511903196005019125".to_owned()),
            ("resident.sex", |r| r.sex = v1::Sex::Male.into()),
            ("resident.birth_date", |r| r.birth_date = "1960-05-02".to_owned()),
            ("resident.birth_date", |r| r.birth_date = "1960-02-30".to_owned()),
            ("resident.phone", |r| r.phone = "1380013".to_owned()),
            ("resident.birth_date", |r| {
                r.national_id = String::new();
                r.sex = v1::Sex::Female.into();
                r.birth_date = "2026-12-01".to_owned();
            }),
        ];
        for (named, change) in cases {
            let mut resident = zhang();
            change(&mut resident);
            let shown = format!("{named}: {resident:?}");
            assert_eq!(field(ground.resident(&home.id, resident).await), named, "{shown}");
        }
        let late = v1::CreateResidentRequest { observed_on: "2026-12-01".to_owned(), ..create(&home.id, zhang()) };
        assert_eq!(field(ground.door.clone().create_resident(ground.of(&manager(), late)?).await), "observed_on");
        assert_eq!(ground.count("residents").await?, 0);
        assert_eq!(ground.count("name_keys").await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_household_is_made_once_and_its_number_is_its_own() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "H1").await?;
        assert_eq!((home.number.as_str(), home.members.len()), ("H1", 0));
        let dwelling = v1::Dwelling {
            area_code: GRID.to_owned(),
            building: "4栋".to_owned(),
            unit: "1单元".to_owned(),
            ..Default::default()
        };
        let request =
            v1::CreateHouseholdRequest { dwelling: Some(dwelling), number: "H1".to_owned(), request_id: any_id() };
        let outcome = ground.door.clone().create_household(ground.of(&manager(), request.clone())?).await;
        assert_eq!(reason(outcome), "AlreadyExists HOUSEHOLD_NUMBER_TAKEN");
        let request = v1::CreateHouseholdRequest { number: "H2".to_owned(), ..request };
        let first = ground.door.clone().create_household(ground.of(&manager(), request.clone())?).await?.into_inner();
        let again = ground.door.clone().create_household(ground.of(&manager(), request)?).await?.into_inner();
        assert_eq!(first, again);
        assert_eq!(ground.count("households").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_dwelling_that_many_register_at_once_is_made_once() -> Result<()> {
    for ground in Ground::both().await? {
        ground.household(GRID, "1").await?;
        let request = || v1::CreateHouseholdRequest {
            dwelling: Some(v1::Dwelling {
                area_code: GRID.to_owned(),
                building: "9栋".to_owned(),
                room: "101".to_owned(),
                ..Default::default()
            }),
            number: String::new(),
            request_id: any_id(),
        };
        let mut calls = Vec::new();
        for _ in 0..6 {
            let (mut door, request) = (ground.door.clone(), ground.of(&manager(), request())?);
            calls.push(async move { door.create_household(request).await });
        }
        for outcome in futures::future::join_all(calls).await {
            outcome?;
        }
        assert_eq!((ground.count("households").await?, ground.count("dwellings").await?), (7, 2));
    }
    Ok(())
}
