//! Nothing outlives a test process, even one that was killed.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use test_servers::{Durability, Postgres};

use crate::wait_until;

const ROLE: &str = "TEST_SERVERS_VICTIM";

#[test]
fn a_killed_test_leaves_neither_process_nor_folder() -> anyhow::Result<()> {
    let mut victim = Command::new(env::current_exe()?)
        .args(["--exact", "guard::victim", "--nocapture"])
        .env(ROLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(victim.stdout.take().context("no output")?);
    let line = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("server ").map(|(_, rest)| rest.to_owned()));
    let line = line.context("the victim started no server")?;
    let (pid, folder) = line.split_once(' ').context("pid and folder")?;
    let process = Path::new("/proc").join(pid);
    assert!(process.exists() && Path::new(folder).exists());

    victim.kill()?;
    victim.wait()?;

    wait_until("the server's process is gone", || !process.exists())?;
    wait_until("the server's folder is gone", || !Path::new(folder).exists())
}

/// The other process of the test above; on its own it does nothing.
#[test]
fn victim() -> anyhow::Result<()> {
    if env::var_os(ROLE).is_none() {
        return Ok(());
    }
    let server = Postgres::start(Durability::Fast)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "server {} {}", server.pid()?, server.socket_folder().display())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    anyhow::bail!("the victim was not killed")
}
