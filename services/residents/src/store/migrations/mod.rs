//! The tables as they came to be, in order. Forward only, and safe beside the version before.

mod m0001_register;

use sea_orm_migration::MigrationTrait;

/// Every migration of this service.
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_register::Register)]
}
