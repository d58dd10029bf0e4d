//! Answers `linju.incidents.v1.MyReportsService`.

use chassis::{
    access::{Call, told},
    data::Page,
};
use linju_proto::incidents::v1::{
    ListMyLooksRequest, ListMyLooksResponse, my_reports_service_server::MyReportsService,
};
use tonic::{Request, Response};

use super::{Answer, convert};
use crate::{App, Error, app::field_label};

/// The contract's methods on one's own reports.
#[derive(Clone, Debug)]
pub struct MyReports(pub App);

#[tonic::async_trait]
impl MyReportsService for MyReports {
    async fn list_my_looks(&self, request: Request<ListMyLooksRequest>) -> Answer<ListMyLooksResponse> {
        let call = Call::of(&request)?;
        let ListMyLooksRequest { incident_id, page_size, page_token } = request.into_inner();
        let page = Page::read(&["my looks", &incident_id], page_size, &page_token).map_err(Error::from)?;
        let asked = (!incident_id.is_empty()).then(|| convert::id("incident_id", &incident_id)).transpose()?;
        let (looks, next_page_token) = self.0.my_looks(&call, asked, page).await?;
        let looks = looks.iter().map(|look| told(look, call.subject(), field_label)).collect();
        Ok(Response::new(ListMyLooksResponse { looks, next_page_token }))
    }
}
