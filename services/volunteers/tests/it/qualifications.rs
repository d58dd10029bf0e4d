//! Proofs that gate what somebody may do, for their time.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::volunteers::v1::{self, Obstacle, QualificationKind, QualificationState};

use crate::ground::{COMMUNITY, Ground, clerk, manager, neighbour, new_id, reason, timestamp, worker};

#[tokio::test]
async fn a_clearance_ends_by_itself_after_a_year() -> Result<()> {
    for ground in Ground::both().await? {
        let active = ground.active(&neighbour("u-zhang"), "张清秀").await?;
        let cleared = ground.qualify(&active.id, QualificationKind::MinorClearance).await?;
        assert_eq!((cleared.state(), cleared.expires_on.as_str()), (QualificationState::Holds, "2027-11-22"));
        let licence = ground.qualify(&active.id, QualificationKind::DrivingLicence).await?;
        assert_eq!(licence.expires_on, "", "for good");

        let expiring = async |until: &str| {
            let request = v1::ListExpiringQualificationsRequest {
                area_code: COMMUNITY.to_owned(),
                until: until.to_owned(),
                ..v1::ListExpiringQualificationsRequest::default()
            };
            let request = ground.of(&worker(), request).expect("a request");
            ground.people().list_expiring_qualifications(request).await.expect("a list").into_inner().qualifications
        };
        assert!(expiring("").await.is_empty());
        assert_eq!(expiring("2027-12-01").await.len(), 1);

        ground.clock.advance(TimeDelta::days(335));
        assert_eq!(ground.fire_due().await?, 1);
        assert!(ground.told().await?.ends_with(&["QualificationExpiring".to_owned()]));
        assert_eq!(expiring("").await.len(), 1);
        ground.clock.advance(TimeDelta::days(30));
        assert_eq!(ground.fire_due().await?, 1);
        assert!(ground.told().await?.ends_with(&["QualificationEnded".to_owned()]));
        assert_eq!(ground.fire_due().await?, 0);
        let states = list(&ground, &active.id).await?.iter().map(v1::Qualification::state).collect::<Vec<_>>();
        assert_eq!(states, [QualificationState::Holds, QualificationState::Expired]);
    }
    Ok(())
}

async fn list(ground: &Ground, id: &str) -> Result<Vec<v1::Qualification>> {
    let request = v1::ListQualificationsRequest { volunteer_id: id.to_owned() };
    Ok(ground.people().list_qualifications(ground.of(&manager(), request)?).await?.into_inner().qualifications)
}

#[tokio::test]
async fn proofs_are_checked_renewed_and_taken_back() -> Result<()> {
    for ground in Ground::both().await? {
        let zhang = neighbour("u-zhang");
        let active = ground.active(&zhang, "张清秀").await?;
        let record = async |issued: &str, expires: &str, request_id: &str| {
            let qualification = v1::Qualification {
                kind: QualificationKind::MinorClearance.into(),
                issued_on: issued.to_owned(),
                expires_on: expires.to_owned(),
                ..v1::Qualification::default()
            };
            let request = v1::RecordQualificationRequest {
                volunteer_id: active.id.clone(),
                qualification: Some(qualification),
                request_id: request_id.to_owned(),
            };
            ground.people().record_qualification(ground.of(&manager(), request).expect("a request")).await
        };
        let id = new_id();
        let longer = record("2026-11-01", "2027-11-30", &id).await;
        assert_eq!(reason(longer), "InvalidArgument HOLDS_TOO_LONG");
        assert_eq!(reason(record("2026-12-01", "", &id).await), "InvalidArgument INVALID_FIELD");
        let first = record("2026-05-01", "", &id).await?.into_inner();
        assert_eq!(record("2026-05-01", "", &id).await?.into_inner(), first, "the same request, the same proof");
        record("2026-11-20", "", &new_id()).await?;
        let states = list(&ground, &active.id).await?.iter().map(v1::Qualification::state).collect::<Vec<_>>();
        assert_eq!(states, [QualificationState::Holds, QualificationState::Renewed]);

        let newest = list(&ground, &active.id).await?[0].id.clone();
        let revoke = v1::RevokeQualificationRequest { id: newest, reason: v1::RevocationReason::NotGenuine.into() };
        let revoked = ground.people().revoke_qualification(ground.of(&manager(), revoke.clone())?).await?.into_inner();
        assert_eq!(revoked.state(), QualificationState::Revoked);
        let again = ground.people().revoke_qualification(ground.of(&manager(), revoke.clone())?).await;
        assert_eq!(reason(again), "FailedPrecondition HOLDS_NO_LONGER");
        let own = ground.people().revoke_qualification(ground.of(&zhang, revoke)?).await;
        assert_eq!(reason(own), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

#[tokio::test]
async fn every_obstacle_is_told_at_once() -> Result<()> {
    for ground in Ground::both().await? {
        let zhang = neighbour("u-zhang");
        let applied = ground.apply(&zhang, "张清秀").await?;
        let needs = v1::Needs {
            qualifications: vec![QualificationKind::FirstAid.into()],
            risky: true,
            with_minors: true,
            adults_only: true,
        };
        let check = async || {
            let request = v1::CheckEligibilityRequest {
                id: applied.id.clone(),
                needs: Some(needs.clone()),
                starts_at: Some(timestamp(ground.clock.now() + TimeDelta::days(1))),
                ends_at: Some(timestamp(ground.clock.now() + TimeDelta::days(2))),
            };
            let request = ground.of(&clerk(), request).expect("a request");
            ground.people().check_eligibility(request).await.expect("an answer").into_inner()
        };
        let found = check().await;
        let obstacles: Vec<_> = found.obstacles.iter().map(v1::ObstacleFound::obstacle).collect();
        let missing = Obstacle::QualificationMissing;
        assert_eq!(obstacles, [Obstacle::NotActive, missing, missing, Obstacle::NotInsured]);
        assert!(!found.eligible && found.obstacles.iter().all(|obstacle| !obstacle.text.is_empty()));

        ground.accept(&applied.id).await?;
        ground.qualify(&applied.id, QualificationKind::FirstAid).await?;
        ground.qualify(&applied.id, QualificationKind::MinorClearance).await?;
        let insurance = v1::Insurance {
            insurer: "某保险公司".to_owned(),
            policy_number: "P-4242".to_owned(),
            covers_from: ground.today(),
            covers_until: "2027-01-01".to_owned(),
            ..v1::Insurance::default()
        };
        let record = v1::RecordInsuranceRequest {
            volunteer_id: applied.id.clone(),
            insurance: Some(insurance),
            request_id: new_id(),
        };
        let first = ground.people().record_insurance(ground.of(&manager(), record.clone())?).await?.into_inner();
        let again = ground.people().record_insurance(ground.of(&manager(), record)?).await?.into_inner();
        assert_eq!((first.id, again.policy_number.as_str()), (again.id, ""), "masked without a purpose");
        let found = check().await;
        assert!(found.eligible, "{found:?}");
    }
    Ok(())
}
