//! Answers `linju.residents.v1.MyDataService`.

use chassis::{
    access::{Call, Purpose, purpose_code, told},
    data::Page,
};
use linju_proto::{
    Contract as _,
    residents::v1::{
        AcceptCorrectionRequest, AnswerObjectionRequest, Correction, DeclineCorrectionRequest, ExportMyDataRequest,
        ExportMyDataResponse, GetMyRecordRequest, HeldFact as HeldFactAnswer, ListCorrectionsRequest,
        ListCorrectionsResponse, ListMyLooksRequest, ListMyLooksResponse, ListObjectionsRequest,
        ListObjectionsResponse, MyRecord as MyRecordAnswer, ObjectRequest, Objection, RequestCorrectionRequest,
        RequestState as StateName, my_data_service_server::MyDataService,
    },
};
use tonic::{Request, Response, Status};

use super::{
    Api,
    convert::{resident, timestamp},
    request::{area_of, id_of, request_key},
};
use crate::{
    Error,
    app::{Ask, DataRequestView, Emergency, HeldFact, ListDataRequests, MyRecord, Opened, RequestAboutData, Whose},
    domain::my_data::{CorrectionField, RequestKind, RequestState, field_label},
    store::{DataRequestId, ResidentId},
};

mod export;

#[tonic::async_trait]
impl MyDataService for Api {
    async fn get_my_record(&self, request: Request<GetMyRecordRequest>) -> Result<Response<MyRecordAnswer>, Status> {
        let call = Call::of(&request)?;
        let asked = optional_id(&request.into_inner().resident_id)?;
        let mine = self.0.my_record(call.scope(), asked).await?;
        let whose = Whose::from(&mine.record.row);
        let opened = self.open(&call, &[whose], (Emergency::StaysClosed, "facts")).await?;
        Ok(Response::new(my_record(mine, &opened)))
    }

    async fn list_my_looks(
        &self,
        request: Request<ListMyLooksRequest>,
    ) -> Result<Response<ListMyLooksResponse>, Status> {
        let call = Call::of(&request)?;
        let ListMyLooksRequest { resident_id, page_size, page_token } = request.into_inner();
        let page = Page::read(&["my looks", &resident_id], page_size, &page_token).map_err(Error::from)?;
        let (looks, next_page_token) = self.0.my_looks(call.scope(), optional_id(&resident_id)?, page).await?;
        let looks = looks.iter().map(|look| told(look, call.subject(), field_label)).collect();
        Ok(Response::new(ListMyLooksResponse { looks, next_page_token }))
    }

    async fn export_my_data(
        &self,
        request: Request<ExportMyDataRequest>,
    ) -> Result<Response<ExportMyDataResponse>, Status> {
        let call = Call::of(&request)?;
        call.needs_purpose().map_err(Error::from)?;
        let asked = optional_id(&request.into_inner().resident_id)?;
        let export = self.0.export(call.scope(), asked).await?;
        let whose = Whose::from(&export.mine.record.row);
        let (json, csv) = export::files(&export, call.subject(), self.0.clock.now())?;
        self.open(&call, &[whose], (Emergency::StaysClosed, "export")).await?;
        Ok(Response::new(ExportMyDataResponse { json, csv }))
    }

    async fn request_correction(
        &self,
        request: Request<RequestCorrectionRequest>,
    ) -> Result<Response<Correction>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let RequestCorrectionRequest { resident_id, field, value, reason, request_id: _ } = request;
        let field = CorrectionField::parse(&field).map_err(|e| Error::field("field", "string.in", e.to_string()))?;
        let ask = Ask::Correct { field, value };
        let command = RequestAboutData { resident: optional_id(&resident_id)?, ask, reason };
        let view = self.0.ask_about_data(&Self::by(&call), key, command).await?;
        Ok(Response::new(self.one(&call, view, correction).await?))
    }

    async fn list_corrections(
        &self,
        request: Request<ListCorrectionsRequest>,
    ) -> Result<Response<ListCorrectionsResponse>, Status> {
        let call = Call::of(&request)?;
        let ListCorrectionsRequest { area_code, with_answered, page_size, page_token } = request.into_inner();
        let wanted = wanted(RequestKind::Correction, &area_code, with_answered, (page_size, &page_token))?;
        let (corrections, next_page_token) = self.requests(&call, wanted, correction).await?;
        Ok(Response::new(ListCorrectionsResponse { corrections, next_page_token }))
    }

    async fn accept_correction(
        &self,
        request: Request<AcceptCorrectionRequest>,
    ) -> Result<Response<Correction>, Status> {
        let call = Call::of(&request)?;
        let AcceptCorrectionRequest { id, answer } = request.into_inner();
        let of = (RequestKind::Correction, id_of("id", &id)?);
        self.answered(&call, of, (true, answer), correction).await
    }

    async fn decline_correction(
        &self,
        request: Request<DeclineCorrectionRequest>,
    ) -> Result<Response<Correction>, Status> {
        let call = Call::of(&request)?;
        let DeclineCorrectionRequest { id, answer } = request.into_inner();
        let of = (RequestKind::Correction, id_of("id", &id)?);
        self.answered(&call, of, (false, answer), correction).await
    }

    async fn object(&self, request: Request<ObjectRequest>) -> Result<Response<Objection>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let ask = Ask::Object { purpose: request.purpose() };
        let ObjectRequest { resident_id, purpose: _, reason, request_id: _ } = request;
        let command = RequestAboutData { resident: optional_id(&resident_id)?, ask, reason };
        let view = self.0.ask_about_data(&Self::by(&call), key, command).await?;
        Ok(Response::new(self.one(&call, view, objection).await?))
    }

    async fn list_objections(
        &self,
        request: Request<ListObjectionsRequest>,
    ) -> Result<Response<ListObjectionsResponse>, Status> {
        let call = Call::of(&request)?;
        let ListObjectionsRequest { area_code, with_answered, page_size, page_token } = request.into_inner();
        let wanted = wanted(RequestKind::Objection, &area_code, with_answered, (page_size, &page_token))?;
        let (objections, next_page_token) = self.requests(&call, wanted, objection).await?;
        Ok(Response::new(ListObjectionsResponse { objections, next_page_token }))
    }

    async fn answer_objection(&self, request: Request<AnswerObjectionRequest>) -> Result<Response<Objection>, Status> {
        let call = Call::of(&request)?;
        let AnswerObjectionRequest { id, upheld, answer } = request.into_inner();
        let of = (RequestKind::Objection, id_of("id", &id)?);
        self.answered(&call, of, (upheld, answer), objection).await
    }
}

impl Api {
    /// One request as an answer holds it.
    async fn one<T>(
        &self,
        call: &Call,
        view: DataRequestView,
        shape: fn(DataRequestView, &Opened) -> T,
    ) -> Result<T, Error> {
        let opened = self.open(call, &[view.whose], (Emergency::StaysClosed, view.row.kind.as_str())).await?;
        Ok(shape(view, &opened))
    }

    async fn requests<T>(
        &self,
        call: &Call,
        wanted: ListDataRequests,
        shape: fn(DataRequestView, &Opened) -> T,
    ) -> Result<(Vec<T>, String), Error> {
        let fields = wanted.kind.as_str();
        let (views, next) = self.0.list_data_requests(call.scope(), wanted).await?;
        let people: Vec<Whose> = views.iter().map(|view| view.whose).collect();
        let opened = self.open(call, &people, (Emergency::StaysClosed, fields)).await?;
        Ok((views.into_iter().map(|view| shape(view, &opened)).collect(), next))
    }

    async fn answered<T>(
        &self,
        call: &Call,
        of: (RequestKind, DataRequestId),
        answer: (bool, String),
        shape: fn(DataRequestView, &Opened) -> T,
    ) -> Result<Response<T>, Status> {
        let view = self.0.answer_data_request(&Self::by(call), of, answer).await?;
        Ok(Response::new(self.one(call, view, shape).await?))
    }
}

fn optional_id(text: &str) -> Result<Option<ResidentId>, Error> {
    if text.is_empty() { Ok(None) } else { id_of("resident_id", text).map(Some) }
}

fn wanted(
    kind: RequestKind,
    area_code: &str,
    answered: bool,
    (page_size, page_token): (i32, &str),
) -> Result<ListDataRequests, Error> {
    let page = Page::read(&[kind.as_str(), area_code, if answered { "all" } else { "open" }], page_size, page_token)?;
    let area = if area_code.is_empty() { None } else { Some(area_of("area_code", area_code)?) };
    Ok(ListDataRequests { kind, area, answered, page })
}

fn my_record(mine: MyRecord, opened: &Opened) -> MyRecordAnswer {
    let summary = mine.summary();
    let MyRecord { facts, record, dwelling, open_requests } = mine;
    MyRecordAnswer {
        resident: Some(resident(record, opened)),
        dwelling: dwelling.map(Into::into),
        facts: facts.into_iter().map(held_fact).collect(),
        open_requests: i32::try_from(open_requests).unwrap_or(i32::MAX),
        summary,
    }
}

fn held_fact(fact: HeldFact) -> HeldFactAnswer {
    let HeldFact { field, label, value, source, observed_on } = fact;
    HeldFactAnswer {
        field: field.to_owned(),
        label: label.to_owned(),
        value,
        source: source.to_string(),
        source_label: source.label().to_owned(),
        observed_on: observed_on.to_string(),
    }
}

fn state_name(state: RequestState) -> StateName {
    match state {
        RequestState::Open => StateName::Open,
        RequestState::Accepted => StateName::Accepted,
        RequestState::Declined => StateName::Declined,
    }
}

fn text(secret: Option<chassis::data::SecretText>) -> String {
    secret.map(|text| text.expose().to_owned()).unwrap_or_default()
}

fn correction(view: DataRequestView, opened: &Opened) -> Correction {
    let DataRequestView { row, whose, value, reason, answer, before } = view;
    let mut shown = Correction {
        id: row.id.to_string(),
        resident_id: row.resident_id.to_string(),
        area_code: row.area_code.to_string(),
        field: row.field.map(|field| field.to_string()).unwrap_or_default(),
        value: text(value),
        reason: text(reason),
        state: state_name(row.state).into(),
        requested_at: Some(timestamp(row.requested_at)),
        due_at: Some(timestamp(row.due_at)),
        overdue: row.overdue_at.is_some(),
        answered_at: row.answered_at.map(timestamp),
        answer: text(answer),
        before: text(before),
    };
    if !opened.shows(whose.id) {
        shown.mask();
    }
    shown
}

fn objection(view: DataRequestView, opened: &Opened) -> Objection {
    let DataRequestView { row, whose, value: _, reason, answer, before: _ } = view;
    let mut shown = Objection {
        id: row.id.to_string(),
        resident_id: row.resident_id.to_string(),
        area_code: row.area_code.to_string(),
        purpose: row.purpose.as_deref().map(purpose_named).unwrap_or_default().into(),
        reason: text(reason),
        state: state_name(row.state).into(),
        requested_at: Some(timestamp(row.requested_at)),
        due_at: Some(timestamp(row.due_at)),
        overdue: row.overdue_at.is_some(),
        answered_at: row.answered_at.map(timestamp),
        answer: text(answer),
    };
    if !opened.shows(whose.id) {
        shown.mask();
    }
    shown
}

/// `home_visit` -> `PURPOSE_HOME_VISIT`
pub(super) fn purpose_named(code: &str) -> Purpose {
    let fits = |number: &i32| purpose_code(*number).as_deref() == Some(code);
    linju_proto::PURPOSE_LABELS
        .iter()
        .map(|(number, _)| *number)
        .find(fits)
        .and_then(|number| Purpose::try_from(number).ok())
        .unwrap_or_default()
}
