//! Answers `linju.incidents.v1.PublicService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, public_service_server::PublicService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, catalogue::code, public},
};
use crate::App;

/// The contract's methods for the public.
#[derive(Clone, Debug)]
pub struct PublicSide(pub App);

#[tonic::async_trait]
impl PublicService for PublicSide {
    async fn look_up_report(&self, request: Request<v1::LookUpReportRequest>) -> Answer<v1::ReportStatus> {
        Ok(Response::new(self.0.look_up_report(request.into_inner().into()).await?.into()))
    }

    async fn list_published_categories(
        &self,
        _: Request<v1::ListPublishedCategoriesRequest>,
    ) -> Answer<v1::ListPublishedCategoriesResponse> {
        let categories = self.0.published_categories().await?.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListPublishedCategoriesResponse { categories }))
    }

    async fn get_published_category(
        &self,
        request: Request<v1::GetPublishedCategoryRequest>,
    ) -> Answer<v1::PublishedCategory> {
        let code = code("code", &request.into_inner().code)?;
        Ok(Response::new(self.0.published_category(&code).await?.into()))
    }

    async fn list_published_incidents(
        &self,
        request: Request<v1::ListPublishedIncidentsRequest>,
    ) -> Answer<v1::ListPublishedIncidentsResponse> {
        let (incidents, next_page_token) = self.0.published(request.into_inner().try_into()?).await?;
        let incidents = incidents.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListPublishedIncidentsResponse { incidents, next_page_token }))
    }

    async fn list_published_entries(
        &self,
        request: Request<v1::ListPublishedEntriesRequest>,
    ) -> Answer<v1::ListPublishedEntriesResponse> {
        let (entries, next_page_token) = self.0.published_entries(request.into_inner().try_into()?).await?;
        let entries = entries.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListPublishedEntriesResponse { entries, next_page_token }))
    }

    async fn submit_report(&self, request: Request<v1::SubmitReportRequest>) -> Answer<v1::SubmittedReport> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.submit(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn add_public_update(&self, request: Request<v1::AddPublicUpdateRequest>) -> Answer<v1::PublicUpdate> {
        let call = Call::of(&request)?;
        let id = self.0.add_public_update(&call, public::update(request.into_inner())?).await?;
        Ok(Response::new(v1::PublicUpdate { id }))
    }

    async fn withhold_incident(&self, request: Request<v1::WithholdIncidentRequest>) -> Answer<v1::Withholding> {
        let call = Call::of(&request)?;
        let v1::WithholdIncidentRequest { id, withheld } = request.into_inner();
        self.0.withhold(&call, convert::id("id", &id)?, withheld).await?;
        Ok(Response::new(v1::Withholding { id, withheld }))
    }
}
