//! Answers `linju.incidents.v1.ProblemService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, problem_service_server::ProblemService};
use tonic::{Request, Response};

use super::{Answer, convert};
use crate::App;

/// The contract's methods on what is the same problem.
#[derive(Clone, Debug)]
pub struct Problems(pub App);

#[tonic::async_trait]
impl ProblemService for Problems {
    async fn suggest_duplicates(
        &self,
        request: Request<v1::SuggestDuplicatesRequest>,
    ) -> Answer<v1::SuggestDuplicatesResponse> {
        let call = Call::of(&request)?;
        let found = self.0.suggest_duplicates(&call, request.into_inner().try_into()?).await?;
        Ok(Response::new(convert::suggestions(found)))
    }

    async fn list_duplicates(
        &self,
        request: Request<v1::ListDuplicatesRequest>,
    ) -> Answer<v1::SuggestDuplicatesResponse> {
        let call = Call::of(&request)?;
        let found = self.0.duplicates_of(&call, convert::id("id", &request.into_inner().id)?).await?;
        Ok(Response::new(convert::suggestions(found)))
    }

    async fn get_problem(&self, request: Request<v1::GetProblemRequest>) -> Answer<v1::Problem> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.problem(&call, convert::id("id", &request.into_inner().id)?).await?.into()))
    }

    async fn split_off(&self, request: Request<v1::SplitOffRequest>) -> Answer<v1::Incident> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.change(&call, request.into_inner().try_into()?).await?.into()))
    }
}
