//! Answers `linju.incidents.v1.PromiseService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, promise_service_server::PromiseService};
use tonic::{Request, Response};

use super::{Answer, convert};
use crate::App;

/// The contract's methods on promises.
#[derive(Clone, Debug)]
pub struct Promises(pub App);

#[tonic::async_trait]
impl PromiseService for Promises {
    async fn get_promise(&self, request: Request<v1::GetPromiseRequest>) -> Answer<v1::Promise> {
        let call = Call::of(&request)?;
        let id = convert::id("incident_id", &request.into_inner().incident_id)?;
        Ok(Response::new(self.0.promise(&call, id).await?.into()))
    }

    async fn extend_promise(&self, request: Request<v1::ExtendPromiseRequest>) -> Answer<v1::Promise> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.extend_promise(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn list_escalations(
        &self,
        request: Request<v1::ListEscalationsRequest>,
    ) -> Answer<v1::ListEscalationsResponse> {
        let call = Call::of(&request)?;
        let (found, next_page_token) = self.0.escalations(&call, request.into_inner().try_into()?).await?;
        let escalations = found.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListEscalationsResponse { escalations, next_page_token }))
    }
}
