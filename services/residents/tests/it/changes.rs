//! Updates, moves and ends of residences.

use anyhow::Result;
use linju_proto::residents::v1;
use tonic::Status;

use crate::ground::{GRID, Ground, NATIONAL_ID, OTHER_GRID, field, manager, reason, somebody, zhang};

impl Ground {
    async fn update(&self, resident: v1::Resident, mask: &[&str], observed_on: &str) -> Result<v1::Resident, Status> {
        let request = v1::UpdateResidentRequest {
            resident: Some(resident),
            update_mask: Some(prost_types::FieldMask { paths: mask.iter().map(ToString::to_string).collect() }),
            observed_on: observed_on.to_owned(),
        };
        let request = self.of(&manager().because("register_upkeep"), request);
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().update_resident(request).await?.into_inner())
    }

    async fn move_to(&self, who: &v1::Resident, home: &v1::Household, on: &str) -> Result<v1::Resident, Status> {
        let request = v1::MoveResidentRequest {
            id: who.id.clone(),
            household_id: home.id.clone(),
            relation: v1::Relation::Parent.into(),
            moved_on: on.to_owned(),
            etag: who.etag.clone(),
        };
        let request = self.of(&manager(), request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().move_resident(request).await?.into_inner())
    }

    async fn end(&self, who: &v1::Resident, state: v1::ResidentState, on: &str) -> Result<v1::Resident, Status> {
        let request = v1::EndResidenceRequest {
            id: who.id.clone(),
            state: state.into(),
            ended_on: on.to_owned(),
            etag: who.etag.clone(),
        };
        let request = self.of(&manager(), request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().end_residence(request).await?.into_inner())
    }
}

#[tokio::test]
async fn the_mask_says_what_changes() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let kept = ground.resident(&home.id, zhang()).await?;
        let id = || v1::Resident { id: kept.id.clone(), ..Default::default() };
        let outcome = ground.update(id(), &["phone", "care_tags"], "").await;
        let Err(status) = outcome else { anyhow::bail!("it was taken") };
        assert!(status.message().contains("name, sex, birth_date, national_id, phone"), "{status:?}");
        assert_eq!(field::<()>(Err(status)), "update_mask");
        assert_eq!(ground.get(&kept.id).await?, kept, "nothing is half written");

        // An empty mask names what is set; a named field that is empty is emptied.
        let next = ground.update(v1::Resident { name: "张青秀".to_owned(), ..id() }, &[], "").await?;
        assert_eq!((next.name.as_str(), next.phone == kept.phone), ("张青秀", true));
        let next = ground.update(id(), &["phone", "registration"], "").await?;
        assert_eq!((next.phone.as_str(), next.registration), ("", 0));
        assert_eq!(ground.search("13912341550").await?.len(), 0);
        assert_eq!(ground.search("青秀").await?.len(), 1);
        assert_eq!(ground.search("清秀").await?.len(), 0, "the old name's keys are gone");
        assert_eq!(field(ground.update(id(), &["name"], "").await), "resident.name");
        let other_sex = v1::Resident { sex: v1::Sex::Male.into(), ..id() };
        assert_eq!(field(ground.update(other_sex, &["sex"], "").await), "resident.sex");
    }
    Ok(())
}

#[tokio::test]
async fn a_stale_etag_and_an_older_fact_are_refused() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let kept = ground.resident(&home.id, zhang()).await?;
        let phone = |number: &str, etag: &str| v1::Resident {
            id: kept.id.clone(),
            phone: number.to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        };
        let next = ground.update(phone("13912341551", &kept.etag), &["phone"], "").await?;
        assert_ne!(next.etag, kept.etag);
        let outcome = ground.update(phone("13912341552", &kept.etag), &["phone"], "").await;
        assert_eq!(reason(outcome), "Aborted STALE_ETAG");
        let outcome = ground.update(phone("13912341552", ""), &["phone"], "2026-11-22").await;
        assert_eq!(reason(outcome), "FailedPrecondition OLDER_THAN_KEPT");
        let outcome = ground.update(phone("13912341552", ""), &["phone"], "2026-11-24").await;
        assert_eq!(field(outcome), "observed_on");
        assert_eq!(ground.get(&kept.id).await?.phone, "13912341551");
        let moved = ground.move_to(&kept, &home, "2026-11-23").await;
        assert_eq!(reason(moved), "Aborted STALE_ETAG");
    }
    Ok(())
}

#[tokio::test]
async fn a_number_cannot_be_taken_over() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        ground.resident(&home.id, zhang()).await?;
        let other = ground.resident(&home.id, somebody("张清", "1960-05-01")).await?;
        let change = v1::Resident { id: other.id, national_id: NATIONAL_ID.to_owned(), ..Default::default() };
        assert_eq!(reason(ground.update(change, &[], "").await), "AlreadyExists NATIONAL_ID_TAKEN");
    }
    Ok(())
}

#[tokio::test]
async fn moving_keeps_the_history() -> Result<()> {
    for ground in Ground::both().await? {
        let (here, there) = (ground.household(GRID, "1").await?, ground.household(OTHER_GRID, "2").await?);
        let request = v1::CreateResidentRequest {
            observed_on: "2026-10-01".to_owned(),
            ..crate::ground::create(&here.id, zhang())
        };
        let kept = ground.door.clone().create_resident(ground.of(&manager(), request)?).await?.into_inner();
        assert_eq!(field(ground.move_to(&kept, &there, "2026-09-30").await), "moved_on", "dates are reversed");
        assert_eq!(field(ground.move_to(&kept, &there, "2026-11-24").await), "moved_on", "in the future");
        assert_eq!(field(ground.move_to(&kept, &there, "2026-11-31").await), "moved_on", "no such day");
        assert_eq!(field(ground.move_to(&kept, &here, "2026-11-01").await), "household_id");
        let moved = ground.move_to(&kept, &there, "2026-11-01").await?;
        assert_eq!((moved.household_id.as_str(), moved.area_code.as_str()), (there.id.as_str(), OTHER_GRID));

        let request = v1::GetHouseholdRequest { id: here.id.clone() };
        let request = ground.of(&manager().because("home_visit"), request)?;
        let old = ground.door.clone().get_household(request).await?.into_inner();
        let member = &old.members[0];
        assert_eq!((member.from.as_str(), member.until.as_str()), ("2026-10-01", "2026-11-01"));
        assert_eq!(member.name, "张清秀");

        let gone = ground.end(&moved, v1::ResidentState::Left, "2026-11-10").await?;
        assert_eq!((gone.state(), gone.household_id.as_str()), (v1::ResidentState::Left, ""));
        let outcome = ground.end(&gone, v1::ResidentState::Left, "2026-11-11").await;
        assert_eq!(reason(outcome), "FailedPrecondition HAS_LEFT");
        let outcome = ground.move_to(&gone, &here, "2026-11-09").await;
        assert_eq!(reason(outcome), "FailedPrecondition DATES_REVERSED");
        let back = ground.move_to(&gone, &here, "2026-11-12").await?;
        assert_eq!(back.state(), v1::ResidentState::Living);
        let outcome = ground.end(&back, v1::ResidentState::Died, "2026-11-11").await;
        assert_eq!(field(outcome), "ended_on");
        let dead = ground.end(&back, v1::ResidentState::Died, "2026-11-20").await?;
        let outcome = ground.move_to(&dead, &there, "2026-11-21").await;
        assert_eq!(reason(outcome), "FailedPrecondition HAS_DIED");
        let told = ground.told().await?.join("\n");
        let told: Vec<_> =
            told.split('"').map(|part| if part.parse::<uuid::Uuid>().is_ok() { "[id]" } else { part }).collect();
        let told = told.join("\"");
        insta::allow_duplicates! {
            insta::assert_snapshot!("events_of_a_life", told);
        }
    }
    Ok(())
}
