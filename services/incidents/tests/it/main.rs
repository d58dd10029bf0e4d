//! The service from door to database, on SQLite and on Postgres. Every call passes the real access layer with a real token.

mod alarms;
mod calendars;
mod care;
mod catalogue;
mod disputes;
mod duplicates;
mod emergencies;
mod figures;
mod ground;
mod imports;
mod life;
mod matters;
mod next_look;
mod patterns;
mod privacy;
mod problems;
mod promises;
mod public;
mod races;
mod rates;
mod reasons;
mod refusals;
mod report;
mod warnings;
