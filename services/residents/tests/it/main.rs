//! The survey's files as they are read, and the service from door to database, on SQLite and on Postgres. Every call passes
//! the real access layer with a real token.

mod areas;
mod call_list;
mod care;
mod changes;
mod create;
mod demo;
mod ground;
mod import;
mod merge;
mod minors;
mod my_data;
mod privacy;
mod reasons;
mod search;
mod survey_files;
mod survey_reading;
