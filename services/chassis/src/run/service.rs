//! What a service is to the program that runs it.

use sea_orm_migration::MigrationTrait;
use tonic::service::Routes;

use crate::{
    data::{Clock, Db, Ids, Keyring, SealedColumn},
    events::{Consumer, Outbox, TimerHandlers},
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
}

/// What a service is made of. The program serves the routes, feeds the consumers and fires the timers.
#[derive(Default)]
pub struct Parts {
    pub routes: Routes,
    pub consumers: Vec<Consumer>,
    pub timers: TimerHandlers,
}

/// One service, told apart by name.
pub trait Service: Send + Sync {
    /// Also the name of its database and the source of its events.
    fn name(&self) -> &'static str;

    /// Its tables, in order; the chassis' own come before them.
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>>;

    /// Columns that hold sealed values, for the rotation of keys.
    fn sealed_columns(&self) -> Vec<SealedColumn>;

    /// Puts it together.
    fn build(&self, context: Context) -> Parts;
}
