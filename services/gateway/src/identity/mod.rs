//! Who may sign in, and what they were granted.

mod caller;

use chassis::{data::SealedColumn, run::Context};
use sea_orm_migration::MigrationTrait;
use serde::Deserialize;

pub use caller::{Caller, Credential, Refused};

/// How people and programs sign in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {}

/// Its tables.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    Vec::new()
}

/// Its sealed columns.
pub fn sealed_columns() -> Vec<SealedColumn> {
    Vec::new()
}

/// Looks up credentials and answers who calls.
#[derive(Clone, Debug)]
pub struct Identity {
    context: Context,
    settings: IdentitySettings,
}

impl Identity {
    pub fn new(context: Context, settings: IdentitySettings) -> Self {
        Self { context, settings }
    }
}
