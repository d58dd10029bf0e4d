//! The register of who lives here.
//!
//! - **Owns** areas, dwellings, households, residents, their care tags, which records were found to be one person's, what
//!   people ask about their data, and leave to look at minors' records.
//! - **Answers** who lives where, who is called what, who needs help in a building, and what an area looks like in figures.
//! - **Publishes** that residents were registered, changed, moved, left or died, were merged or taken apart, that their care
//!   tags changed, how many people of an endangered building need help, and how many of a warned one were told. Never a
//!   name, number or address.
//! - **Consumes** `building_endangered` and `warning_issued` of incidents.
//! - **Never breaks**: an earlier observation never replaces a later one; the same file or request again changes nothing; ID
//!   numbers, phones, units and rooms lie in no table in clear; a minor's record is shown to nobody alone; small counts are told to nobody who may not see the rows.

pub mod app;
pub mod config;
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
    area_service_server::AreaServiceServer, call_list_service_server::CallListServiceServer,
    care_service_server::CareServiceServer, minor_access_service_server::MinorAccessServiceServer,
    my_data_service_server::MyDataServiceServer, resident_service_server::ResidentServiceServer,
};
use sea_orm_migration::MigrationTrait;
use tonic::service::RoutesBuilder;

pub use error::Error;

use app::App;
use config::{MinorSettings, ResidentsSettings};
use grpc::Api;
use store::{
    data_request, dwelling, minor_access,
    resident::{self, Reads},
};

/// This service, for the program that runs it.
#[derive(Clone, Copy, Debug)]
pub struct ResidentsService;

impl App {
    /// The use cases over what the program has opened.
    pub fn new(context: Context) -> Self {
        let Context { db, clock, ids, keys, outbox, message_bytes: _, settings: _ } = context;
        Self { reads: Reads::new(db.clone()), db, clock, ids, keys, outbox, minors: MinorSettings::default() }
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
        let asked = data_request::SEALED.map(|column| (data_request::TABLE, column));
        let leave = minor_access::SEALED.map(|column| (minor_access::TABLE, column));
        let all = columns.into_iter().chain(asked).chain(leave);
        all.map(|(table, column)| SealedColumn { table, column, id_column: "id" }).collect()
    }

    fn build(&self, context: Context, _: SharedBus) -> Result<Parts, BadSettings> {
        let most = context.message_bytes;
        let settings = context.config::<ResidentsSettings>(self.name())?.check(self.name())?;
        let app = App { minors: settings.minors, ..App::new(context) };
        let api = Api(app.clone());
        let mut routes = RoutesBuilder::default();
        routes
            .add_service(AreaServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(ResidentServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(CallListServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(MyDataServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(MinorAccessServiceServer::new(api.clone()).max_decoding_message_size(most))
            .add_service(CareServiceServer::new(api).max_decoding_message_size(most));
        Ok(Parts {
            routes: routes.routes(),
            consumers: events::consumers(app.clone()),
            timers: events::timers(app),
            ..Parts::default()
        })
    }
}
