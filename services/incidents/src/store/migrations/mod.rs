//! The tables of this service, forward only.

mod m0001_incidents;
mod m0002_timeline;
mod m0003_catalogue;
mod m0004_calendars;
mod m0005_promises;
mod m0020_warnings;
mod m0021_emergencies;
mod m0030_alarms;
mod m0040_public;
mod m0050_problems;
mod m0060_disputes;
mod m0061_matters;
mod m0062_patterns;

use sea_orm_migration::MigrationTrait;

/// All migrations, in order.
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_incidents::Incidents),
        Box::new(m0002_timeline::Timeline),
        Box::new(m0003_catalogue::CatalogueTable),
        Box::new(m0004_calendars::Calendars),
        Box::new(m0005_promises::Promises),
        Box::new(m0020_warnings::Warnings),
        Box::new(m0021_emergencies::Emergencies),
        Box::new(m0030_alarms::Alarms),
        Box::new(m0040_public::Public),
        Box::new(m0050_problems::Problems),
        Box::new(m0060_disputes::Disputes),
        Box::new(m0061_matters::Matters),
        Box::new(m0062_patterns::Patterns),
    ]
}
