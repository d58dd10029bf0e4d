//! What the machine itself can do, so that readers can compare their own.

use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{echo::EchoServer, ground::Ground, load, pgbench::Pgbench, stats::Spread, stats::thousands, table::Table};

/// Notes cores, memory, load, fsync, pgbench and echo.
pub(crate) async fn facts(ground: &Ground, leg: Duration, table: &mut Table) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    table.fact("Processor", format!("{cores} × {}", line("/proc/cpuinfo", "model name").unwrap_or_default()));
    table.fact("Memory", line("/proc/meminfo", "MemTotal").unwrap_or_default());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    table.fact("Load before the run (1, 5, 15 min)", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    table.fact("Postgres", ground.sql("postgres", "SHOW server_version")?);

    let sync = fdatasync(ground.folder(), 200)?;
    table.fact("fdatasync of 8 KiB", sync.whole(" µs"));
    let database = ground.database("bench_facts")?;
    let pgbench = Pgbench::new(ground, &database);
    pgbench.fill(10)?;
    table.fact("pgbench, built-in, 32 clients", format!("{} tps", thousands(pgbench.built_in("tpcb-like", leg)?)));
    table.fact("pgbench -S, 32 clients", format!("{} tps", thousands(pgbench.built_in("select-only", leg)?)));
    let echo = EchoServer::start(256)?;
    let caller = echo.caller().await?;
    let rate = load::closed(32, Duration::from_millis(500), leg, move |client, _| {
        let caller = caller.clone();
        async move { caller.call(client, bytes::Bytes::from_static(&[0; 38])).await.map(drop) }
    });
    table.fact("gRPC echo of 256 B, 32 clients", format!("{} calls/s", thousands(rate.await?)));
    Ok(())
}

/// The value of the first line `name : value`.
fn line(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// Microseconds that writing and syncing one page takes.
fn fdatasync(folder: &Path, times: usize) -> Result<Spread> {
    let path = folder.join("fdatasync");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(path)?;
    Ok(Spread::of(&took))
}
