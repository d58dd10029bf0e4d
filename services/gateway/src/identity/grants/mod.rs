//! What accounts were granted: roles within scopes, and mandates to act for somebody else.
//!
//! A grant is a role within one area (or everywhere), for one unit or place where the role has one, and for residents the
//! record that is their own. It has a start, perhaps an end, and says who gave it and why; taken away, it stays as a row
//! with who took it. Every change is made under the lock of the revision, so that two changes at once see each other, and
//! takes effect on tokens that are already out.

mod access;
mod app;
mod convert;
mod error;
mod give;
mod grpc;
mod mandates;
mod migration;
mod rules;
pub mod store;
mod words;

pub use app::Grants;
pub use error::GrantError;
pub use give::{NewGrant, give};
pub use grpc::GrantApi;
pub use migration::migrations;
pub use rules::{Clash, HeldRole, MAY_GRANT, OFFICERS, Period, clash, may_grant};
pub use store::{grants_of, grants_on_behalf};
