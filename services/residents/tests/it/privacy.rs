//! What is sealed lies nowhere in clear, and what is masked needs a purpose.

use anyhow::Result;
use linju_proto::residents::v1;
use linju_residents::{
    app::ImportOptions,
    survey::{limits::Limits, source::SurveyFile},
};

use crate::ground::{GRID, Ground, HEADER, NAME, NATIONAL_ID, PHONE, create, manager, reason, zhang};

#[tokio::test]
async fn no_table_holds_a_sealed_value_in_clear() -> Result<()> {
    const ROOM: &str = "60canary";
    const IMPORTED: &str = "白玉社区,511903001008002,滨河小区,9栋,单元乙,室丙丁,H9,户主,李秀英,女,1985-03-04,511903198503049123,13912340000,户籍,常住,轮椅,2026-11-01,李";
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "canary").await?;
        let kept = ground.resident(&home.id, zhang()).await?;
        let imported = ground.import_rows(&[&valid(IMPORTED)]).await?;
        assert_eq!(imported.created, 1);
        ground.get(&kept.id).await?;
        let dump = ground.dump().await?;
        assert!(dump.len() > 10 && dump.iter().any(|row| row.contains(NAME)), "names are there to be searched");
        for canary in [NATIONAL_ID, PHONE, ROOM, "2单元", "13912340000", "单元乙", "室丙丁", "5119031985030491"]
        {
            let hex = canary.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            for row in &dump {
                let row = row.to_lowercase();
                assert!(!row.contains(&canary.to_lowercase()) && !row.contains(&hex), "{canary}: {row}");
            }
        }
        // Names stay within the register: no event, request or audit entry has one.
        for row in dump.iter().filter(|row| ["outbox", "requests", "audit"].iter().any(|t| row.starts_with(t))) {
            assert!(!row.contains(NAME) && !row.contains("1960-05-01"), "{row}");
        }
    }
    Ok(())
}

/// The row with the check character that its ID number needs.
fn valid(row: &str) -> String {
    let fits = (0..=9).map(|n| n.to_string()).chain(["X".to_owned()]).find_map(|check| {
        let number = format!("51190319850304912{check}");
        linju_residents::domain::national_id::NationalId::parse(&number).ok().map(|_| number)
    });
    row.replace("511903198503049123", &fits.unwrap_or_default())
}

#[tokio::test]
async fn without_a_purpose_answers_are_masked() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let kept = ground.resident(&home.id, zhang()).await?;
        let looks = ground.count("audit").await?;
        let mut door = ground.door.clone();
        let get = || v1::GetResidentRequest { id: kept.id.clone() };
        let masked = door.get_resident(ground.of(&manager(), get())?).await?.into_inner();
        assert_eq!((masked.name.as_str(), masked.birth_date.as_str()), ("张*", "1960"));
        assert!(!masked.national_id.contains("19600501") && !masked.phone.contains("1234"));
        assert_eq!(ground.count("audit").await?, looks, "nothing was looked at");
        let open = door.get_resident(ground.of(&manager().because("subject_request"), get())?).await?.into_inner();
        assert_eq!((open.name.as_str(), open.national_id.as_str(), open.phone.as_str()), (NAME, NATIONAL_ID, PHONE));
        assert_eq!(ground.count("audit").await?, looks + 1);
        let created = door.create_resident(ground.of(
            &manager(),
            create(
                &home.id,
                v1::Resident {
                    name: "李秀英".to_owned(),
                    sex: v1::Sex::Female.into(),
                    birth_date: "1990-02-03".to_owned(),
                    ..Default::default()
                },
            ),
        )?);
        assert_eq!(created.await?.into_inner().name, "李*", "an answer to a change is masked too");
        let request = v1::GetHouseholdRequest { id: home.id.clone() };
        let masked = door.get_household(ground.of(&manager(), request)?).await?.into_inner();
        let place = masked.dwelling.unwrap_or_default();
        assert_eq!((place.unit.as_str(), place.room.as_str(), place.building.as_str()), ("", "", "3栋"));
        assert!(masked.members.iter().all(|member| member.name.ends_with('*')));
    }
    Ok(())
}

#[tokio::test]
async fn who_has_a_care_tag_needs_a_purpose() -> Result<()> {
    for ground in Ground::both().await? {
        let row = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,户主,张清秀,女,1960-05-01,51190319600501912X,,户籍,常住,轮椅,2026-11-01,李";
        ground.import_rows(&[row]).await?;
        let request = |kind: v1::CareTagKind| v1::ListResidentsRequest {
            area_code: GRID.to_owned(),
            care_tag: kind.into(),
            ..Default::default()
        };
        let mut door = ground.door.clone();
        let all = ground.of(&manager(), request(v1::CareTagKind::Unspecified))?;
        assert_eq!(door.list_residents(all).await?.into_inner().residents.len(), 1);
        for kind in [v1::CareTagKind::Wheelchair, v1::CareTagKind::LivingAlone] {
            let outcome = door.list_residents(ground.of(&manager(), request(kind))?).await;
            assert_eq!(reason(outcome), "PermissionDenied PURPOSE_NEEDED");
        }
        assert_eq!(ground.count("audit").await?, 0);
        let open = ground.of(&manager().because("home_visit"), request(v1::CareTagKind::Wheelchair))?;
        assert_eq!(door.list_residents(open).await?.into_inner().residents.len(), 1);
        assert_eq!(ground.count("audit WHERE fields LIKE '%care_tags%'").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn what_another_copy_sealed_with_a_new_key_opens() -> Result<()> {
    for ground in Ground::both().await? {
        let other = ground.other_copy().await?;
        other.keys.rotate().await?;
        let row = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,户主,张清秀,女,1960-05-01,51190319600501912X,13912341550,户籍,常住,轮椅,2026-11-01,李";
        let file = SurveyFile::from_bytes(format!("{HEADER}\n{row}\n").into_bytes(), Limits::default())?;
        assert_eq!(other.import_survey(file, ImportOptions::default()).await?.created, 1);
        let found = ground.search(NAME).await?;
        assert_eq!((found[0].national_id.as_str(), found[0].phone.as_str()), (NATIONAL_ID, PHONE));
    }
    Ok(())
}
