//! The gateway: one safe door for people, front-end teams and programs.
//!
//! Owns who may sign in and what they were granted (accounts, sessions, tokens, grants) and the attachments of records.
//! Answers `linju.gateway.v1` over gRPC, and at its door every service's methods as REST, gRPC-Web and gRPC.
//!
//! Never breaks: nothing a caller sends says who the caller is, but a credential that is looked up with every call;
//! services hear only tokens that this door signed.

pub mod attachments;
mod config;
pub mod door;
pub mod identity;
pub mod live;
pub mod openapi;
pub mod transcode;
pub mod upstream;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use sea_orm_migration::MigrationTrait;
use tonic::service::Routes;

pub use config::GatewaySettings;

/// The service.
#[derive(Clone, Copy, Debug, Default)]
pub struct GatewayService;

impl Service for GatewayService {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let mut all = identity::migrations();
        all.extend(attachments::migrations());
        all
    }

    fn sealed_columns(&self) -> Vec<SealedColumn> {
        identity::sealed_columns()
    }

    fn build(&self, context: Context, _bus: SharedBus) -> Result<Parts, BadSettings> {
        let settings: GatewaySettings = context.config(self.name())?;
        let identity = identity::Identity::new(context, settings.identity.clone());
        let door = door::GatewayDoor::new(settings, identity);
        Ok(Parts { routes: Routes::default(), door: Some(Box::new(door)), ..Parts::default() })
    }
}
