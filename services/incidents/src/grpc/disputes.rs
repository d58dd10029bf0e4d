//! Answers `linju.incidents.v1.DisputeService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, dispute_service_server::DisputeService};
use tonic::{Request, Response};

use super::Answer;
use crate::App;

/// The contract's methods on disputes.
#[derive(Clone, Debug)]
pub struct Disputes(pub App);

#[tonic::async_trait]
impl DisputeService for Disputes {
    async fn dispute_dispatch(&self, request: Request<v1::DisputeDispatchRequest>) -> Answer<v1::Incident> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.change(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn decide_dispute(&self, request: Request<v1::DecideDisputeRequest>) -> Answer<v1::Incident> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.decide_dispute(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn list_disputes(&self, request: Request<v1::ListDisputesRequest>) -> Answer<v1::ListDisputesResponse> {
        let call = Call::of(&request)?;
        let (found, next_page_token) = self.0.disputes(&call, request.into_inner().try_into()?).await?;
        let disputes = found.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListDisputesResponse { disputes, next_page_token }))
    }
}
