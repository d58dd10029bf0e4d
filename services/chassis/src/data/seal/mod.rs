//! Sealed fields: personal values that no table, dump or backup holds in clear.
//!
//! A value is sealed with a data key of its database; data keys lie in the table `data_keys`, wrapped by a master key that
//! never touches the database. The place of a value (table, column, row) is bound in, so a value moved to another row does
//! not open. What must be found by its value also gets a [`BlindIndex`].

mod blind;
mod file;
mod keyring;
mod master;
mod migration;
mod reseal;
mod sealed;
mod store;
mod suite;

pub use blind::BlindIndex;
pub use file::KeyFileError;
pub(crate) use file::{create_secret, read_secret};
pub use keyring::{KeyError, Keyring};
pub use master::{Kek, KekError, MasterKey};
pub use migration::migration;
pub use reseal::{ResealProgress, SealedColumn, reseal_column};
pub use sealed::{OpenError, Place, SealError, Sealed, SecretText};
pub use suite::{SelfTestFailed, Suite, self_test};
