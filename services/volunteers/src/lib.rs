//! Volunteers: the neighbours who help, and everything that makes it easy for them.
//!
//! - **Owns** volunteers with their life cycle, qualifications, insurance and guardians' consents, teams and who belongs to
//!   them, and the rota.
//! - **Never breaks**: nobody serves without having applied and been accepted, nor joins a team without having said yes; what
//!   work asks for holds for the whole of it; nobody is ranked; telephone numbers, proofs and guardians lie in no table in clear.

pub mod app;
pub mod config;
pub mod domain;
mod error;
pub mod store;

use chassis::{
    data::SealedColumn,
    events::SharedBus,
    run::{BadSettings, Context, Parts, Service},
};
use sea_orm_migration::MigrationTrait;

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
        let _app = App::new(context, settings);
        Ok(Parts::default())
    }
}
