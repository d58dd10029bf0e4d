//! The gateway: one safe door for people, front-end teams and programs.
//!
//! Owns who may sign in and what they were granted (accounts, sessions, tokens, grants) and the attachments of records.
//! Answers `linju.gateway.v1` over gRPC, and at its door every service's methods as REST, gRPC-Web and gRPC,
//! and what the public may know as Open311 and CAP.
//!
//! Never breaks: nothing a caller sends says who the caller is, but a credential that is looked up with every call;
//! services hear only tokens that this door signed.

pub mod attachments;
pub mod cap;
mod config;
pub mod door;
pub mod identity;
pub mod live;
pub mod open311;
pub mod openapi;
pub mod status;
pub mod transcode;
pub mod upstream;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use sea_orm_migration::MigrationTrait;

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
        let mut all = identity::sealed_columns();
        all.extend(attachments::sealed_columns());
        all
    }

    fn build(&self, context: Context, bus: SharedBus) -> Result<Parts, BadSettings> {
        let settings: GatewaySettings = context.config(self.name())?;
        let attachments = attachments::Attachments::new(&context, settings.attachments.clone());
        let live = live::Live::new(bus, settings.live.clone());
        let message_bytes = context.message_bytes;
        let identity = identity::Identity::new(context, settings.identity.clone());
        let routes = identity.routes(message_bytes).add_service(attachments.server()).add_service(live.server());
        let door = door::GatewayDoor::new(settings, identity, attachments, live);
        let consumers = vec![attachments::Attachments::consumer()];
        Ok(Parts { routes, consumers, door: Some(Box::new(door)), ..Parts::default() })
    }
}
