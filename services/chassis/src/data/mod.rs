//! Rows: where they live, how they are written, found and told apart.

mod any_of;
mod area;
mod clock;
mod code;
mod commits;
mod db;
mod etag;
mod id;
mod json;
mod page;
mod requests;
mod rows;
mod seal;
mod together;
mod tx;

pub use any_of::any_of;
pub use area::{AreaCode, AreaLevel, NotAnArea};
pub use clock::Clock;
pub use code::{Code, UnknownCode};
pub use db::{Db, PoolSettings};
pub use etag::{check_etag, etag};
pub use id::Ids;
pub use page::Page;
pub use requests::{RequestKey, migration as requests_migration, prune_requests};
pub use seal::{
    BlindIndex, Kek, KekError, KeyError, KeyFileError, Keyring, MasterKey, OpenError, Place, ResealProgress, SealError,
    Sealed, SealedColumn, SecretText, SelfTestFailed, Suite, migration, reseal_column, self_test,
};
pub(crate) use seal::{create_secret, read_secret};
pub use together::Together;
pub use tx::{Tx, Work};
