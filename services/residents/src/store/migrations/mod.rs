//! The tables as they came to be, in order. Forward only, and safe beside the version before.

mod m0001_register;
mod m0002_rights;
mod m0010_call_lists;

use sea_orm_migration::MigrationTrait;

/// Every migration of this service.
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_register::Register), Box::new(m0010_call_lists::CallLists), Box::new(m0002_rights::Rights)]
}
