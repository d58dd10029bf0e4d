//! Rows: where they live, how they are written, found and told apart.

mod area;
mod clock;
mod db;
mod id;
mod tx;

pub use area::{AreaCode, AreaLevel, NotAnArea};
pub use clock::Clock;
pub use db::{Db, PoolSettings};
pub use id::Ids;
pub use tx::{Tx, Work};
