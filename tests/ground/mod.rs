//! The program as it is shipped, on databases and servers of its own, and people who call it.

mod binary;
mod caller;
mod data;
mod desk;
mod events;
mod install;
mod log;
mod raw;
mod rows;
mod serving;
mod until;

pub(crate) use caller::{Caller, Line, Who};
pub(crate) use data::{ENDANGERED, areas, id, la_mapping, la_requests, survey};
pub(crate) use desk::{Desk, Person, Reply, asked, head};
pub(crate) use events::Told;
pub(crate) use install::{Done, Install};
pub(crate) use raw::{RawCodec, reason, refusal};
pub(crate) use serving::{House, Serving};
pub(crate) use until::{holds, until};
