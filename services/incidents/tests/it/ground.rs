//! The service on a database of its own, the people who call it, and an incident's usual way.

use anyhow::Result;
use chassis::events::timers;
use linju_incidents::{App, IncidentsService, app::FIND_PATTERNS};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        self, calendar_service_client::CalendarServiceClient, category_service_client::CategoryServiceClient,
        incident_service_client::IncidentServiceClient, promise_service_client::PromiseServiceClient,
    },
};
use std::ops::Deref;
use test_ground::Base;
pub(crate) use test_ground::{COMMUNITY, GRID, Gated, Person, SUBDISTRICT, morning, reason};
use tonic::Status;
use uuid::Uuid;

/// Endangers no building.
pub(crate) const NOWHERE: Option<v1::Building> = None;

pub(crate) type Door = IncidentServiceClient<Gated>;

/// One service on one database; gone with the value.
pub(crate) struct Ground {
    base: Base,
    pub(crate) app: App,
    pub(crate) door: Door,
}

impl Deref for Ground {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

impl Ground {
    /// The same on SQLite and on Postgres.
    pub(crate) async fn both() -> Result<[Self; 2]> {
        Ok([Self::sqlite().await?, Self::postgres().await?])
    }

    pub(crate) async fn sqlite() -> Result<Self> {
        Self::on(Base::sqlite(&IncidentsService).await?).await
    }

    pub(crate) async fn postgres() -> Result<Self> {
        Self::on(Base::postgres(&IncidentsService).await?).await
    }

    async fn on(base: Base) -> Result<Self> {
        // A new install looks for patterns at once. Here only the tests of that do.
        let was_set = base.db.write(move |tx| Box::pin(timers::cancel(tx, FIND_PATTERNS, "nightly"))).await?;
        anyhow::ensure!(was_set, "nobody would ever look for patterns");
        let (app, door) = (App::new(base.context.clone()), IncidentServiceClient::new(base.gated.clone()));
        Ok(Self { base, app, door })
    }

    pub(crate) fn categories(&self) -> CategoryServiceClient<Gated> {
        CategoryServiceClient::new(self.gated.clone())
    }

    pub(crate) fn calendars(&self) -> CalendarServiceClient<Gated> {
        CalendarServiceClient::new(self.gated.clone())
    }

    pub(crate) fn promises(&self) -> PromiseServiceClient<Gated> {
        PromiseServiceClient::new(self.gated.clone())
    }

    /// Reports a broken lamp.
    pub(crate) async fn report(&self, who: &Person) -> Result<v1::Incident> {
        Ok(self.door.clone().report_incident(self.of(who, lamp(Uuid::from_u128(rand())))?).await?.into_inner())
    }

    pub(crate) async fn get(&self, who: &Person, id: &str) -> Result<v1::Incident> {
        let request = self.of(who, v1::GetIncidentRequest { id: id.to_owned() })?;
        Ok(self.door.clone().get_incident(request).await?.into_inner())
    }

    /// What somebody is shown of the whole subdistrict.
    pub(crate) async fn list(&self, who: &Person) -> Result<Vec<v1::Incident>> {
        let request = v1::ListIncidentsRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        Ok(self.door.clone().list_incidents(self.of(who, request)?).await?.into_inner().incidents)
    }

    pub(crate) async fn timeline(&self, who: &Person, id: &str) -> Result<Vec<v1::TimelineEntry>> {
        let request = self.of(who, v1::ListTimelineRequest { id: id.to_owned() })?;
        Ok(self.door.clone().list_timeline(request).await?.into_inner().entries)
    }
}

/// Different request ids; nothing depends on their values.
pub(crate) fn rand() -> u128 {
    test_ground::any_id().as_u128()
}

pub(crate) const WORDS: &str = "3单元楼道的灯坏了，王阿姨昨晚摔倒了";

/// A report of one's own through the app.
pub(crate) fn lamp(request_id: Uuid) -> v1::ReportIncidentRequest {
    v1::ReportIncidentRequest {
        channel: v1::Channel::App.into(),
        place: Some(v1::Place {
            area_code: GRID.to_owned(),
            address: "白玉小区3栋2单元".to_owned(),
            latitude: Some(31.86),
            longitude: Some(106.75),
        }),
        description: WORDS.to_owned(),
        request_id: request_id.to_string(),
        ..Default::default()
    }
}

pub(crate) fn resident() -> Person {
    Person::new("u-resident", Role::Resident, SUBDISTRICT)
}

pub(crate) fn clerk() -> Person {
    Person::new("u-clerk", Role::CallClerk, SUBDISTRICT)
}

pub(crate) fn dispatcher() -> Person {
    Person::new("u-dispatcher", Role::Dispatcher, SUBDISTRICT)
}

pub(crate) fn manager() -> Person {
    Person::new("u-manager", Role::SubdistrictManager, SUBDISTRICT)
}

pub(crate) fn handler() -> Person {
    Person::new("u-handler", Role::Handler, SUBDISTRICT).of_unit("lights")
}

/// The way of an incident, step by step, by the usual people.
pub(crate) struct Steps<'g> {
    pub(crate) ground: &'g Ground,
    pub(crate) id: String,
}

impl Ground {
    pub(crate) fn steps(&self, incident: &v1::Incident) -> Steps<'_> {
        Steps { ground: self, id: incident.id.clone() }
    }
}

fn made<T: Default>(fill: impl FnOnce(&mut T)) -> T {
    let mut message = T::default();
    fill(&mut message);
    message
}

macro_rules! steps {
    ($($step:ident: $method:ident($request:ident { $($field:ident),* }),)+) => {
        impl Steps<'_> {
            $(
                pub(crate) async fn $step(
                    &self, who: &Person, $($field: impl Into<fields::$field>),*
                ) -> Result<v1::Incident, Status> {
                    let message = made(|request: &mut v1::$request| {
                        request.id.clone_from(&self.id);
                        $(request.$field = $field.into();)*
                    });
                    let request = self.ground.of(who, message).map_err(|e| Status::internal(e.to_string()))?;
                    Ok(self.ground.door.clone().$method(request).await?.into_inner())
                }
            )+
        }
    };
}

/// The types of the requests' fields, under the fields' names.
#[expect(non_camel_case_types, reason = "they carry the names of fields")]
mod fields {
    pub(crate) type category = String;
    pub(crate) type urgency = i32;
    pub(crate) type endangers = Option<super::v1::Building>;
    pub(crate) type unit = String;
    pub(crate) type etag = String;
    pub(crate) type reason = String;
    pub(crate) type text = String;
    pub(crate) type visibility = i32;
    pub(crate) type question = String;
    pub(crate) type answer = String;
    pub(crate) type solution = String;
    pub(crate) type satisfaction = i32;
    pub(crate) type duplicate_of = String;
    pub(crate) type next_look_on = String;
}

steps! {
    triage: triage_incident(TriageIncidentRequest { category, urgency, endangers }),
    dispatch: dispatch_incident(DispatchIncidentRequest { unit }),
    accept: accept_incident(AcceptIncidentRequest {}),
    accept_read: accept_incident(AcceptIncidentRequest { etag }),
    give_back: return_incident(ReturnIncidentRequest { reason }),
    note: add_note(AddNoteRequest { text, visibility }),
    start: start_work(StartWorkRequest {}),
    ask: ask_reporter(AskReporterRequest { question }),
    answer: answer_question(AnswerQuestionRequest { answer }),
    propose: propose_solution(ProposeSolutionRequest { solution }),
    confirm: confirm_solution(ConfirmSolutionRequest { satisfaction }),
    reopen: reopen_incident(ReopenIncidentRequest { reason }),
    withdraw: withdraw_incident(WithdrawIncidentRequest { reason }),
    join: join_duplicate(JoinDuplicateRequest { duplicate_of }),
    give_up: declare_unsolvable(DeclareUnsolvableRequest { reason, next_look_on }),
}

impl Steps<'_> {
    /// As far as the unit's door.
    pub(crate) async fn to_dispatched(&self) -> Result<v1::Incident, Status> {
        self.triage(&dispatcher(), "roads.street_light", v1::Urgency::Routine, NOWHERE).await?;
        self.dispatch(&dispatcher(), "lights").await
    }

    /// As far as the proposed solution.
    pub(crate) async fn to_proposed(&self) -> Result<v1::Incident, Status> {
        self.to_dispatched().await?;
        self.accept(&handler()).await?;
        self.start(&handler()).await?;
        self.propose(&handler(), "换了灯泡").await
    }
}
