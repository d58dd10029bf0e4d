//! Duties: who is on them, who may not be, and what happens when that changes.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{self, Obstacle, QualificationKind, RosterState, TeamKind},
};
use tonic::Status;

use crate::ground::{COMMUNITY, Ground, Person, manager, neighbour, new_id, reason, timestamp};

async fn duties(ground: &Ground, team: &str, starts_at: DateTime<Utc>, weeks: i32) -> Result<Vec<v1::Duty>, Status> {
    let create = v1::CreateDutiesRequest {
        team_id: team.to_owned(),
        starts_at: Some(timestamp(starts_at)),
        ends_at: Some(timestamp(starts_at + TimeDelta::hours(3))),
        place: "白玉社区实践站".to_owned(),
        wanted: 1,
        weeks,
        request_id: new_id(),
        ..v1::CreateDutiesRequest::default()
    };
    Ok(ground.rota().create_duties(ground.of(&manager(), create).expect("a request")).await?.into_inner().duties)
}

async fn take(ground: &Ground, who: &Person, id: &str) -> Result<v1::Duty, Status> {
    let take = v1::TakeDutyRequest { id: id.to_owned(), volunteer_id: String::new() };
    Ok(ground.rota().take_duty(ground.of(who, take).expect("a request")).await?.into_inner())
}

async fn give_up(ground: &Ground, who: &Person, id: &str) -> Result<v1::Duty, Status> {
    let give_up = v1::GiveUpDutyRequest { id: id.to_owned(), volunteer_id: String::new() };
    Ok(ground.rota().give_up_duty(ground.of(who, give_up).expect("a request")).await?.into_inner())
}

async fn listed(ground: &Ground, open_only: bool) -> Result<Vec<v1::Duty>> {
    let list = v1::ListDutiesRequest { area_code: COMMUNITY.to_owned(), open_only, ..v1::ListDutiesRequest::default() };
    Ok(ground.rota().list_duties(ground.of(&neighbour("u-zhang"), list)?).await?.into_inner().duties)
}

/// A member of a youth team with a clearance of today.
async fn youth(ground: &Ground, subject: &str, name: &str, team: &str) -> Result<(Person, v1::Volunteer)> {
    let who = neighbour(subject);
    let active = ground.active(&who, name).await?;
    ground.join(team, &active.id, &who).await?;
    ground.qualify(&active.id, QualificationKind::MinorClearance).await?;
    Ok((who, active))
}

#[tokio::test]
async fn the_last_place_goes_to_one() -> Result<()> {
    for ground in Ground::both().await? {
        let room = ground.team("青蒲小屋", TeamKind::Youth).await?;
        let (zhang, first) = youth(&ground, "u-zhang", "张清秀", &room.id).await?;
        let (li, _) = youth(&ground, "u-li", "李大山", &room.id).await?;
        let planned = duties(&ground, &room.id, ground.clock.now() + TimeDelta::days(1), 3).await?;
        assert_eq!((planned.len(), planned[0].needs.clone().unwrap_or_default().with_minors), (3, true));
        let (one, other) = tokio::join!(take(&ground, &zhang, &planned[0].id), take(&ground, &li, &planned[0].id));
        let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).map(Err::<(), _>).map(reason).collect();
        assert_eq!(refused, ["FailedPrecondition DUTY_FULL"]);
        assert_eq!(listed(&ground, true).await?.len(), 2);

        let given_up = give_up(&ground, &zhang, &planned[0].id).await;
        let given_up = if given_up.is_ok() { given_up } else { give_up(&ground, &li, &planned[0].id).await };
        assert_eq!(given_up?.roster[0].state(), RosterState::GivenUp);
        take(&ground, &zhang, &planned[0].id).await?;
        assert_eq!(
            take(&ground, &zhang, &planned[0].id)
                .await?
                .roster
                .iter()
                .filter(|entry| entry.state() == RosterState::On)
                .count(),
            1
        );

        let same_time = duties(&ground, &room.id, ground.clock.now() + TimeDelta::hours(26), 1).await?;
        assert_eq!(reason(take(&ground, &zhang, &same_time[0].id).await), "FailedPrecondition ON_DUTY_ELSEWHERE");
        let stranger = neighbour("u-chen");
        ground.active(&stranger, "陈静").await?;
        assert_eq!(reason(take(&ground, &stranger, &same_time[0].id).await), "FailedPrecondition NOT_A_MEMBER");
        assert_eq!(
            reason(take(&ground, &neighbour("u-nobody"), &same_time[0].id).await),
            "FailedPrecondition NO_VOLUNTEER"
        );

        ground.clock.advance(TimeDelta::days(1));
        assert_eq!(reason(give_up(&ground, &zhang, &planned[0].id).await), "FailedPrecondition HAS_BEGUN");
        let attendance =
            v1::RecordAttendanceRequest { id: planned[0].id.clone(), came_volunteer_ids: vec![first.id.clone()] };
        let foreign = Person::new("u-foreign", Role::TeamLeader, COMMUNITY);
        let refused = ground.rota().record_attendance(ground.of(&foreign, attendance.clone())?).await;
        assert_eq!(reason(refused), "NotFound NOT_FOUND");
        let came = ground.rota().record_attendance(ground.of(&manager(), attendance)?).await?.into_inner();
        let zhangs = came.roster.iter().find(|entry| entry.volunteer_id == first.id).map(v1::RosterEntry::state);
        assert_eq!(zhangs, Some(RosterState::Came));
    }
    Ok(())
}

#[tokio::test]
async fn a_clearance_that_ends_during_a_duty_keeps_off_it() -> Result<()> {
    for ground in Ground::both().await? {
        let room = ground.team("青蒲小屋", TeamKind::Youth).await?;
        let (zhang, _) = youth(&ground, "u-zhang", "张清秀", &room.id).await?;
        // The clearance's last day is 22 November 2027; the duty goes from 23:00 to 02:00.
        ground.clock.advance(TimeDelta::days(363));
        let night = DateTime::from_timestamp(1_826_895_600, 0).expect("a time");
        let planned = duties(&ground, &room.id, night, 1).await?;
        let refused = take(&ground, &zhang, &planned[0].id).await.expect_err("it ends before");
        assert!(refused.message().contains("2027-11-22"), "{refused:?}");
        assert_eq!(reason(Err::<(), _>(refused)), "FailedPrecondition NOT_ELIGIBLE");
        let before = duties(&ground, &room.id, night - TimeDelta::hours(3), 1).await?;
        take(&ground, &zhang, &before[0].id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_may_no_longer_is_taken_off() -> Result<()> {
    for ground in Ground::both().await? {
        let room = ground.team("青蒲小屋", TeamKind::Youth).await?;
        let (zhang, active) = youth(&ground, "u-zhang", "张清秀", &room.id).await?;
        let planned = duties(&ground, &room.id, ground.clock.now() + TimeDelta::days(1), 2).await?;
        for duty in &planned {
            take(&ground, &zhang, &duty.id).await?;
        }
        let list = v1::ListQualificationsRequest { volunteer_id: active.id.clone() };
        let proofs = ground.people().list_qualifications(ground.of(&manager(), list)?).await?.into_inner();
        let revoke = v1::RevokeQualificationRequest {
            id: proofs.qualifications[0].id.clone(),
            reason: v1::RevocationReason::RecordedWrongly.into(),
        };
        ground.people().revoke_qualification(ground.of(&manager(), revoke)?).await?;
        for duty in listed(&ground, false).await? {
            let entry = &duty.roster[0];
            assert_eq!((entry.state(), entry.obstacle()), (RosterState::TakenOff, Obstacle::QualificationMissing));
        }
        assert_eq!(ground.told().await?.iter().filter(|kind| *kind == "DutyUncovered").count(), 2);

        // With a new clearance on again; a pause until the second duty takes off the first only.
        ground.qualify(&active.id, QualificationKind::MinorClearance).await?;
        for duty in &planned {
            take(&ground, &zhang, &duty.id).await?;
        }
        let pause = v1::PauseVolunteerRequest {
            id: active.id.clone(),
            reason: v1::VolunteerReason::Health.into(),
            resume_on: "2026-11-28".to_owned(),
            etag: String::new(),
        };
        ground.people().pause_volunteer(ground.of(&zhang, pause)?).await?;
        let states: Vec<_> = listed(&ground, false).await?.iter().map(|duty| duty.roster[0].state()).collect();
        assert_eq!(states, [RosterState::TakenOff, RosterState::On]);

        let cancel = v1::CancelDutyRequest { id: planned[1].id.clone(), etag: String::new() };
        ground.rota().cancel_duty(ground.of(&manager(), cancel)?).await?;
        let archive = v1::ArchiveVolunteerRequest {
            id: active.id.clone(),
            reason: v1::VolunteerReason::MovedAway.into(),
            etag: String::new(),
        };
        ground.people().archive_volunteer(ground.of(&zhang, archive)?).await?;
        assert_eq!(reason(take(&ground, &zhang, &planned[0].id).await), "FailedPrecondition NOT_A_MEMBER");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_duty() -> Result<()> {
    for ground in Ground::both().await? {
        let room = ground.team("青蒲小屋", TeamKind::Youth).await?;
        let past = duties(&ground, &room.id, ground.clock.now() - TimeDelta::hours(1), 1).await;
        assert_eq!(reason(past), "InvalidArgument INVALID_FIELD");
        let create = v1::CreateDutiesRequest {
            team_id: room.id.clone(),
            starts_at: Some(timestamp(ground.clock.now() + TimeDelta::days(1))),
            ends_at: Some(timestamp(ground.clock.now() + TimeDelta::days(1) + TimeDelta::hours(1))),
            place: "白玉社区实践站".to_owned(),
            wanted: 1,
            weeks: 2,
            request_id: new_id(),
            ..v1::CreateDutiesRequest::default()
        };
        let foreign = Person::new("u-foreign", Role::TeamLeader, COMMUNITY);
        let refused = ground.rota().create_duties(ground.of(&foreign, create.clone())?).await;
        assert_eq!(reason(refused), "PermissionDenied NOT_YOUR_TEAM");
        let first = ground.rota().create_duties(ground.of(&manager(), create.clone())?).await?.into_inner();
        let again = ground.rota().create_duties(ground.of(&manager(), create)?).await?.into_inner();
        assert_eq!((first.duties.len(), &first), (2, &again));
        assert_eq!(ground.count("duties").await?, 2);
    }
    Ok(())
}
