//! The register of who lives here.
//!
//! - **Owns** areas, dwellings, households, residents, their care tags, and which records were found to be one person's.
//! - **Answers** who lives where, who is called what, who needs help in a building, and what an area looks like in figures.
//! - **Publishes** that residents were registered, changed, moved, left or died, were merged or taken apart, that their care
//!   tags changed, and how many people of an endangered building need help. Never a name, number or address.
//! - **Consumes** `building_endangered` of incidents.
//! - **Never breaks**: an earlier observation never replaces a later one; the same file or request again changes nothing; ID
//!   numbers, phones, units and rooms lie in no table in clear; small counts are told to nobody who may not see the rows.

pub mod app;
pub mod domain;
mod error;
pub mod events;
pub mod grpc;
pub mod store;
pub mod survey;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use linju_proto::residents::v1::{
    area_service_server::AreaServiceServer, care_service_server::CareServiceServer,
    resident_service_server::ResidentServiceServer,
};
use sea_orm_migration::MigrationTrait;
use tonic::service::RoutesBuilder;

pub use error::Error;

use app::App;
use grpc::Api;
use store::{dwelling, resident};

/// This service, for the program that runs it.
#[derive(Clone, Copy, Debug)]
pub struct ResidentsService;

impl App {
    /// The use cases over what the program has opened.
    pub fn new(context: Context) -> Self {
        let Context { db, clock, ids, keys, outbox, message_bytes: _, settings: _ } = context;
        Self { db, clock, ids, keys, outbox }
    }
}

impl Service for ResidentsService {
    fn name(&self) -> &'static str {
        "residents"
    }

    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::all()
    }

    fn sealed_columns(&self) -> Vec<SealedColumn> {
        let columns = [
            (resident::TABLE, "national_id"),
            (resident::TABLE, "phone"),
            (dwelling::TABLE, "unit"),
            (dwelling::TABLE, "room"),
        ];
        columns.map(|(table, column)| SealedColumn { table, column, id_column: "id" }).to_vec()
    }

    fn build(&self, context: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        let most = context.message_bytes;
        let app = App::new(context);
        let api = Api(app.clone());
        let mut routes = RoutesBuilder::default();
        routes
            .add_service(AreaServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(ResidentServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(CareServiceServer::new(api).max_decoding_message_size(most));
        Ok(Parts { routes: routes.routes(), consumers: events::consumers(app), ..Parts::default() })
    }
}
