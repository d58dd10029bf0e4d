//! The methods of `linju.incidents.v1.AlarmService`.

mod convert;

use chassis::access::Call;
use linju_proto::incidents::v1::{self, alarm_service_server::AlarmService};
use tonic::{Request, Response, Status};

use crate::{alarms::Taken, app::AlarmDesk};

/// Answers `linju.incidents.v1.AlarmService`.
#[derive(Clone, Debug)]
pub struct Alarms(pub AlarmDesk);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AlarmService for Alarms {
    async fn report_alarm(&self, request: Request<v1::ReportAlarmRequest>) -> Answer<v1::ReportAlarmResponse> {
        let call = Call::of(&request)?;
        let taken = self.0.take_one(&call, request.into_inner().try_into()?).await?;
        Ok(Response::new(v1::ReportAlarmResponse { repeated_alarm: taken == Taken::Again }))
    }

    async fn report_heartbeat(
        &self,
        request: Request<v1::ReportHeartbeatRequest>,
    ) -> Answer<v1::ReportHeartbeatResponse> {
        let call = Call::of(&request)?;
        self.0.take_one(&call, request.into_inner().into()).await?;
        Ok(Response::new(v1::ReportHeartbeatResponse {}))
    }

    async fn list_situations(&self, request: Request<v1::ListSituationsRequest>) -> Answer<v1::ListSituationsResponse> {
        let call = Call::of(&request)?;
        let (rows, next_page_token) = self.0.situations(&call, request.into_inner().try_into()?).await?;
        let situations = rows.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListSituationsResponse { situations, next_page_token }))
    }

    async fn get_situation(&self, request: Request<v1::GetSituationRequest>) -> Answer<v1::Situation> {
        let call = Call::of(&request)?;
        let id = convert::situation_id("id", &request.into_inner().id)?;
        Ok(Response::new(self.0.situation(&call, id).await?.into()))
    }

    async fn list_alarms(&self, request: Request<v1::ListAlarmsRequest>) -> Answer<v1::ListAlarmsResponse> {
        let call = Call::of(&request)?;
        let (shown, next_page_token) = self.0.alarms(&call, request.into_inner().try_into()?).await?;
        let alarms = shown.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListAlarmsResponse { alarms, next_page_token }))
    }

    async fn verify_situation(&self, request: Request<v1::VerifySituationRequest>) -> Answer<v1::Situation> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.verify(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn look_up_video(&self, request: Request<v1::LookUpVideoRequest>) -> Answer<v1::VideoReference> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.look_up_video(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn list_video_look_ups(
        &self,
        request: Request<v1::ListVideoLookUpsRequest>,
    ) -> Answer<v1::ListVideoLookUpsResponse> {
        let call = Call::of(&request)?;
        let (shown, next_page_token) = self.0.look_ups(&call, request.into_inner().try_into()?).await?;
        let look_ups = shown.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListVideoLookUpsResponse { look_ups, next_page_token }))
    }

    async fn register_device(&self, request: Request<v1::RegisterDeviceRequest>) -> Answer<v1::Device> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.0.register_device(&call, request.into_inner().try_into()?).await?.into()))
    }

    async fn list_devices(&self, request: Request<v1::ListDevicesRequest>) -> Answer<v1::ListDevicesResponse> {
        let call = Call::of(&request)?;
        let (rows, next_page_token) = self.0.devices(&call, request.into_inner().try_into()?).await?;
        let devices = rows.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListDevicesResponse { devices, next_page_token }))
    }
}
