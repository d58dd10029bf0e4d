//! What a service is to the program that runs it.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use sea_orm_migration::MigrationTrait;
use serde::de::DeserializeOwned;
use tonic::service::Routes;

use super::{BadSettings, Install, Meter, StartError, Tasks, Tls};
use crate::{
    access::Gated,
    data::{Clock, Db, Ids, Keyring, SealedColumn},
    events::{Consumer, Intake, Outbox, SharedBus, TimerHandlers},
};

/// What a service is built from. It opens nothing itself.
#[derive(Clone, Debug)]
pub struct Context {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub keys: Keyring,
    pub outbox: Outbox,
    /// Bytes that one request message may have.
    pub message_bytes: usize,
    /// What the configuration says under `service.<name>`.
    pub settings: serde_json::Value,
}

impl Context {
    /// The service's own settings; what the configuration leaves out keeps its default.
    pub fn config<T: DeserializeOwned>(&self, service: &str) -> Result<T, BadSettings> {
        T::deserialize(&self.settings).map_err(|e| BadSettings::of_service(service, &e))
    }
}

/// What a service is made of. The program serves the routes, feeds the consumers and fires the timers.
#[derive(Default)]
pub struct Parts {
    pub routes: Routes,
    pub consumers: Vec<Consumer>,
    pub timers: TimerHandlers,
    /// Takes what partners send over the bus.
    pub intake: Option<Arc<dyn Intake>>,
    /// Another way in beside gRPC, opened when all services are built.
    pub door: Option<Box<dyn Door>>,
}

/// A way into the program that a service opens itself: an address of its own, with a protocol of its own.
#[async_trait]
pub trait Door: Send {
    /// Opens it, and answers where. Its tasks end with [`Inside::tasks`].
    async fn open(self: Box<Self>, inside: Inside) -> Result<SocketAddr, StartError>;
}

/// What a door finds behind it.
#[derive(Clone, Debug)]
pub struct Inside {
    /// All gRPC services of this process, behind the same gate that callers from outside pass.
    pub calls: Gated<Routes>,
    /// Names of the services in this process.
    pub services: Vec<&'static str>,
    pub install: Install,
    pub bus: SharedBus,
    pub meter: Meter,
    pub tasks: Tasks,
    /// How to reach other processes of ours; none: without TLS.
    pub tls: Option<Tls>,
}

/// One service, told apart by name.
pub trait Service: Send + Sync {
    /// Also the name of its database and the source of its events.
    fn name(&self) -> &'static str;

    /// Its tables, in order; the chassis' own come before them.
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>>;

    /// Columns that hold sealed values, for the rotation of keys.
    fn sealed_columns(&self) -> Vec<SealedColumn>;

    /// Puts it together; only its own settings can be wrong.
    fn build(&self, context: Context, bus: SharedBus) -> Result<Parts, BadSettings>;
}
