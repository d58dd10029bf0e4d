//! The front door for calls: each method reads its request, asks the app, and answers.

mod calls;
pub(crate) mod convert;
mod minors;
mod my_data;
mod request;

use chassis::access::{Call, Look, Permitted, look, look_by};
use linju_proto::{
    common::v1::Role,
    residents::v1::{
        Area, ClearCareTagRequest, CreateHouseholdRequest, CreateResidentRequest, DrawCareListRequest,
        DrawCareListResponse, EndResidenceRequest, Figures, GetAreaRequest, GetFiguresRequest, GetHouseholdRequest,
        GetResidentRequest, Household, ListAreasRequest, ListAreasResponse, ListResidentsRequest,
        ListResidentsResponse, MergeResidentsRequest, MoveResidentRequest, Resident, SearchResidentsRequest,
        SearchResidentsResponse, SetCareTagRequest, UnmergeResidentRequest, UpdateResidentRequest,
        area_service_server::AreaService, care_service_server::CareService, resident_service_server::ResidentService,
    },
};
use tonic::{Request, Response, Status};

use crate::{
    Error,
    app::{App, By, Emergency, HouseholdView, ListResidents, Opened, Reader, Record, ResidentPage, Whose},
    domain::facts::Source,
};
use request::{area_of, areas_page, id_of, request_key};

/// The three services over one app.
#[derive(Clone, Debug)]
pub struct Api(pub App);

/// What an answer with a person's record shows.
const RECORD: &str = "name,birth_date,national_id,phone,care_tags";

impl Api {
    /// Who calls, as the app asks.
    fn by(call: &Call) -> By {
        let source = if call.acts_as(Role::GridWorker) { Source::Visit } else { Source::Desk };
        By { scope: call.scope().clone(), who: call.subject().to_owned(), source }
    }

    async fn look(&self, call: &Call, looks: Vec<Look>) -> Result<(), Error> {
        let App { db, ids, clock, .. } = &self.0;
        Ok(look(db, ids, clock, call, looks).await?)
    }

    /// Finds which of these people's records the answer may show, and writes down that it does.
    async fn open(
        &self,
        call: &Call,
        people: &[Whose],
        (emergency, fields): (Emergency, &'static str),
    ) -> Result<Opened, Error> {
        let reader = Reader { who: call.subject().to_owned(), purpose: call.purpose() };
        let opened = self.0.open_minors(&reader, people, emergency).await?;
        self.look_at(call, people, (&opened, fields)).await?;
        Ok(opened)
    }

    async fn look_at(
        &self,
        call: &Call,
        people: &[Whose],
        (opened, fields): (&Opened, &'static str),
    ) -> Result<(), Error> {
        let App { db, ids, clock, .. } = &self.0;
        let shown = people.iter().filter(|whose| opened.shows(whose.id));
        let looks =
            shown.map(|whose| Permitted { look: Look { subject: whose.id.0, fields }, basis: opened.basis(whose.id) });
        Ok(look_by(db, ids, clock, call, looks.collect()).await?)
    }

    /// The answer to a change. It is made, so a minor's record that is not opened is masked and not refused.
    async fn answer(&self, call: &Call, record: Record) -> Result<Response<Resident>, Status> {
        let opened = self.open(call, &[Whose::from(&record.row)], (Emergency::StaysClosed, RECORD)).await?;
        Ok(Response::new(convert::resident(record, &opened)))
    }

    async fn residents(&self, call: &Call, page: ResidentPage) -> Result<(Vec<Resident>, String), Status> {
        let people: Vec<Whose> = page.records.iter().map(|record| Whose::from(&record.row)).collect();
        let opened = self.open(call, &people, (Emergency::StaysClosed, RECORD)).await?;
        let records = page.records.into_iter().map(|record| convert::resident(record, &opened));
        Ok((records.collect(), page.next))
    }

    async fn household(&self, call: &Call, household: HouseholdView) -> Result<Response<Household>, Status> {
        let people: Vec<Whose> = household.members.iter().map(|member| member.whose).collect();
        self.look(call, vec![Look { subject: household.dwelling.row.id.0, fields: "unit,room" }]).await?;
        let opened = self.open(call, &people, (Emergency::Opens, "name")).await?;
        Ok(Response::new(convert::household(household, &opened)))
    }
}

#[tonic::async_trait]
impl AreaService for Api {
    async fn get_area(&self, request: Request<GetAreaRequest>) -> Result<Response<Area>, Status> {
        let code = area_of("code", &request.into_inner().code)?;
        Ok(Response::new(self.0.get_area(code).await?.into()))
    }

    async fn list_areas(&self, request: Request<ListAreasRequest>) -> Result<Response<ListAreasResponse>, Status> {
        let (parent, page) = areas_page(&request.into_inner())?;
        let (areas, next_page_token) = self.0.list_areas(parent, page).await?;
        let areas = areas.into_iter().map(Area::from).collect();
        Ok(Response::new(ListAreasResponse { areas, next_page_token }))
    }
}

#[tonic::async_trait]
impl ResidentService for Api {
    async fn create_resident(&self, request: Request<CreateResidentRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let record = self.0.create(&Self::by(&call), key, request.try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn get_resident(&self, request: Request<GetResidentRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let id = id_of("id", &request.into_inner().id)?;
        let record = match call.purpose() {
            Some(_) => self.0.get(call.scope(), id).await?,
            None => self.0.get_without_tags(call.scope(), id).await?,
        };
        let opened = self.open(&call, &[Whose::from(&record.row)], (Emergency::Opens, RECORD)).await?;
        if call.purpose().is_some() && !opened.shows(record.row.id) {
            return Err(Error::MinorApprovalNeeded.into());
        }
        Ok(Response::new(convert::resident(record, &opened)))
    }

    async fn list_residents(
        &self,
        request: Request<ListResidentsRequest>,
    ) -> Result<Response<ListResidentsResponse>, Status> {
        let call = Call::of(&request)?;
        let wanted: ListResidents = request.into_inner().try_into()?;
        if wanted.tag.is_some() {
            // Who is on the list tells of their health, however masked the records are.
            call.needs_purpose().map_err(Error::from)?;
        }
        let page = self.0.list(call.scope(), wanted).await?;
        let (residents, next_page_token) = self.residents(&call, page).await?;
        Ok(Response::new(ListResidentsResponse { residents, next_page_token }))
    }

    async fn search_residents(
        &self,
        request: Request<SearchResidentsRequest>,
    ) -> Result<Response<SearchResidentsResponse>, Status> {
        let call = Call::of(&request)?;
        let page = self.0.search(call.scope(), request.into_inner().try_into()?).await?;
        let (residents, next_page_token) = self.residents(&call, page).await?;
        Ok(Response::new(SearchResidentsResponse { residents, next_page_token }))
    }

    async fn update_resident(&self, request: Request<UpdateResidentRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.update(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn move_resident(&self, request: Request<MoveResidentRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.move_to(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn end_residence(&self, request: Request<EndResidenceRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.end(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn merge_residents(&self, request: Request<MergeResidentsRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.merge(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn unmerge_resident(&self, request: Request<UnmergeResidentRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.unmerge(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn set_care_tag(&self, request: Request<SetCareTagRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.set_care_tag(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn clear_care_tag(&self, request: Request<ClearCareTagRequest>) -> Result<Response<Resident>, Status> {
        let call = Call::of(&request)?;
        let record = self.0.clear_care_tag(&Self::by(&call), request.into_inner().try_into()?).await?;
        self.answer(&call, record).await
    }

    async fn create_household(&self, request: Request<CreateHouseholdRequest>) -> Result<Response<Household>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let key = request_key(&self.0.keys, &call, &request.request_id, &request)?;
        let household = self.0.create_household(&Self::by(&call), key, request.try_into()?).await?;
        self.household(&call, household).await
    }

    async fn get_household(&self, request: Request<GetHouseholdRequest>) -> Result<Response<Household>, Status> {
        let call = Call::of(&request)?;
        let household = self.0.get_household(call.scope(), id_of("id", &request.into_inner().id)?).await?;
        self.household(&call, household).await
    }
}

#[tonic::async_trait]
impl CareService for Api {
    async fn draw_care_list(
        &self,
        request: Request<DrawCareListRequest>,
    ) -> Result<Response<DrawCareListResponse>, Status> {
        let call = Call::of(&request)?;
        call.needs_purpose().map_err(Error::from)?;
        let list = self.0.draw_care_list(call.scope(), &request.into_inner().try_into()?).await?;
        let fields = "name,birth_date,national_id,phone,care_tags,unit,room";
        let people: Vec<Whose> = list.entries.iter().map(|entry| Whose::from(&entry.record.row)).collect();
        let opened = self.open(&call, &people, (Emergency::Opens, fields)).await?;
        Ok(Response::new(convert::care_list(list, &opened)))
    }

    async fn get_figures(&self, request: Request<GetFiguresRequest>) -> Result<Response<Figures>, Status> {
        let call = Call::of(&request)?;
        let area = area_of("area_code", &request.into_inner().area_code)?;
        Ok(Response::new(self.0.figures(call.scope(), area).await?.into()))
    }
}
