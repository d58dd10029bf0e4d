//! Volunteers: the neighbours who help, and everything that makes it easy for them.
//!
//! - **Owns** volunteers with their life cycle, qualifications, insurance and guardians' consents, teams and who belongs to
//!   them, the rota, the catalogue of services, and organisations with what they are lent and what they give.
//! - **Answers** `PeopleService`, `TeamService`, `RotaService`, `CatalogueService`, `DirectoryService` and
//!   `OrganisationService` of `linju.volunteers.v1`.
//! - **Publishes** who applied, came and went (by id), which qualifications begin and end, what teams become, which duties
//!   lost somebody, which services nobody has vouched for, how organisations move, and what is not given back. Never a name
//!   or number.
//! - **Never breaks**: nobody serves without having applied and been accepted, nor joins a team without having said yes; what
//!   work asks for holds for the whole of it; nobody is ranked; what the office lends always balances; telephone numbers,
//!   proofs and guardians lie in no table in clear.

pub mod app;
pub mod config;
pub mod domain;
mod error;
pub mod events;
pub mod grpc;
pub mod store;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use linju_proto::volunteers::v1::{
    catalogue_service_server::CatalogueServiceServer, directory_service_server::DirectoryServiceServer,
    organisation_service_server::OrganisationServiceServer, people_service_server::PeopleServiceServer,
    rota_service_server::RotaServiceServer, team_service_server::TeamServiceServer,
};
use sea_orm_migration::MigrationTrait;
use tonic::service::Routes;

pub use app::App;
pub use error::Error;

/// The service.
#[derive(Clone, Copy, Debug, Default)]
pub struct VolunteersService;

impl Service for VolunteersService {
    fn name(&self) -> &'static str {
        "volunteers"
    }

    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::all()
    }

    fn sealed_columns(&self) -> Vec<SealedColumn> {
        store::sealed_columns()
    }

    fn build(&self, context: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        let settings = config::Settings::of(&context)?;
        let most = context.message_bytes;
        let app = App::new(context, settings);
        let mut routes = Routes::builder();
        routes.add_service(PeopleServiceServer::new(grpc::people::People(app.clone())).max_decoding_message_size(most));
        routes.add_service(TeamServiceServer::new(grpc::teams::Teams(app.clone())).max_decoding_message_size(most));
        routes.add_service(RotaServiceServer::new(grpc::rota::Rota(app.clone())).max_decoding_message_size(most));
        routes.add_service(
            CatalogueServiceServer::new(grpc::catalogue::Catalogue(app.clone())).max_decoding_message_size(most),
        );
        routes.add_service(
            DirectoryServiceServer::new(grpc::catalogue::Directory(app.clone())).max_decoding_message_size(most),
        );
        routes.add_service(
            OrganisationServiceServer::new(grpc::organisations::Organisations(app.clone()))
                .max_decoding_message_size(most),
        );
        Ok(Parts { routes: routes.routes(), timers: events::timers(app), ..Parts::default() })
    }
}
