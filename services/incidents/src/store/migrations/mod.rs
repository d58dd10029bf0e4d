//! The tables of this service, forward only.

mod m0001_incidents;
mod m0002_timeline;

use sea_orm_migration::MigrationTrait;

/// All migrations, in order.
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_incidents::Incidents), Box::new(m0002_timeline::Timeline)]
}
