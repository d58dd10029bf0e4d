//! The service from door to database, on SQLite and on Postgres. Every call passes the real access layer with a real token.

mod alarms;
mod calendars;
mod care;
mod catalogue;
mod emergencies;
mod figures;
mod ground;
mod imports;
mod life;
mod privacy;
mod promises;
mod races;
mod reasons;
mod refusals;
mod report;
mod warnings;
