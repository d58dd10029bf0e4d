//! Who calls, what they may touch, and what they looked at.

pub mod audit;
mod call;
mod framing;
mod gate;
mod look;
mod scope;
mod seen;
mod signing;
mod token;
mod told;

pub use call::{Call, purpose_code};
pub use gate::{Gate, Gated};
pub use look::{Look, Permitted, look, look_by, staff_code};
pub use scope::{Areas, Scope};
pub use signing::{PublicKeys, SigningKey};
pub use token::{
    Grant, Principal, TokenError, TokenSigner, TokenVerifier, cover_code, cover_of, role_code, role_of, self_test,
};
pub use told::told;

pub use linju_proto::common::v1::{Cover, Purpose, Role};
