//! Answers `linju.incidents.v1.MatterService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, matter_service_server::MatterService};
use tonic::{Request, Response};

use super::{Answer, convert::matters as read};
use crate::{App, Error, app::MatterChange};

/// The contract's methods on matters.
#[derive(Clone, Debug)]
pub struct Matters(pub App);

impl Matters {
    async fn change<R>(&self, request: Request<R>) -> Answer<v1::Matter>
    where
        R: Send,
        MatterChange: TryFrom<R, Error = Error>,
    {
        let call = Call::of(&request)?;
        let changed = self.0.change_matter(&call, request.into_inner().try_into()?).await?;
        Ok(Response::new(read::matter(changed)?))
    }
}

#[tonic::async_trait]
impl MatterService for Matters {
    async fn raise_matter(&self, request: Request<v1::RaiseMatterRequest>) -> Answer<v1::Matter> {
        let call = Call::of(&request)?;
        let raised = self.0.raise_matter(&call, request.into_inner().try_into()?).await?;
        Ok(Response::new(read::matter(raised)?))
    }

    async fn get_matter(&self, request: Request<v1::GetMatterRequest>) -> Answer<v1::Matter> {
        let id = read::id(&request.into_inner().id)?;
        Ok(Response::new(read::matter(self.0.matter(id).await?)?))
    }

    async fn list_matters(&self, request: Request<v1::ListMattersRequest>) -> Answer<v1::ListMattersResponse> {
        let (found, next_page_token) = self.0.matters(request.into_inner().try_into()?).await?;
        let matters = found.into_iter().map(read::matter).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListMattersResponse { matters, next_page_token }))
    }

    async fn list_matter_entries(
        &self,
        request: Request<v1::ListMatterEntriesRequest>,
    ) -> Answer<v1::ListMatterEntriesResponse> {
        let call = Call::of(&request)?;
        let entries = self.0.matter_entries(&call, read::id(&request.into_inner().id)?).await?;
        let entries = entries.into_iter().map(read::entry).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListMatterEntriesResponse { entries }))
    }

    async fn add_voice(&self, request: Request<v1::AddVoiceRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn gather_incident(&self, request: Request<v1::GatherIncidentRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn call_meeting(&self, request: Request<v1::CallMeetingRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn record_meeting(&self, request: Request<v1::RecordMeetingRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn set_matter_task(&self, request: Request<v1::SetMatterTaskRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn report_matter_task(&self, request: Request<v1::ReportMatterTaskRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn start_evaluation(&self, request: Request<v1::StartEvaluationRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn rate_matter(&self, request: Request<v1::RateMatterRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn conclude_matter(&self, request: Request<v1::ConcludeMatterRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn drop_matter(&self, request: Request<v1::DropMatterRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }

    async fn add_matter_note(&self, request: Request<v1::AddMatterNoteRequest>) -> Answer<v1::Matter> {
        self.change(request).await
    }
}
