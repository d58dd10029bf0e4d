//! Teams: nobody is in one without having said yes.

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{self, MemberRole, MembershipEnd, MembershipState, TeamKind, TeamState},
};
use tonic::Status;

use crate::ground::{COMMUNITY, Ground, Person, SUBDISTRICT, clerk, manager, neighbour, reason, worker};

async fn confirm(ground: &Ground, who: &Person, id: &str, told: bool) -> Result<v1::Membership, Status> {
    let yes = v1::ConfirmMembershipRequest { id: id.to_owned(), told_by_volunteer: told };
    Ok(ground.teams().confirm_membership(ground.of(who, yes).expect("a request")).await?.into_inner())
}

async fn end(ground: &Ground, who: &Person, id: &str, end: MembershipEnd) -> Result<v1::Membership, Status> {
    let no = v1::EndMembershipRequest { id: id.to_owned(), end: end.into() };
    Ok(ground.teams().end_membership(ground.of(who, no).expect("a request")).await?.into_inner())
}

async fn set_role(ground: &Ground, id: &str, role: MemberRole) -> Result<v1::Membership, Status> {
    let set = v1::SetMemberRoleRequest { id: id.to_owned(), role: role.into() };
    Ok(ground.teams().set_member_role(ground.of(&manager(), set).expect("a request")).await?.into_inner())
}

async fn team(ground: &Ground, id: &str) -> Result<v1::Team> {
    let get = v1::GetTeamRequest { id: id.to_owned() };
    Ok(ground.teams().get_team(ground.of(&neighbour("u-anybody"), get)?).await?.into_inner())
}

#[tokio::test]
async fn a_team_grows_from_its_first_meeting() -> Result<()> {
    for ground in Ground::both().await? {
        let runners = ground.team("恩阳跑团", TeamKind::Errands).await?;
        assert_eq!((runners.state(), runners.founded_on.as_str()), (TeamState::Forming, "2026-11-23"));
        let zhang = neighbour("u-zhang");
        let active = ground.active(&zhang, "张清秀").await?;
        let invite = v1::InviteMemberRequest { team_id: runners.id.clone(), volunteer_id: active.id.clone() };
        let invited = ground.teams().invite_member(ground.of(&manager(), invite.clone())?).await?.into_inner();
        assert_eq!(invited.state(), MembershipState::Invited);
        let again = ground.teams().invite_member(ground.of(&worker(), invite)?).await;
        assert_eq!(reason(again), "AlreadyExists MEMBERSHIP_KNOWN");
        let unasked = confirm(&ground, &manager(), &invited.id, false).await;
        assert_eq!(reason(unasked), "PermissionDenied VOLUNTEER_HAS_NOT_AGREED");
        assert_eq!(reason(confirm(&ground, &neighbour("u-li"), &invited.id, false).await), "NotFound NOT_FOUND");
        assert_eq!(team(&ground, &runners.id).await?.members, 0);
        assert_eq!(confirm(&ground, &zhang, &invited.id, false).await?.state(), MembershipState::Member);
        set_role(&ground, &invited.id, MemberRole::Leader).await?;
        let led = team(&ground, &runners.id).await?;
        assert_eq!((led.state(), led.members), (TeamState::Active, 1));
        assert_eq!(reason(set_role(&ground, &invited.id, MemberRole::Member).await), "FailedPrecondition LAST_LEADER");

        // The leader answers for the team; a leader's role without this team does not.
        let li = neighbour("u-li");
        let other = ground.active(&li, "李大山").await?;
        let ask = v1::RequestMembershipRequest { team_id: runners.id.clone() };
        let asked = ground.teams().request_membership(ground.of(&li, ask)?).await?.into_inner();
        assert_eq!(reason(confirm(&ground, &li, &asked.id, false).await), "PermissionDenied TEAM_HAS_NOT_AGREED");
        let foreign = Person::new("u-foreign", Role::TeamLeader, SUBDISTRICT);
        assert_eq!(reason(confirm(&ground, &foreign, &asked.id, false).await), "NotFound NOT_FOUND");
        let leader = Person::new("u-zhang", Role::TeamLeader, COMMUNITY);
        confirm(&ground, &leader, &asked.id, false).await?;
        assert_eq!(team(&ground, &runners.id).await?.members, 2);

        // Nobody is held: the last leader leaves, and the team is forming again.
        assert_eq!(end(&ground, &zhang, &invited.id, MembershipEnd::Left).await?.state(), MembershipState::Ended);
        assert_eq!(team(&ground, &runners.id).await?.state(), TeamState::Forming);
        let list = v1::ListMembershipsRequest { volunteer_id: other.id.clone() };
        let places = ground.teams().list_memberships(ground.of(&li, list)?).await?.into_inner().memberships;
        assert_eq!(places.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_clerk_writes_down_a_yes_said_by_phone() -> Result<()> {
    for ground in Ground::both().await? {
        let neighbours = ground.team("白玉好邻居", TeamKind::GoodNeighbour).await?;
        let phoned = ground.apply(&clerk(), "陈静").await?;
        ground.accept(&phoned.id).await?;
        let invite = v1::InviteMemberRequest { team_id: neighbours.id.clone(), volunteer_id: phoned.id.clone() };
        let invited = ground.teams().invite_member(ground.of(&worker(), invite)?).await?.into_inner();
        assert_eq!(confirm(&ground, &worker(), &invited.id, true).await?.state(), MembershipState::Member);
        let wrong = end(&ground, &worker(), &invited.id, MembershipEnd::Declined).await;
        assert_eq!(reason(wrong), "FailedPrecondition END_DOES_NOT_FIT");

        let archive = v1::ArchiveVolunteerRequest {
            id: phoned.id.clone(),
            reason: v1::VolunteerReason::Died.into(),
            etag: String::new(),
        };
        ground.people().archive_volunteer(ground.of(&manager(), archive)?).await?;
        let list = v1::ListMembershipsRequest { volunteer_id: phoned.id.clone() };
        let places = ground.teams().list_memberships(ground.of(&manager(), list)?).await?.into_inner().memberships;
        assert_eq!((places[0].state(), places[0].end()), (MembershipState::Ended, MembershipEnd::Archived));
        assert_eq!(team(&ground, &neighbours.id).await?.members, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_team_ends_and_its_places_with_it() -> Result<()> {
    for ground in Ground::both().await? {
        let zhang = neighbour("u-zhang");
        let active = ground.active(&zhang, "张清秀").await?;
        let runners = ground.team("恩阳跑团", TeamKind::Errands).await?;
        ground.join(&runners.id, &active.id, &zhang).await?;
        let disband = v1::DisbandTeamRequest {
            id: runners.id.clone(),
            reason: v1::DisbandReason::TaskDone.into(),
            etag: String::new(),
        };
        let foreign = Person::new("u-other", Role::CommunityManager, "511903001009");
        let refused = ground.teams().disband_team(ground.of(&foreign, disband.clone())?).await;
        assert_eq!(reason(refused), "NotFound NOT_FOUND");
        let over = ground.teams().disband_team(ground.of(&manager(), disband)?).await?.into_inner();
        assert_eq!((over.state(), over.members), (TeamState::Disbanded, 0));
        let ask = v1::RequestMembershipRequest { team_id: runners.id.clone() };
        let refused = ground.teams().request_membership(ground.of(&zhang, ask)?).await;
        assert_eq!(reason(refused), "FailedPrecondition TEAM_IS_OVER");
        let list = |include_disbanded| v1::ListTeamsRequest {
            area_code: SUBDISTRICT.to_owned(),
            include_disbanded,
            ..v1::ListTeamsRequest::default()
        };
        let teams = ground.teams().list_teams(ground.of(&zhang, list(false))?).await?.into_inner().teams;
        assert!(teams.is_empty());
        let teams = ground.teams().list_teams(ground.of(&zhang, list(true))?).await?.into_inner().teams;
        assert_eq!(teams.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn who_sees_the_members() -> Result<()> {
    for ground in Ground::both().await? {
        let (zhang, li) = (neighbour("u-zhang"), neighbour("u-li"));
        let first = ground.active(&zhang, "张清秀").await?;
        let second = ground.active(&li, "李大山").await?;
        let runners = ground.team("恩阳跑团", TeamKind::Errands).await?;
        let lead = ground.join(&runners.id, &first.id, &zhang).await?;
        ground.join(&runners.id, &second.id, &li).await?;
        set_role(&ground, &lead.id, MemberRole::Leader).await?;
        let members = async |who: &Person| {
            let list = v1::ListMembersRequest { team_id: runners.id.clone(), ..v1::ListMembersRequest::default() };
            ground.teams().list_members(ground.of(who, list).expect("a request")).await
        };
        let leader = Person::new("u-zhang", Role::TeamLeader, COMMUNITY);
        let masked = members(&leader).await?.into_inner().members;
        assert!(masked[1].name == "李*" && masked[1].phone.contains("****"), "{}", masked[1].name);
        let clear = members(&leader.clone().because("volunteer_service")).await?.into_inner().members;
        assert!(clear[1].name == "李大山" && clear[1].phone.len() == 11);
        let fellow = members(&li.clone().because("own_matter")).await?.into_inner().members;
        assert!(fellow[0].name == "张清秀" && fellow[0].phone.is_empty());
        assert_eq!(reason(members(&neighbour("u-stranger")).await), "PermissionDenied NOT_YOUR_TEAM");
        let foreign = Person::new("u-foreign", Role::TeamLeader, SUBDISTRICT);
        assert_eq!(reason(members(&foreign).await), "PermissionDenied NOT_YOUR_TEAM");
    }
    Ok(())
}
