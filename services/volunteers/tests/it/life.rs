//! From the application to the archive.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{self, VolunteerReason, VolunteerState},
};

use crate::ground::{
    COMMUNITY, GRID, Ground, Person, SUBDISTRICT, application, clerk, manager, neighbour, new_id, reason, worker,
};

#[tokio::test]
async fn somebody_applies_serves_pauses_and_leaves() -> Result<()> {
    for ground in Ground::both().await? {
        let zhang = neighbour("u-zhang");
        let applied = ground.apply(&zhang, "张清秀").await?;
        assert_eq!(applied.state(), VolunteerState::Applicant);
        assert_eq!((applied.number.len(), &applied.number[..8]), (16, "51190326"));
        assert_eq!(applied.account, "", "shown to the office only");
        let accepted = ground.accept(&applied.id).await?;
        assert_eq!((accepted.state(), accepted.account.as_str()), (VolunteerState::Active, "u-zhang"));

        let pause = v1::PauseVolunteerRequest {
            id: applied.id.clone(),
            reason: VolunteerReason::Away.into(),
            resume_on: "2026-12-01".to_owned(),
            etag: accepted.etag.clone(),
        };
        let paused = ground.people().pause_volunteer(ground.of(&zhang, pause.clone())?).await?.into_inner();
        assert_eq!((paused.state(), paused.resume_on.as_str()), (VolunteerState::Paused, "2026-12-01"));
        let stale = ground.people().pause_volunteer(ground.of(&zhang, pause)?).await;
        assert_eq!(reason(stale), "Aborted STALE_ETAG");

        // 16:00 on 30 November in China; eight hours later it is the day.
        ground.clock.advance(TimeDelta::days(7));
        assert_eq!(ground.fire_due().await?, 0);
        ground.clock.advance(TimeDelta::hours(8));
        assert_eq!(ground.fire_due().await?, 1);
        assert_eq!(ground.get(&zhang, &applied.id).await?.state(), VolunteerState::Active);

        let leave = v1::ArchiveVolunteerRequest {
            id: applied.id.clone(),
            reason: VolunteerReason::OwnWish.into(),
            etag: String::new(),
        };
        ground.people().archive_volunteer(ground.of(&zhang, leave)?).await?;
        let list = v1::ListVolunteerChangesRequest { id: applied.id.clone() };
        let changes = ground.people().list_volunteer_changes(ground.of(&zhang, list)?).await?.into_inner().changes;
        let steps: Vec<_> =
            changes.iter().map(|step| format!("{:?} {:?} {}", step.state(), step.reason(), step.by_oneself)).collect();
        insta::assert_snapshot!("steps_of_a_life", steps.join("\n"));
        insta::assert_snapshot!("events_of_a_life", ground.told().await?.join("\n"));
        for forbidden in ["DELETE FROM volunteer_changes", "UPDATE volunteer_changes SET actor = 'nobody'"] {
            let refused = ground.run(forbidden).await.expect_err(forbidden);
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_same_application_again_is_the_same_volunteer() -> Result<()> {
    for ground in Ground::both().await? {
        let request = application("李大山");
        let create = async |who: &Person, request: &v1::CreateVolunteerRequest| {
            let request = ground.of(who, request.clone()).expect("a request");
            ground.people().create_volunteer(request).await
        };
        let first = create(&clerk(), &request).await?.into_inner();
        assert_eq!(create(&clerk(), &request).await?.into_inner(), first);
        let again = v1::CreateVolunteerRequest { request_id: new_id(), ..request.clone() };
        assert_eq!(reason(create(&neighbour("u-li"), &again).await), "AlreadyExists VOLUNTEER_KNOWN");
        let mut other = request.clone();
        other.volunteer.iter_mut().for_each(|said| said.skills.clear());
        assert_eq!(reason(create(&clerk(), &other).await), "AlreadyExists REQUEST_ID_REUSED");
        assert_eq!(ground.count("volunteers").await?, 1);
        assert_eq!(ground.told().await?, ["VolunteerApplied"]);
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() -> Result<()> {
    for ground in Ground::both().await? {
        let create = async |change: &dyn Fn(&mut v1::Volunteer)| {
            let mut request = application("王小明");
            request.volunteer.iter_mut().for_each(change);
            reason(ground.people().create_volunteer(ground.of(&neighbour("u-1"), request).expect("a request")).await)
        };
        assert_eq!(create(&|said| said.birth_date = "2019-01-01".to_owned()).await, "InvalidArgument TOO_YOUNG");
        assert_eq!(create(&|said| said.birth_date = "2026-02-30".to_owned()).await, "InvalidArgument INVALID_FIELD");
        assert_eq!(create(&|said| said.phone = "12345".to_owned()).await, "InvalidArgument INVALID_FIELD");
        assert_eq!(create(&|said| said.name = " ".to_owned()).await, "InvalidArgument INVALID_FIELD");
        let elsewhere = |said: &mut v1::Volunteer| said.area_code = "511902001001".to_owned();
        assert_eq!(create(&elsewhere).await, "PermissionDenied AREA_NOT_GRANTED");
        let backwards = |said: &mut v1::Volunteer| said.availability[0].until = "08:00".to_owned();
        assert_eq!(create(&backwards).await, "InvalidArgument INVALID_FIELD");
        assert_eq!(ground.count("volunteers").await?, 0);

        let mut untold = application("陈静");
        untold.volunteer.iter_mut().for_each(|said| said.risks_told = false);
        let applied = ground.people().create_volunteer(ground.of(&clerk(), untold)?).await?.into_inner();
        let review = v1::ReviewVolunteerRequest { id: applied.id.clone(), etag: String::new() };
        ground.people().review_volunteer(ground.of(&worker(), review)?).await?;
        let activate = v1::ActivateVolunteerRequest { id: applied.id.clone(), etag: String::new() };
        let refused = ground.people().activate_volunteer(ground.of(&manager(), activate.clone())?).await;
        assert_eq!(reason(refused), "FailedPrecondition RISKS_NOT_TOLD");
        let refused = ground.people().activate_volunteer(ground.of(&worker(), activate)?).await;
        assert_eq!(reason(refused), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_decides_about_oneself_nor_ends_the_offices_pause() -> Result<()> {
    for ground in Ground::both().await? {
        // A manager who volunteers: the application is somebody else's to decide.
        let both = Person::new("u-both", Role::CommunityManager, COMMUNITY).and(&neighbour("u-both"));
        let mut elsewhere = application("赵敏");
        elsewhere.volunteer.iter_mut().for_each(|said| said.area_code = "511903001009".to_owned());
        let own = ground.people().create_volunteer(ground.of(&neighbour("u-both"), elsewhere)?).await?.into_inner();
        let wide = Person::new("u-both", Role::CommunityManager, SUBDISTRICT).and(&both);
        let review = v1::ReviewVolunteerRequest { id: own.id, etag: String::new() };
        let refused = ground.people().review_volunteer(ground.of(&wide, review)?).await;
        assert_eq!(reason(refused), "PermissionDenied NOT_FOR_ONESELF");

        let zhang = neighbour("u-zhang");
        let active = ground.active(&zhang, "张清秀").await?;
        let pause = |why: VolunteerReason| v1::PauseVolunteerRequest {
            id: active.id.clone(),
            reason: why.into(),
            ..v1::PauseVolunteerRequest::default()
        };
        let unfit = ground.people().pause_volunteer(ground.of(&zhang, pause(VolunteerReason::UnderReview))?).await;
        assert_eq!(reason(unfit), "InvalidArgument REASON_DOES_NOT_FIT");
        ground.people().pause_volunteer(ground.of(&manager(), pause(VolunteerReason::UnderReview))?).await?;
        let resume = v1::ResumeVolunteerRequest { id: active.id.clone(), etag: String::new() };
        let refused = ground.people().resume_volunteer(ground.of(&zhang, resume.clone())?).await;
        assert_eq!(reason(refused), "PermissionDenied NOT_ONESELFS");
        ground.people().resume_volunteer(ground.of(&manager(), resume)?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_said_of_a_volunteer_changes_and_is_found() -> Result<()> {
    for ground in Ground::both().await? {
        let zhang = neighbour("u-zhang");
        let active = ground.active(&zhang, "张清秀").await?;
        let update = |volunteer: v1::Volunteer, paths: &[&str]| v1::UpdateVolunteerRequest {
            volunteer: Some(v1::Volunteer { id: active.id.clone(), ..volunteer }),
            update_mask: (!paths.is_empty())
                .then(|| prost_types::FieldMask { paths: paths.iter().map(ToString::to_string).collect() }),
        };
        let signs = v1::Volunteer {
            languages: vec!["csl".to_owned(), "csl".to_owned()],
            service_area_codes: vec!["511902001".to_owned()],
            ..v1::Volunteer::default()
        };
        let changed = ground.people().update_volunteer(ground.of(&zhang, update(signs, &[]))?).await?.into_inner();
        assert_eq!(
            (changed.languages.as_slice(), changed.skills.as_slice()),
            (&["csl".to_owned()][..], &["haircut".to_owned()][..])
        );
        let none = v1::Volunteer::default();
        let emptied =
            ground.people().update_volunteer(ground.of(&zhang, update(none.clone(), &["skills"]))?).await?.into_inner();
        assert!(emptied.skills.is_empty() && emptied.languages == ["csl"]);
        let unknown = ground.people().update_volunteer(ground.of(&zhang, update(none, &["number"]))?).await;
        assert_eq!(reason(unknown), "InvalidArgument INVALID_FIELD");
        let younger = v1::Volunteer { birth_date: "1990-01-01".to_owned(), ..v1::Volunteer::default() };
        let refused = ground.people().update_volunteer(ground.of(&zhang, update(younger.clone(), &[]))?).await;
        assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
        ground.people().update_volunteer(ground.of(&manager(), update(younger, &[]))?).await?;

        let list = async |change: &dyn Fn(&mut v1::ListVolunteersRequest)| {
            let mut request =
                v1::ListVolunteersRequest { area_code: GRID.to_owned(), ..v1::ListVolunteersRequest::default() };
            change(&mut request);
            let request = ground.of(&worker(), request).expect("a request");
            ground.people().list_volunteers(request).await.expect("a list").into_inner().volunteers.len()
        };
        assert_eq!(list(&|_| {}).await, 1);
        assert_eq!(list(&|r| r.language = "csl".to_owned()).await, 1);
        assert_eq!(list(&|r| r.language = "cmn-x-bazhong".to_owned()).await, 0);
        assert_eq!(list(&|r| r.skill = "haircut".to_owned()).await, 0);
        assert_eq!(list(&|r| r.states = vec![VolunteerState::Paused.into()]).await, 0);
        assert_eq!(list(&|r| r.qualification = v1::QualificationKind::FirstAid.into()).await, 0);
        ground.qualify(&active.id, v1::QualificationKind::FirstAid).await?;
        assert_eq!(list(&|r| r.qualification = v1::QualificationKind::FirstAid.into()).await, 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_account_has_one_volunteer() -> Result<()> {
    for ground in Ground::both().await? {
        let phoned = ground.apply(&clerk(), "李大山").await?;
        let li = neighbour("u-li");
        assert!(ground.get(&li, &phoned.id).await.is_err());
        let link =
            |id: &str| v1::LinkAccountRequest { id: id.to_owned(), account: "u-li".to_owned(), etag: String::new() };
        ground.people().link_account(ground.of(&manager(), link(&phoned.id))?).await?;
        assert_eq!(ground.get(&li, &phoned.id).await?.number, phoned.number);
        let other = ground.apply(&clerk(), "陈静").await?;
        let taken = ground.people().link_account(ground.of(&manager(), link(&other.id))?).await;
        assert_eq!(reason(taken), "AlreadyExists ACCOUNT_TAKEN");
        let second = ground.people().create_volunteer(ground.of(&li, application("李二山"))?).await;
        assert_eq!(reason(second), "AlreadyExists ACCOUNT_TAKEN");
    }
    Ok(())
}
