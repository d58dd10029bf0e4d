//! Answers `linju.residents.v1.CallListService`.

use chassis::access::Call;
use linju_proto::residents::v1::{
    self as proto, CallList, GetCallListRequest, RecordCallRequest, call_list_service_server::CallListService,
};
use tonic::{Request, Response, Status};

use super::{Api, convert::call_outcome, request::id_of};
use crate::{Error, app::Emergency, store::ResidentId};

/// What an answer with a person to tell shows.
const TO_TELL: &str = "name,dwelling.unit,dwelling.room,household_phone";

impl Api {
    /// The only purpose here is emergency help: minors' names open too, to be reviewed.
    async fn open_to_tell(&self, call: &Call, ids: &[ResidentId]) -> Result<(), Error> {
        let people = self.0.whose(ids).await?;
        self.open(call, &people, (Emergency::Opens, TO_TELL)).await.map(drop)
    }
}

#[tonic::async_trait]
impl CallListService for Api {
    async fn get_call_list(&self, request: Request<GetCallListRequest>) -> Result<Response<CallList>, Status> {
        let call = Call::of(&request)?;
        // Whoever is on the list has no phone, which is why the list shows nothing to whoever only browses.
        call.needs_purpose().map_err(Error::from)?;
        let view =
            self.0.call_list(call.scope(), id_of("first_warning_id", &request.into_inner().first_warning_id)?).await?;
        let ids: Vec<ResidentId> = view.calls.iter().map(|view| view.call.resident_id).collect();
        self.open_to_tell(&call, &ids).await?;
        Ok(Response::new(view.into()))
    }

    async fn record_call(&self, request: Request<RecordCallRequest>) -> Result<Response<proto::Call>, Status> {
        let call = Call::of(&request)?;
        let RecordCallRequest { first_warning_id, resident_id, outcome } = request.into_inner();
        let outcome = proto::CallOutcome::try_from(outcome).ok().and_then(call_outcome);
        let outcome = outcome.ok_or_else(|| Error::field("outcome", "enum", "is missing: say what came of the try"))?;
        let of = (id_of("first_warning_id", &first_warning_id)?, id_of("resident_id", &resident_id)?);
        let view = self.0.record_call(&Self::by(&call), of, outcome).await?;
        self.open_to_tell(&call, &[view.call.resident_id]).await?;
        Ok(Response::new(view.into()))
    }
}
