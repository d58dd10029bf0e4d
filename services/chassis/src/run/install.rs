//! An install: its folder, databases, keys and bus, opened and checked before anything is served.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tonic::service::Routes;

use super::{Context, Meter, Parts, Service, Settings, Tasks};
use crate::{
    access::{self, MasterFile, TokenSigner, TokenVerifier},
    data::{self, Clock, Db, Ids, KeyError, Keyring, MasterKey},
    events::{self, BusError, JetStream, LocalLog, SharedBus},
};

/// Why a program does not start. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {0}: {1}; is another copy running? choose another address with `listen` or `observe`")]
    Listen(SocketAddr, String),
    #[error("cannot use the folder {0}: {1}")]
    Folder(String, String),
    #[error("the database of {service} cannot be opened: {reason}")]
    Database { service: &'static str, reason: String },
    #[error("the database of {0} is older than this program: run `linju migrate` first")]
    NotMigrated(&'static str),
    #[error("{0}")]
    Keys(#[from] KeyError),
    #[error("{0}")]
    Tokens(String),
    #[error("{0}")]
    Bus(#[from] BusError),
    #[error("{0}")]
    Telemetry(String),
}

impl StartError {
    pub(super) fn listen(address: SocketAddr, error: &io::Error) -> Self {
        Self::Listen(address, error.to_string())
    }
}

pub(super) struct Installed {
    pub(super) databases: Vec<(&'static str, Db)>,
    pub(super) bus: SharedBus,
    pub(super) routes: Routes,
    pub(super) verifier: TokenVerifier,
}
