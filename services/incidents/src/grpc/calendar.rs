//! Answers `linju.incidents.v1.CalendarService`.

use linju_proto::incidents::v1::{self, calendar_service_server::CalendarService};
use tonic::{Request, Response};

use super::{Answer, convert::calendar};
use crate::App;

/// The contract's methods on hours.
#[derive(Clone, Debug)]
pub struct Calendars(pub App);

#[tonic::async_trait]
impl CalendarService for Calendars {
    async fn get_calendar(&self, request: Request<v1::GetCalendarRequest>) -> Answer<v1::WorkingCalendar> {
        let unit = calendar::unit(request.into_inner().unit);
        Ok(Response::new(self.0.calendar(&unit).await?.into()))
    }

    async fn list_calendars(&self, _: Request<v1::ListCalendarsRequest>) -> Answer<v1::ListCalendarsResponse> {
        let calendars = self.0.calendars().await?.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListCalendarsResponse { calendars }))
    }

    async fn set_calendar(&self, request: Request<v1::SetCalendarRequest>) -> Answer<v1::WorkingCalendar> {
        let (set, etag) = calendar::calendar(request.into_inner().calendar)?;
        Ok(Response::new(self.0.set_calendar(set, &etag).await?.into()))
    }
}
