//! Answers `linju.volunteers.v1.TeamService`.

use chassis::{access::Call, data::Page};
use linju_proto::volunteers::v1::{self, team_service_server::TeamService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, codes, teams as read},
};
use crate::App;

/// The contract's methods on teams.
#[derive(Clone, Debug)]
pub struct Teams(pub App);

#[tonic::async_trait]
impl TeamService for Teams {
    async fn create_team(&self, request: Request<v1::CreateTeamRequest>) -> Answer<v1::Team> {
        let call = Call::of(&request)?;
        let (request, new) = read::new_team(request.into_inner())?;
        Ok(Response::new(read::team(self.0.create_team(&call, request, new).await?)?))
    }

    async fn get_team(&self, request: Request<v1::GetTeamRequest>) -> Answer<v1::Team> {
        let id = convert::id("id", &request.into_inner().id)?;
        Ok(Response::new(read::team(self.0.team(id).await?)?))
    }

    async fn list_teams(&self, request: Request<v1::ListTeamsRequest>) -> Answer<v1::ListTeamsResponse> {
        let (teams, next_page_token) = self.0.teams(request.into_inner().try_into()?).await?;
        let teams = teams.into_iter().map(read::team).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListTeamsResponse { teams, next_page_token }))
    }

    async fn update_team(&self, request: Request<v1::UpdateTeamRequest>) -> Answer<v1::Team> {
        let call = Call::of(&request)?;
        let (of, update) = read::update(request.into_inner())?;
        Ok(Response::new(read::team(self.0.update_team(&call, of, update).await?)?))
    }

    async fn disband_team(&self, request: Request<v1::DisbandTeamRequest>) -> Answer<v1::Team> {
        let call = Call::of(&request)?;
        let v1::DisbandTeamRequest { id, reason, etag } = request.into_inner();
        let of = (convert::id("id", &id)?, etag);
        let disbanded = self.0.disband_team(&call, of, codes::some_disband_reason(reason)?).await?;
        Ok(Response::new(read::team(disbanded)?))
    }

    async fn list_members(&self, request: Request<v1::ListMembersRequest>) -> Answer<v1::ListMembersResponse> {
        let call = Call::of(&request)?;
        let v1::ListMembersRequest { team_id, include_open, page_size, page_token } = request.into_inner();
        let open = if include_open { "open" } else { "" };
        let page = Page::read(&["members", &team_id, open], page_size, &page_token).map_err(crate::Error::from)?;
        let of = (convert::id("team_id", &team_id)?, include_open);
        let (members, next_page_token) = self.0.members(&call, of, &page).await?;
        let members = members.into_iter().map(read::member).collect();
        Ok(Response::new(v1::ListMembersResponse { members, next_page_token }))
    }

    async fn list_memberships(
        &self,
        request: Request<v1::ListMembershipsRequest>,
    ) -> Answer<v1::ListMembershipsResponse> {
        let call = Call::of(&request)?;
        let of = convert::id("volunteer_id", &request.into_inner().volunteer_id)?;
        let memberships = self.0.memberships(&call, of).await?.iter().map(read::membership).collect();
        Ok(Response::new(v1::ListMembershipsResponse { memberships }))
    }

    async fn invite_member(&self, request: Request<v1::InviteMemberRequest>) -> Answer<v1::Membership> {
        let call = Call::of(&request)?;
        let v1::InviteMemberRequest { team_id, volunteer_id } = request.into_inner();
        let of = (convert::id("team_id", &team_id)?, convert::id("volunteer_id", &volunteer_id)?);
        Ok(Response::new(read::membership(&self.0.invite(&call, of).await?)))
    }

    async fn request_membership(&self, request: Request<v1::RequestMembershipRequest>) -> Answer<v1::Membership> {
        let call = Call::of(&request)?;
        let team_id = convert::id("team_id", &request.into_inner().team_id)?;
        Ok(Response::new(read::membership(&self.0.request_membership(&call, team_id).await?)))
    }

    async fn confirm_membership(&self, request: Request<v1::ConfirmMembershipRequest>) -> Answer<v1::Membership> {
        let call = Call::of(&request)?;
        let v1::ConfirmMembershipRequest { id, told_by_volunteer } = request.into_inner();
        let id = convert::id("id", &id)?;
        Ok(Response::new(read::membership(&self.0.confirm_membership(&call, id, told_by_volunteer).await?)))
    }

    async fn end_membership(&self, request: Request<v1::EndMembershipRequest>) -> Answer<v1::Membership> {
        let call = Call::of(&request)?;
        let v1::EndMembershipRequest { id, end } = request.into_inner();
        let (id, end) = (convert::id("id", &id)?, codes::some_end(end)?);
        Ok(Response::new(read::membership(&self.0.end_membership(&call, id, end).await?)))
    }

    async fn set_member_role(&self, request: Request<v1::SetMemberRoleRequest>) -> Answer<v1::Membership> {
        let call = Call::of(&request)?;
        let v1::SetMemberRoleRequest { id, role } = request.into_inner();
        let (id, role) = (convert::id("id", &id)?, codes::some_role(role)?);
        Ok(Response::new(read::membership(&self.0.set_role(&call, id, role).await?)))
    }
}
