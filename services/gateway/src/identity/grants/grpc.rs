//! The front door for calls about grants.

use chassis::access::Call;
use linju_proto::gateway::v1::{
    CreateGrantRequest, CreateMandateRequest, GetMyAccessRequest, Grant, ListGrantsRequest, ListGrantsResponse,
    ListMandatesRequest, ListMandatesResponse, Mandate, MyAccess, RevokeGrantRequest, RevokeMandateRequest,
    grant_service_server::GrantService,
};
use tonic::{Request, Response, Status};

use super::{app::Grants, convert};

/// The service over its use cases.
#[derive(Clone, Debug)]
pub struct GrantApi(pub Grants);

#[tonic::async_trait]
impl GrantService for GrantApi {
    async fn create_grant(&self, request: Request<CreateGrantRequest>) -> Result<Response<Grant>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = convert::request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let new = convert::new_grant(request, call.subject(), self.0.clock.now())?;
        Ok(Response::new(convert::grant(self.0.create(&call, key, new).await?)))
    }

    async fn revoke_grant(&self, request: Request<RevokeGrantRequest>) -> Result<Response<Grant>, Status> {
        let call = Call::of(&request)?;
        let RevokeGrantRequest { id, reason } = request.into_inner();
        let row = self.0.revoke(&call, convert::id_of("id", &id)?, reason).await?;
        Ok(Response::new(convert::grant(row)))
    }

    async fn list_grants(&self, request: Request<ListGrantsRequest>) -> Result<Response<ListGrantsResponse>, Status> {
        let call = Call::of(&request)?;
        let (wanted, page) = convert::wanted(&request.into_inner())?;
        let (rows, next_page_token) = self.0.list(&call, wanted, &page).await?;
        let grants = rows.into_iter().map(convert::grant).collect();
        Ok(Response::new(ListGrantsResponse { grants, next_page_token }))
    }

    async fn create_mandate(&self, request: Request<CreateMandateRequest>) -> Result<Response<Mandate>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = convert::request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let row = self.0.create_mandate(&call, key, convert::new_mandate(request)?).await?;
        Ok(Response::new(convert::mandate(row)))
    }

    async fn revoke_mandate(&self, request: Request<RevokeMandateRequest>) -> Result<Response<Mandate>, Status> {
        let call = Call::of(&request)?;
        let RevokeMandateRequest { id, reason } = request.into_inner();
        let row = self.0.revoke_mandate(&call, convert::id_of("id", &id)?, reason).await?;
        Ok(Response::new(convert::mandate(row)))
    }

    async fn list_mandates(
        &self,
        request: Request<ListMandatesRequest>,
    ) -> Result<Response<ListMandatesResponse>, Status> {
        let call = Call::of(&request)?;
        let (person, page) = convert::mandates_page(&request.into_inner())?;
        let (rows, next_page_token) = self.0.list_mandates(&call, person, &page).await?;
        let mandates = rows.into_iter().map(convert::mandate).collect();
        Ok(Response::new(ListMandatesResponse { mandates, next_page_token }))
    }

    async fn get_my_access(&self, request: Request<GetMyAccessRequest>) -> Result<Response<MyAccess>, Status> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.access_of(&call).await?))
    }
}
