//! Incidents: what is wrong in the neighbourhood, and whether it was put right.
//!
//! Owns the tables `incidents` (where each one stands) and `timeline` (what happened to it).
//! Answers `linju.incidents.v1.IncidentService`.
//! Publishes `IncidentReported`, `IncidentStateChanged` and `BuildingEndangered`.
//! Consumes `CareListDrawn` of residents.
//!
//! Never breaks: a row and its timeline are written together, and the timeline is never changed; who worked on an incident
//! never confirms it; what somebody wrote or said is sealed, and leaves in clear only after the look was recorded.

pub mod app;
pub mod domain;
mod error;
pub mod events;
pub mod grpc;
pub mod requests;
pub mod store;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use linju_proto::incidents::v1::incident_service_server::IncidentServiceServer;
use sea_orm_migration::MigrationTrait;
use tonic::service::Routes;

pub use app::App;
pub use error::Error;
use store::{incident, timeline};

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
            timeline::TEXT,
        ]
    }

    fn build(&self, context: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        let message_bytes = context.message_bytes;
        let app = App::new(context);
        let server = IncidentServiceServer::new(grpc::Incidents(app.clone()));
        let routes = Routes::new(server.max_decoding_message_size(message_bytes));
        Ok(Parts { routes, consumers: vec![events::care_consumer(app)], ..Parts::default() })
    }
}
