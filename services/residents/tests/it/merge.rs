//! Two records of one person become one, and two again.

use anyhow::Result;
use linju_proto::residents::v1;

use crate::ground::{GRID, Ground, NATIONAL_ID, any_id, manager, reason, somebody, zhang};

impl Ground {
    async fn merge(&self, leading: &str, merged: &str) -> Result<v1::Resident, tonic::Status> {
        let request = v1::MergeResidentsRequest {
            leading_id: leading.to_owned(),
            merged_id: merged.to_owned(),
            reason: "同一人登记两次".to_owned(),
        };
        let request = self.of(&manager().because("register_upkeep"), request);
        let request = request.map_err(|e| tonic::Status::internal(e.to_string()))?;
        Ok(self.door.clone().merge_residents(request).await?.into_inner())
    }

    async fn unmerge(&self, id: &str) -> Result<v1::Resident, tonic::Status> {
        let request = v1::UnmergeResidentRequest { id: id.to_owned(), reason: "不是同一人".to_owned() };
        let request = self.of(&manager().because("register_upkeep"), request);
        let request = request.map_err(|e| tonic::Status::internal(e.to_string()))?;
        Ok(self.door.clone().unmerge_resident(request).await?.into_inner())
    }

    async fn tag(&self, id: &str, kind: v1::CareTagKind) -> Result<v1::Resident> {
        let tag = v1::CareTag {
            kind: kind.into(),
            source: "visit".to_owned(),
            observed_on: "2026-11-20".to_owned(),
            expires_on: String::new(),
        };
        let request = v1::SetCareTagRequest { id: id.to_owned(), tag: Some(tag) };
        let request = self.of(&manager().because("register_upkeep"), request)?;
        Ok(self.door.clone().set_care_tag(request).await?.into_inner())
    }
}

/// The record without what every change changes.
fn content(resident: v1::Resident) -> v1::Resident {
    v1::Resident { etag: String::new(), updated_at: None, ..resident }
}

#[tokio::test]
async fn a_merge_is_undone_exactly() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let leading = ground.resident(&home.id, somebody("张青秀", "1960-05-01")).await?;
        let leading = ground.tag(&leading.id, v1::CareTagKind::LivingAlone).await?;
        let merged = ground.resident(&home.id, zhang()).await?;
        ground.tag(&merged.id, v1::CareTagKind::LivingAlone).await?;
        let merged = ground.tag(&merged.id, v1::CareTagKind::Wheelchair).await?;

        let one = ground.merge(&leading.id, &merged.id).await?;
        assert_eq!((one.national_id.as_str(), one.phone.as_str()), (NATIONAL_ID, merged.phone.as_str()));
        assert_eq!(one.care_tags.len(), 2);
        let part = ground.get(&merged.id).await?;
        assert_eq!((part.state(), part.merged_into.as_str()), (v1::ResidentState::Merged, leading.id.as_str()));
        assert_eq!(ground.search("清秀").await?.len(), 0);
        assert_eq!(ground.search(&merged.phone).await?.iter().map(|r| &r.id).collect::<Vec<_>>(), [&leading.id]);
        assert_eq!(ground.search(NATIONAL_ID).await?.iter().map(|r| &r.id).collect::<Vec<_>>(), [&leading.id]);
        let request = v1::GetHouseholdRequest { id: home.id.clone() };
        let shown = ground.door.clone().get_household(ground.of(&manager(), request)?).await?.into_inner();
        assert_eq!(shown.members.len(), 1);

        assert_eq!(reason(ground.merge(&merged.id, &leading.id).await), "FailedPrecondition TARGET_IS_MERGED");
        assert_eq!(reason(ground.merge(&leading.id, &leading.id).await), "FailedPrecondition MERGE_INTO_ITSELF");
        assert_eq!(reason(ground.unmerge(&leading.id).await), "FailedPrecondition RECORD_IS_NOT_MERGED");
        assert_eq!(reason(ground.merge(&leading.id, &any_id()).await), "NotFound NOT_FOUND");

        let again = ground.unmerge(&merged.id).await?;
        assert_eq!(content(again), content(merged.clone()));
        assert_eq!(content(ground.get(&leading.id).await?), content(leading));
        assert_eq!(ground.search("清秀").await?.len(), 1);
        assert_eq!(ground.search(NATIONAL_ID).await?.iter().map(|r| &r.id).collect::<Vec<_>>(), [&merged.id]);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_changed_since_stays() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let leading = ground.resident(&home.id, somebody("张青秀", "1960-05-01")).await?;
        let merged = ground.resident(&home.id, zhang()).await?;
        ground.merge(&leading.id, &merged.id).await?;
        let phone = v1::Resident { id: leading.id.clone(), phone: "13912341559".to_owned(), ..Default::default() };
        let change = v1::UpdateResidentRequest { resident: Some(phone), ..Default::default() };
        ground.clock.advance(chrono::TimeDelta::days(1));
        ground.door.clone().update_resident(ground.of(&manager(), change)?).await?;
        ground.unmerge(&merged.id).await?;
        let kept = ground.get(&leading.id).await?;
        assert_eq!((kept.phone.as_str(), kept.national_id.as_str()), ("13912341559", ""));
    }
    Ok(())
}

#[tokio::test]
async fn a_survey_leads_to_the_record_that_stands() -> Result<()> {
    const ROW: &str = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,户主,张清秀,女,1960-05-01,51190319600501912X,13912341558,户籍,常住,,2026-11-23,李";
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let leading = ground.resident(&home.id, somebody("张青秀", "1960-05-01")).await?;
        let merged = ground.resident(&home.id, zhang()).await?;
        ground.merge(&leading.id, &merged.id).await?;
        ground.clock.advance(chrono::TimeDelta::days(2));
        let done = ground.import_rows(&[&ROW.replace("2026-11-23", "2026-11-24")]).await?;
        assert_eq!((done.created, done.updated), (0, 1));
        assert_eq!(ground.get(&leading.id).await?.phone, "13912341558");
        assert_eq!(ground.get(&merged.id).await?.state(), v1::ResidentState::Merged);
        assert_eq!(reason(ground.resident(&home.id, zhang()).await), "AlreadyExists NATIONAL_ID_TAKEN");
    }
    Ok(())
}

#[tokio::test]
async fn every_record_that_changes_has_a_new_etag() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let leading = ground.resident(&home.id, somebody("张青秀", "1960-05-01")).await?;
        let merged = ground.resident(&home.id, zhang()).await?;
        let etags = async || {
            let (leading, merged) = (ground.get(&leading.id).await?, ground.get(&merged.id).await?);
            Ok::<_, anyhow::Error>([leading.etag, merged.etag])
        };
        let mut before = etags().await?;
        for undo in [false, true] {
            if undo {
                ground.unmerge(&merged.id).await?
            } else {
                ground.merge(&leading.id, &merged.id).await?
            };
            let after = etags().await?;
            assert!(before.iter().zip(&after).all(|(before, after)| before != after), "{undo}: {before:?} {after:?}");
            before = after;
        }
    }
    Ok(())
}

#[tokio::test]
async fn tags_that_are_taken_over_are_told() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let leading = ground.resident(&home.id, somebody("张青秀", "1960-05-01")).await?;
        let merged = ground.resident(&home.id, zhang()).await?;
        ground.tag(&merged.id, v1::CareTagKind::Wheelchair).await?;
        ground.merge(&leading.id, &merged.id).await?;
        let told = ground.told().await?;
        let last = told.last().map(String::as_str).unwrap_or_default();
        assert!(last.starts_with("linju.residents.v1.CareTagsChanged ") && last.contains(&leading.id), "{last}");
        assert!(last.contains("WHEELCHAIR"), "{last}");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_put_right_on_the_same_day_stays() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let leading = ground.resident(&home.id, somebody("张青秀", "1960-05-01")).await?;
        let merged = ground.resident(&home.id, zhang()).await?;
        ground.merge(&leading.id, &merged.id).await?;
        let right = v1::Resident {
            id: leading.id.clone(),
            phone: "13912341559".to_owned(),
            registration: v1::Registration::MovedIn.into(),
            living: v1::Living::WorkingAway.into(),
            ..Default::default()
        };
        let change = v1::UpdateResidentRequest { resident: Some(right.clone()), ..Default::default() };
        ground.door.clone().update_resident(ground.of(&manager(), change)?).await?;
        ground.unmerge(&merged.id).await?;
        let kept = ground.get(&leading.id).await?;
        assert_eq!((kept.phone, kept.registration, kept.living), (right.phone, right.registration, right.living));
    }
    Ok(())
}

#[tokio::test]
async fn a_household_shows_its_merged_members_as_who_they_are() -> Result<()> {
    for ground in Ground::both().await? {
        let (one, other) = (ground.household(GRID, "1").await?, ground.household(GRID, "2").await?);
        let leading = ground.resident(&one.id, somebody("张青秀", "1960-05-01")).await?;
        let merged = ground.resident(&other.id, zhang()).await?;
        ground.merge(&leading.id, &merged.id).await?;
        for (home, until) in [(one, ""), (other, "2026-11-23")] {
            let request = v1::GetHouseholdRequest { id: home.id };
            let request = ground.of(&manager().because("register_upkeep"), request)?;
            let shown = ground.door.clone().get_household(request).await?.into_inner();
            let members: Vec<_> = shown.members.iter().map(|m| (m.resident_id.as_str(), m.name.as_str())).collect();
            assert_eq!(members, [(leading.id.as_str(), "张青秀")]);
            assert_eq!(shown.members[0].until, until);
        }
    }
    Ok(())
}
