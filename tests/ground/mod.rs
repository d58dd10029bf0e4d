//! The program as it is shipped, on databases and servers of its own, and people who call it.

mod binary;
mod caller;
mod data;
mod events;
mod install;
mod log;
mod raw;
mod rows;
mod serving;
mod until;

pub use caller::{Caller, Who};
pub use data::{ENDANGERED, areas, id, la_mapping, la_requests, survey};
pub use events::Told;
pub use install::{Done, Install, Postgreses};
pub use raw::{RawCodec, reason, refusal};
pub use serving::{House, Serving};
pub use until::{holds, until};
