//! Volunteers under 18: a guardian says yes, and may say no at any time.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::volunteers::v1::{self, VolunteerReason, VolunteerState};

use crate::ground::{Ground, application, clerk, manager, neighbour, new_id, reason};

async fn young(ground: &Ground, birth_date: &str) -> Result<v1::Volunteer> {
    let mut request = application("周小雨");
    request.volunteer.iter_mut().for_each(|said| birth_date.clone_into(&mut said.birth_date));
    let applied = ground.people().create_volunteer(ground.of(&neighbour("u-zhou"), request)?).await?.into_inner();
    let review = v1::ReviewVolunteerRequest { id: applied.id.clone(), etag: String::new() };
    ground.people().review_volunteer(ground.of(&manager(), review)?).await?;
    Ok(applied)
}

fn consent(of: &str, expires_on: &str, unaccompanied: bool) -> v1::RecordGuardianConsentRequest {
    let consent = v1::GuardianConsent {
        guardian_name: "周建国".to_owned(),
        guardian_phone: "13912341550".to_owned(),
        channel: v1::ConsentChannel::Paper.into(),
        text_version: "2026-03".to_owned(),
        given_on: "2026-11-20".to_owned(),
        expires_on: expires_on.to_owned(),
        unaccompanied,
        ..v1::GuardianConsent::default()
    };
    v1::RecordGuardianConsentRequest { volunteer_id: of.to_owned(), consent: Some(consent), request_id: new_id() }
}

#[tokio::test]
async fn without_a_guardian_nobody_under_18_serves() -> Result<()> {
    for ground in Ground::both().await? {
        let zhou = young(&ground, "2010-05-01").await?;
        assert!(zhou.minor);
        let activate = v1::ActivateVolunteerRequest { id: zhou.id.clone(), etag: String::new() };
        let refused = ground.people().activate_volunteer(ground.of(&manager(), activate.clone())?).await;
        assert_eq!(reason(refused), "FailedPrecondition CONSENT_MISSING");
        let given = consent(&zhou.id, "2026-12-31", true);
        let given = ground.people().record_guardian_consent(ground.of(&manager(), given)?).await?.into_inner();
        ground.people().activate_volunteer(ground.of(&manager(), activate)?).await?;

        let withdraw = v1::WithdrawGuardianConsentRequest { id: given.id };
        let gone = ground.people().withdraw_guardian_consent(ground.of(&manager(), withdraw)?).await?.into_inner();
        assert!(gone.withdrawn_at.is_some());
        let paused = ground.get(&manager(), &zhou.id).await?;
        assert_eq!((paused.state(), paused.reason()), (VolunteerState::Paused, VolunteerReason::ConsentMissing));
        let resume = v1::ResumeVolunteerRequest { id: zhou.id.clone(), etag: String::new() };
        let refused = ground.people().resume_volunteer(ground.of(&manager(), resume.clone())?).await;
        assert_eq!(reason(refused), "FailedPrecondition CONSENT_MISSING");
        ground.people().record_guardian_consent(ground.of(&manager(), consent(&zhou.id, "2026-12-31", true))?).await?;
        ground.people().resume_volunteer(ground.of(&manager(), resume)?).await?;

        // The consent is over with the year.
        ground.clock.advance(TimeDelta::days(39));
        ground.fire_due().await?;
        let paused = ground.get(&manager(), &zhou.id).await?;
        assert_eq!((paused.state(), paused.reason()), (VolunteerState::Paused, VolunteerReason::ConsentMissing));
    }
    Ok(())
}

#[tokio::test]
async fn what_a_guardian_cannot_agree_to() -> Result<()> {
    for ground in Ground::both().await? {
        let child = young(&ground, "2014-05-01").await?;
        let alone = ground.people().record_guardian_consent(ground.of(&manager(), consent(&child.id, "", true))?).await;
        assert_eq!(reason(alone), "InvalidArgument MUST_BE_ACCOMPANIED");
        ground.people().record_guardian_consent(ground.of(&manager(), consent(&child.id, "", false))?).await?;
        let grown = ground.apply(&clerk(), "李大山").await?;
        let needless =
            ground.people().record_guardian_consent(ground.of(&manager(), consent(&grown.id, "", false))?).await;
        assert_eq!(reason(needless), "FailedPrecondition OF_AGE");
    }
    Ok(())
}
