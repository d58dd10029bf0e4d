//! Answers `linju.incidents.v1.PatternService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, pattern_service_server::PatternService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, patterns as read},
};
use crate::{App, app::PatternVerdict};

/// The contract's methods on patterns.
#[derive(Clone, Debug)]
pub struct Patterns(pub App);

#[tonic::async_trait]
impl PatternService for Patterns {
    async fn list_patterns(&self, request: Request<v1::ListPatternsRequest>) -> Answer<v1::ListPatternsResponse> {
        let call = Call::of(&request)?;
        let (found, next_page_token) = self.0.patterns(&call, request.into_inner().try_into()?).await?;
        let patterns = found.into_iter().map(read::shown).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListPatternsResponse { patterns, next_page_token }))
    }

    async fn get_pattern(&self, request: Request<v1::GetPatternRequest>) -> Answer<v1::Pattern> {
        let call = Call::of(&request)?;
        let id = convert::uuid("id", &request.into_inner().id)?;
        Ok(Response::new(read::shown(self.0.pattern(&call, id).await?)?))
    }

    async fn accept_pattern(&self, request: Request<v1::AcceptPatternRequest>) -> Answer<v1::Pattern> {
        let call = Call::of(&request)?;
        let v1::AcceptPatternRequest { id, etag, task } = request.into_inner();
        let of = (convert::uuid("id", &id)?, etag);
        let verdict = task.map_or(Ok(PatternVerdict::Incident), read::task)?;
        Ok(Response::new(read::shown(self.0.judge_pattern(&call, of, verdict).await?)?))
    }

    async fn dismiss_pattern(&self, request: Request<v1::DismissPatternRequest>) -> Answer<v1::Pattern> {
        let call = Call::of(&request)?;
        let v1::DismissPatternRequest { id, reason, etag } = request.into_inner();
        let of = (convert::uuid("id", &id)?, etag);
        Ok(Response::new(read::shown(self.0.judge_pattern(&call, of, PatternVerdict::Dismiss { reason }).await?)?))
    }
}
