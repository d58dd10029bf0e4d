//! Answers `linju.incidents.v1.RateService`.

use chassis::access::Call;
use linju_proto::incidents::v1::{self, rate_service_server::RateService};
use tonic::{Request, Response};

use super::{Answer, convert::rates as read};
use crate::App;

/// The contract's methods on rates.
#[derive(Clone, Debug)]
pub struct Rates(pub App);

#[tonic::async_trait]
impl RateService for Rates {
    async fn list_rate_cases(&self, request: Request<v1::ListRateCasesRequest>) -> Answer<v1::ListRateCasesResponse> {
        let call = Call::of(&request)?;
        let (found, next_page_token) = self.0.rate_cases(&call, request.into_inner().try_into()?).await?;
        let cases = found.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListRateCasesResponse { cases, next_page_token }))
    }

    async fn get_monthly_report(&self, request: Request<v1::GetMonthlyReportRequest>) -> Answer<v1::MonthlyReport> {
        let call = Call::of(&request)?;
        let v1::GetMonthlyReportRequest { area_code, month } = request.into_inner();
        let (area, month) = read::month_of(&area_code, &month)?;
        Ok(Response::new(self.0.monthly_report(&call, area, month).await?.into()))
    }

    async fn export_monthly_report(
        &self,
        request: Request<v1::ExportMonthlyReportRequest>,
    ) -> Answer<v1::ExportMonthlyReportResponse> {
        let call = Call::of(&request)?;
        let v1::ExportMonthlyReportRequest { area_code, month } = request.into_inner();
        let (area, month) = read::month_of(&area_code, &month)?;
        Ok(Response::new(read::table(&self.0.monthly_report(&call, area, month).await?)?))
    }
}
