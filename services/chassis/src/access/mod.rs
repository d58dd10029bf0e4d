//! Who calls, what they may touch, and what they looked at.

pub mod audit;
mod signing;
mod token;

pub use audit::migration;
pub use signing::{PublicKeys, SigningKey};
pub use token::{Grant, Principal, TokenError, TokenSigner, TokenVerifier, role_code, role_of, self_test};
