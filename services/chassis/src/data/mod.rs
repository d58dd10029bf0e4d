//! Rows: where they live, how they are written, found and told apart.

mod area;
mod clock;
mod db;
mod etag;
mod id;
mod page;
mod rows;
mod tx;

pub use area::{AreaCode, AreaLevel, NotAnArea};
pub use clock::Clock;
pub use db::{Db, PoolSettings};
pub use etag::{check_etag, etag};
pub use id::Ids;
pub use page::Page;
pub use tx::{Tx, Work};
