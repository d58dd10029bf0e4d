//! The contracts of Linju and the code made from them.
//!
//! The `.proto` files say four things about a call, and only they: who may call and in which scope (`access`), what is valid
//! (`buf.validate`), what is personal (`personal`) and what may be retried (`idempotency_level`). The build makes of them
//! - [`METHODS`], which the access layer obeys;
//! - [`Contract`] for every message: [`Contract::check`] and [`Contract::mask`], which [`codec::ContractCodec`] calls for
//!   every message that comes in or goes out. No handler can forget either.

pub mod codec;
mod mask;
mod validity;

pub use mask::{Hide, in_clear};
pub use validity::{Checker, Violation, refuse};
use validity::{Pattern, Text};

/// The generated messages, nested as their packages are.
#[expect(clippy::pedantic, clippy::all, clippy::allow_attributes, reason = "generated")]
pub mod linju {
    pub mod common {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/linju.common.v1.rs"));
        }
    }
    pub mod residents {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/linju.residents.v1.rs"));
        }
    }
    pub mod incidents {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/linju.incidents.v1.rs"));
        }
    }
    pub mod volunteers {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/linju.volunteers.v1.rs"));
        }
    }
    pub mod gateway {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/linju.gateway.v1.rs"));
        }
    }
}

pub use linju::{common, gateway, incidents, residents, volunteers};

/// All descriptors, imports, comments and custom options included.
pub static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/linju.bin"));

/// What the contract says of one method. Numbers are those of `linju.common.v1.Role`, `Scope`, `Purpose` and `Cover`.
#[derive(Debug)]
pub struct Method {
    /// As in HTTP/2: `/linju.residents.v1.ResidentService/GetResident`.
    pub path: &'static str,
    pub roles: &'static [i32],
    pub scope: i32,
    pub purposes: &'static [i32],
    /// What a mandate must cover so that it may be called for somebody else; 0: it cannot be.
    pub cover: i32,
    /// The same call may be made again without harm.
    pub retry_safe: bool,
}

/// What every message can do, made from its contract.
pub trait Contract {
    /// The message is what some method takes.
    const REQUEST: bool;
    /// Notes every rule that the message breaks.
    fn check(&self, c: &mut Checker);
    /// Hides every personal field, here and below.
    fn mask(&mut self);
}

#[expect(clippy::pedantic, clippy::all, reason = "generated")]
mod contract {
    use super::{Checker, Contract, Hide, Method, Pattern, Text};

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

pub use contract::{ENTITLED, METHODS, OWN_ROWS, PURPOSE_LABELS, ROLE_LABELS};

/// What the contract says of the method with this path.
pub fn method(path: &str) -> Option<&'static Method> {
    let found = contract::BY_PATH.binary_search_by(|i| METHODS[*i].path.cmp(path)).ok()?;
    Some(&METHODS[contract::BY_PATH[found]])
}
