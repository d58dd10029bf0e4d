//! The service from door to database, on SQLite and on Postgres. Every call passes the real access layer with a real token.

mod care;
mod figures;
mod ground;
mod imports;
mod life;
mod privacy;
mod races;
mod reasons;
mod refusals;
mod report;
