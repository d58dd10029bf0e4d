//! How the tables came to be, in order; a migration that was released is never changed.

mod m0001_accounts;
mod m0002_sessions;

use sea_orm_migration::MigrationTrait;

pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_accounts::Accounts), Box::new(m0002_sessions::Sessions)]
}
