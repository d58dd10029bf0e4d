//! Answers `linju.residents.v1.MinorAccessService`.

use chassis::{
    access::{Call, Role},
    data::Page,
};
use linju_proto::residents::v1::{
    ApproveMinorAccessRequest, DeclineMinorAccessRequest, EndMinorAccessRequest, GetMinorAccessReportRequest,
    ListMinorAccessRequest, ListMinorAccessResponse, MinorAccess, MinorAccessReport, MinorAccessState as StateName,
    RequestMinorAccessRequest, ReviewMinorAccessRequest, minor_access_service_server::MinorAccessService,
};
use tonic::{Request, Response, Status};

use super::{
    Api,
    convert::timestamp,
    my_data::purpose_named,
    request::{area_of, id_of, request_key},
};
use crate::{
    Error,
    app::{MinorAccessFigures, MinorAccessView, RequestMinorAccess},
    domain::minors::{AccessAction, AccessState},
};
use chassis::access::Look;

#[tonic::async_trait]
impl MinorAccessService for Api {
    async fn request_minor_access(
        &self,
        request: Request<RequestMinorAccessRequest>,
    ) -> Result<Response<MinorAccess>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let purpose = request.purpose();
        let RequestMinorAccessRequest { resident_id, purpose: _, reason, days, request_id: _ } = request;
        let command = RequestMinorAccess { resident: id_of("resident_id", &resident_id)?, purpose, reason, days };
        let view = self.0.request_minor_access(&Self::by(&call), key, command).await?;
        Ok(Response::new(view.into()))
    }

    async fn approve_minor_access(
        &self,
        request: Request<ApproveMinorAccessRequest>,
    ) -> Result<Response<MinorAccess>, Status> {
        let call = Call::of(&request)?;
        let ApproveMinorAccessRequest { id, decision } = request.into_inner();
        self.decided(&call, &id, (AccessAction::Approve, decision)).await
    }

    async fn decline_minor_access(
        &self,
        request: Request<DeclineMinorAccessRequest>,
    ) -> Result<Response<MinorAccess>, Status> {
        let call = Call::of(&request)?;
        let DeclineMinorAccessRequest { id, decision } = request.into_inner();
        self.decided(&call, &id, (AccessAction::Decline, decision)).await
    }

    async fn end_minor_access(&self, request: Request<EndMinorAccessRequest>) -> Result<Response<MinorAccess>, Status> {
        let call = Call::of(&request)?;
        let id = id_of("id", &request.into_inner().id)?;
        let is_manager = call.acts_as(Role::CommunityManager) || call.acts_as(Role::SubdistrictManager);
        Ok(Response::new(self.0.end_minor_access(&Self::by(&call), id, is_manager).await?.into()))
    }

    async fn review_minor_access(
        &self,
        request: Request<ReviewMinorAccessRequest>,
    ) -> Result<Response<MinorAccess>, Status> {
        let call = Call::of(&request)?;
        let ReviewMinorAccessRequest { id, in_order, decision } = request.into_inner();
        self.decided(&call, &id, (AccessAction::Review { in_order }, decision)).await
    }

    async fn list_minor_access(
        &self,
        request: Request<ListMinorAccessRequest>,
    ) -> Result<Response<ListMinorAccessResponse>, Status> {
        let call = Call::of(&request)?;
        let state = state_of(request.get_ref().state());
        let ListMinorAccessRequest { state: number, page_size, page_token } = request.into_inner();
        let page = Page::read(&["minor access", &number.to_string()], page_size, &page_token).map_err(Error::from)?;
        let (views, next_page_token) = self.0.list_minor_access(call.scope(), state, page).await?;
        let looks = views.iter().map(|view| Look { subject: view.row.resident_id.0, fields: "reason" });
        self.look(&call, looks.collect()).await?;
        let access = views.into_iter().map(MinorAccess::from).collect();
        Ok(Response::new(ListMinorAccessResponse { access, next_page_token }))
    }

    async fn get_minor_access_report(
        &self,
        request: Request<GetMinorAccessReportRequest>,
    ) -> Result<Response<MinorAccessReport>, Status> {
        let call = Call::of(&request)?;
        let GetMinorAccessReportRequest { area_code, year } = request.into_inner();
        let area = area_of("area_code", &area_code)?;
        let figures = self.0.minor_access_figures(call.scope(), area, year).await?;
        Ok(Response::new(report(area_code, year, figures)))
    }
}

impl Api {
    async fn decided(
        &self,
        call: &Call,
        id: &str,
        decision: (AccessAction, String),
    ) -> Result<Response<MinorAccess>, Status> {
        let view = self.0.decide_minor_access(&Self::by(call), id_of("id", id)?, decision).await?;
        Ok(Response::new(view.into()))
    }
}

fn state_name(state: AccessState) -> StateName {
    match state {
        AccessState::Requested => StateName::Requested,
        AccessState::Approved => StateName::Approved,
        AccessState::Declined => StateName::Declined,
        AccessState::Ended => StateName::Ended,
        AccessState::ToReview => StateName::ToReview,
        AccessState::InOrder => StateName::InOrder,
        AccessState::NotInOrder => StateName::NotInOrder,
    }
}

fn state_of(name: StateName) -> Option<AccessState> {
    AccessState::ALL.iter().copied().find(|state| state_name(*state) == name)
}

impl From<MinorAccessView> for MinorAccess {
    fn from(view: MinorAccessView) -> Self {
        let MinorAccessView { row, reason, decision } = view;
        let text = |text: Option<chassis::data::SecretText>| text.map(|text| text.expose().to_owned());
        Self {
            id: row.id.to_string(),
            resident_id: row.resident_id.to_string(),
            area_code: row.area_code.to_string(),
            purpose: purpose_named(&row.purpose).into(),
            reader_id: row.reader,
            reason: text(reason).unwrap_or_default(),
            state: state_name(row.state).into(),
            requested_at: Some(timestamp(row.requested_at)),
            days: row.days,
            decided_by: row.decided_by.unwrap_or_default(),
            decided_at: row.decided_at.map(timestamp),
            decision: text(decision).unwrap_or_default(),
            until: row.until.map(timestamp),
            ended_at: row.ended_at.map(timestamp),
        }
    }
}

fn report(area_code: String, year: i32, figures: MinorAccessFigures) -> MinorAccessReport {
    let MinorAccessFigures {
        requested,
        approved,
        declined,
        undecided,
        ended_early,
        emergencies,
        in_order,
        not_in_order,
        to_review,
        looks,
    } = figures;
    MinorAccessReport {
        area_code,
        year,
        requested,
        approved,
        declined,
        undecided,
        ended_early,
        emergencies,
        in_order,
        not_in_order,
        to_review,
        looks,
    }
}
