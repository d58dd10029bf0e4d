//! Incidents: what is wrong in the neighbourhood, and whether it was put right.
//!
//! Owns the tables `incidents` (where each one stands), `timeline` (what happened to it), `promises` (by when),
//! `categories`, `calendars` and `holiday_years` (what the office goes by), and `warnings` (what the public was told). Answers
//! `IncidentService`, `ProblemService`, `CategoryService`, `CalendarService`, `PromiseService` and `WarningService` of
//! `linju.incidents.v1`.
//! Publishes `IncidentReported`, `IncidentStateChanged`, `IncidentPromiseWarned`, `IncidentPromiseEscalated`,
//! `IncidentPromiseMoved` and `BuildingEndangered`.
//! Of alarms: owns `partners`, `alarm_devices`, `alarms`, `situations` and what belongs to them, answers `AlarmService`, takes
//! what partners send over the bus, and publishes `AlarmSituation…` and `SourceSilent`.
//! For everybody: owns `publications`, `posted_updates` and `status_tries`, and answers `PublicService`.
//! Consumes `CareListDrawn` and `WarningCallsChanged` of residents.
//!
//! Never breaks: a row and its timeline are written together, and the timeline is never changed; who worked on an incident
//! never confirms it; what somebody wrote or said is sealed, and leaves in clear only after the look was recorded;
//! what the public is shown names nobody;
//! no alarm sends anybody before a person has looked.

pub mod alarms;
pub mod app;
pub mod config;
pub mod domain;
mod error;
pub mod events;
pub mod grpc;
pub mod requests;
pub mod store;
pub mod timers;

use std::sync::Arc;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use linju_proto::incidents::v1::{
    alarm_service_server::AlarmServiceServer, calendar_service_server::CalendarServiceServer,
    category_service_server::CategoryServiceServer, dispute_service_server::DisputeServiceServer,
    emergency_service_server::EmergencyServiceServer, incident_service_server::IncidentServiceServer,
    matter_service_server::MatterServiceServer, my_reports_service_server::MyReportsServiceServer,
    pattern_service_server::PatternServiceServer, problem_service_server::ProblemServiceServer,
    promise_service_server::PromiseServiceServer, public_service_server::PublicServiceServer,
    rate_service_server::RateServiceServer, warning_service_server::WarningServiceServer,
};
use sea_orm_migration::MigrationTrait;
use tonic::service::Routes;

pub use app::App;
pub use error::Error;
use store::{
    alarms::{alarm, look_up, situation},
    emergency, incident, matter, pattern, public, timeline,
};

/// The service.
#[derive(Clone, Copy, Debug, Default)]
pub struct IncidentsService;

impl Service for IncidentsService {
    fn name(&self) -> &'static str {
        "incidents"
    }

    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::all()
    }

    fn sealed_columns(&self) -> Vec<SealedColumn> {
        vec![
            incident::DESCRIPTION,
            incident::ADDRESS,
            incident::REPORTER_NAME,
            incident::REPORTER_PHONE,
            incident::ANSWERS,
            timeline::TEXT,
            alarm::NOTE,
            alarm::VIDEO,
            look_up::DETAIL,
            situation::FINDING,
            emergency::report::CONTENTS,
            matter::entry::TEXT,
            pattern::REASON,
            public::publication::MEDIA_URLS,
        ]
    }

    fn build(&self, context: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        let message_bytes = context.message_bytes;
        let settings = config::Settings::of(&context)?;
        let (rules, emergency_rules) = (settings.rules()?, settings.emergency_rules()?);
        let closed_loop = settings.closed_loop()?;
        let app =
            App::new(context).with_rules(rules).with_emergency_rules(emergency_rules).with_closed_loop(closed_loop);
        let incidents = IncidentServiceServer::new(grpc::Incidents(app.clone()));
        let categories = CategoryServiceServer::new(grpc::catalogue::Categories(app.clone()));
        let calendars = CalendarServiceServer::new(grpc::calendar::Calendars(app.clone()));
        let promises = PromiseServiceServer::new(grpc::promise::Promises(app.clone()));
        let problems = ProblemServiceServer::new(grpc::problems::Problems(app.clone()));
        let warnings = WarningServiceServer::new(grpc::warnings::Warnings(app.clone()));
        let public_side = PublicServiceServer::new(grpc::public::PublicSide(app.clone()));
        let emergencies = EmergencyServiceServer::new(grpc::emergencies::Emergencies(app.clone()));
        let desk = app::AlarmDesk::new(app.clone());
        let alarms = AlarmServiceServer::new(grpc::alarms::Alarms(desk.clone()));
        let my_reports = MyReportsServiceServer::new(grpc::my_looks::MyReports(app.clone()));
        let disputes = DisputeServiceServer::new(grpc::disputes::Disputes(app.clone()));
        let matters = MatterServiceServer::new(grpc::matters::Matters(app.clone()));
        let patterns = PatternServiceServer::new(grpc::patterns::Patterns(app.clone()));
        let rates = RateServiceServer::new(grpc::rates::Rates(app.clone()));
        let mut routes = Routes::builder();
        routes.add_service(disputes.max_decoding_message_size(message_bytes));
        routes.add_service(matters.max_decoding_message_size(message_bytes));
        routes.add_service(patterns.max_decoding_message_size(message_bytes));
        routes.add_service(rates.max_decoding_message_size(message_bytes));
        routes.add_service(my_reports.max_decoding_message_size(message_bytes));
        routes.add_service(alarms.max_decoding_message_size(message_bytes));
        routes.add_service(incidents.max_decoding_message_size(message_bytes));
        routes.add_service(categories.max_decoding_message_size(message_bytes));
        routes.add_service(calendars.max_decoding_message_size(message_bytes));
        routes.add_service(problems.max_decoding_message_size(message_bytes));
        routes.add_service(promises.max_decoding_message_size(message_bytes));
        routes.add_service(emergencies.max_decoding_message_size(message_bytes));
        routes.add_service(public_side.max_decoding_message_size(message_bytes));
        routes.add_service(warnings.max_decoding_message_size(message_bytes));
        let mut timers = timers::promise_handlers(app.clone());
        timers.extend(app::alarm_timers(&desk));
        timers.extend(events::emergency_timers(&app));
        timers.extend(timers::closed_loop_handlers(&app));
        let consumers = vec![events::care_consumer(app.clone()), events::calls_consumer(app)];
        Ok(Parts { routes: routes.routes(), consumers, timers, intake: Some(Arc::new(desk)), ..Parts::default() })
    }
}
