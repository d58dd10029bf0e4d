//! Answers `linju.incidents.v1.WarningService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, warning_service_server::WarningService};
use tonic::{Request, Response};

use super::{Answer, convert};
use crate::{App, app::NewWarning};

/// The contract's methods on public warnings.
#[derive(Clone, Debug)]
pub struct Warnings(pub App);

impl Warnings {
    async fn warn<R>(&self, request: Request<R>) -> Answer<v1::Warning>
    where
        R: Send,
        NewWarning: TryFrom<R, Error = crate::Error>,
    {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.warn(&call, request.into_inner().try_into()?).await?.into()))
    }
}

#[tonic::async_trait]
impl WarningService for Warnings {
    async fn compose_warning(&self, request: Request<v1::ComposeWarningRequest>) -> Answer<v1::Warning> {
        self.warn(request).await
    }

    async fn update_warning(&self, request: Request<v1::UpdateWarningRequest>) -> Answer<v1::Warning> {
        self.warn(request).await
    }

    async fn cancel_warning(&self, request: Request<v1::CancelWarningRequest>) -> Answer<v1::Warning> {
        self.warn(request).await
    }

    async fn get_warning(&self, request: Request<v1::GetWarningRequest>) -> Answer<v1::Warning> {
        let id = convert::uuid("id", &request.into_inner().id)?;
        Ok(Response::new(self.0.warning(id).await?.into()))
    }

    async fn list_warnings(&self, request: Request<v1::ListWarningsRequest>) -> Answer<v1::ListWarningsResponse> {
        let (warnings, next_page_token) = self.0.warnings(request.into_inner().try_into()?).await?;
        let warnings = warnings.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListWarningsResponse { warnings, next_page_token }))
    }
}
