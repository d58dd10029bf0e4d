//! Real servers for tests: Postgres, NATS and S3 in temporary folders on free loopback ports, and a TCP
//! proxy that breaks a connection on demand. Nothing is simulated and no container is needed.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use test_servers::{Nats, Postgres};
//!
//! let database = Postgres::shared()?.create_database()?; // dropped with the value
//! let nats = Nats::start()?;                             // a server of this test's own
//! println!("{} {}", database.url(), nats.url());
//! # Ok(())
//! # }
//! ```
//!
//! The servers are child processes. Each has a small guard process that ends it and removes its folder when the
//! test process is gone, however that happened, so that nothing outlives a run that was killed.
//!
//! Starting and stopping block the calling thread. A test whose own tasks must go on meanwhile calls them
//! through `tokio::task::spawn_blocking`.
//!
//! The programs are looked for where Debian installs them, on the PATH, and where `scripts/install-tools`
//! puts them; `LINJU_PG_BIN` (a folder), `LINJU_NATS_SERVER` and `LINJU_WEED` (files) say otherwise.

use std::io::{self, Write as _};

mod database;
mod guard;
mod nats;
mod port;
mod postgres;
mod process;
mod proxy;
mod s3;
mod tools;

pub use tools::{buf, envoy, python};

pub use database::{Cluster, Database};
pub use nats::Nats;
pub use port::free_port;
pub use postgres::{Durability, Postgres, Stop};
pub use proxy::{Mode, Proxy};
pub use s3::S3;

/// Says loudly that the calling test does not run here, and why; the test then returns. `scripts/test` counts the line.
/// It goes past libtest, which keeps what a passing test prints to itself.
pub fn skipped(reason: &str) {
    // A closed standard output cannot be told of.
    let _ = writeln!(io::stdout(), "SKIPPED: {reason}");
}
