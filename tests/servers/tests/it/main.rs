//! The servers start, break and come back as their callers are promised.

mod guard;
mod nats;
mod postgres;
mod proxy;
mod s3;

use std::time::{Duration, Instant};

/// Waits for something that another process does in its own time.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
    let start = Instant::now();
    while !done() {
        anyhow::ensure!(start.elapsed() < Duration::from_secs(30), "still waiting: {what}");
        std::thread::yield_now();
    }
    Ok(())
}
