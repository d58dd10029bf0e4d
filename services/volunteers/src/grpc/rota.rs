//! Answers `linju.volunteers.v1.RotaService`.

use chassis::access::Call;
use linju_proto::volunteers::v1::{self, rota_service_server::RotaService};
use tonic::{Request, Response};

use super::{
    Answer,
    convert::{self, rota as read},
};
use crate::App;

/// The contract's methods on the rota.
#[derive(Clone, Debug)]
pub struct Rota(pub App);

#[tonic::async_trait]
impl RotaService for Rota {
    async fn create_duties(&self, request: Request<v1::CreateDutiesRequest>) -> Answer<v1::CreateDutiesResponse> {
        let call = Call::of(&request)?;
        let (request, new) = read::new_duties(request.into_inner())?;
        let duties = self.0.create_duties(&call, request, new).await?.into_iter().map(read::duty);
        Ok(Response::new(v1::CreateDutiesResponse { duties: duties.collect::<Result<_, _>>()? }))
    }

    async fn list_duties(&self, request: Request<v1::ListDutiesRequest>) -> Answer<v1::ListDutiesResponse> {
        let call = Call::of(&request)?;
        let (duties, next_page_token) = self.0.duties(&call, request.into_inner().try_into()?).await?;
        let duties = duties.into_iter().map(read::duty).collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListDutiesResponse { duties, next_page_token }))
    }

    async fn take_duty(&self, request: Request<v1::TakeDutyRequest>) -> Answer<v1::Duty> {
        let call = Call::of(&request)?;
        let v1::TakeDutyRequest { id, volunteer_id } = request.into_inner();
        let (id, who) = (convert::id("id", &id)?, convert::id_or_none("volunteer_id", &volunteer_id)?);
        Ok(Response::new(read::duty(self.0.take_duty(&call, id, who).await?)?))
    }

    async fn give_up_duty(&self, request: Request<v1::GiveUpDutyRequest>) -> Answer<v1::Duty> {
        let call = Call::of(&request)?;
        let v1::GiveUpDutyRequest { id, volunteer_id } = request.into_inner();
        let (id, who) = (convert::id("id", &id)?, convert::id_or_none("volunteer_id", &volunteer_id)?);
        Ok(Response::new(read::duty(self.0.give_up_duty(&call, id, who).await?)?))
    }

    async fn cancel_duty(&self, request: Request<v1::CancelDutyRequest>) -> Answer<v1::Duty> {
        let call = Call::of(&request)?;
        let v1::CancelDutyRequest { id, etag } = request.into_inner();
        Ok(Response::new(read::duty(self.0.cancel_duty(&call, (convert::id("id", &id)?, etag)).await?)?))
    }

    async fn record_attendance(&self, request: Request<v1::RecordAttendanceRequest>) -> Answer<v1::Duty> {
        let call = Call::of(&request)?;
        let v1::RecordAttendanceRequest { id, came_volunteer_ids } = request.into_inner();
        let came = came_volunteer_ids.iter().map(|id| convert::id("came_volunteer_ids", id));
        let (id, came) = (convert::id("id", &id)?, came.collect::<Result<_, _>>()?);
        Ok(Response::new(read::duty(self.0.record_attendance(&call, id, came).await?)?))
    }
}
