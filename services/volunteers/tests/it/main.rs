//! The service from door to database, on SQLite and on Postgres. Every call passes the real access layer with a real token.

mod catalogue;
mod consents;
mod demo;
mod ground;
mod life;
mod organisations;
mod privacy;
mod qualifications;
mod reasons;
mod rota;
mod teams;
