//! A Postgres cluster in a temporary folder.

use std::env;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use crate::database::Cluster;
use crate::free_port;
use crate::guard::Guard;
use crate::process::Process;
use crate::tools;

/// What a cluster does for its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing is synced: for tests that never look at the data after a crash of the machine.
    Fast,
    /// Postgres' own defaults: for benches, and for tests that kill the server.
    Durable,
}

/// How a cluster is shut down, as `pg_ctl stop` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Waits until every client has gone.
    Smart,
    /// Rolls back and disconnects clients, then shuts down cleanly.
    Fast,
    /// Without a checkpoint: recovery runs at the next start.
    Immediate,
}

/// A cluster of this test's own. It answers on TCP and on a Unix socket, trusts the loopback address, has the
/// role `linju`, UTF-8, the locale C.UTF-8 and the time zone UTC. It ends, and its folder goes, with the value.
pub struct Postgres {
    cluster: Cluster,
    bin: PathBuf,
    port: u16,
    settings: Vec<String>,
    process: Option<Process>,
    guard: Guard,
}

impl Postgres {
    pub fn start(durability: Durability) -> Result<Self> {
        Self::start_with(durability, &[])
    }

    /// Starts with more settings, as `("wal_level", "logical")`.
    pub fn start_with(durability: Durability, settings: &[(&str, &str)]) -> Result<Self> {
        let bin = tools::postgres_folder()?;
        let guard = Guard::new("pg", "QUIT")?;
        let port = free_port()?;
        let url = format!("postgres://linju@127.0.0.1:{port}/postgres");
        let settings =
            base_settings(durability).iter().chain(settings).map(|(name, value)| format!("{name}={value}")).collect();
        let cluster = Cluster::new(url, bin.join("psql"));
        let mut server = Self { cluster, bin, port, settings, process: None, guard };
        server.init()?;
        server.restart()?;
        Ok(server)
    }

    /// The cluster of the whole test process, or of the whole run if `LINJU_TEST_PG` holds a URL. It cannot be
    /// stopped through this reference: whoever wants to break a server starts one.
    pub fn shared() -> Result<&'static Cluster> {
        static SHARED: OnceLock<Shared> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = SHARED.get() {
            return Ok(shared.cluster());
        }
        let shared = match env::var("LINJU_TEST_PG") {
            Ok(url) => Shared::Outside(Cluster::new(url, tools::postgres_folder()?.join("psql"))),
            Err(_) => Shared::Own(Self::start(Durability::Fast)?),
        };
        Ok(SHARED.get_or_init(|| shared).cluster())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket, as `host` in a connection string.
    pub fn socket_folder(&self) -> &Path {
        self.guard.folder()
    }

    /// The folder with `psql`, `pgbench` and the rest of this version.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The server's process id; an error while it is down.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running()?.pid())
    }

    /// Starts the stopped or killed server again: same port, same data.
    pub fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "Postgres is running; stop it first");
        let mut command = self.as_owner("postgres")?;
        command.arg("-D").arg(self.data()).arg("-k").arg(self.socket_folder());
        command.arg("-p").arg(self.port.to_string());
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        let mut process = Process::spawn(&mut command, &self.guard.folder().join("log"))?;
        self.guard.watch(Some(process.pid()))?;
        let (pid, state) = (process.pid().to_string(), self.data().join("postmaster.pid"));
        process.wait_ready(|| is_ready(&state, &pid))?;
        self.process = Some(process);
        Ok(())
    }

    pub fn stop(&mut self, how: Stop) -> Result<()> {
        self.running()?.signal(match how {
            Stop::Smart => Signal::SIGTERM,
            Stop::Fast => Signal::SIGINT,
            Stop::Immediate => Signal::SIGQUIT,
        })?;
        if let Some(process) = &mut self.process {
            process.wait_ended()?;
        }
        self.down()
    }

    /// SIGKILL to the server and all its backends, as when the machine loses power; what the operating system
    /// already holds is kept all the same.
    pub fn kill9(&mut self) -> Result<()> {
        self.running()?;
        if let Some(process) = &mut self.process {
            process.kill()?;
        }
        self.down()
    }

    /// Freezes the server and all its backends: connections stay open and nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.running()?.signal_all(Signal::SIGSTOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.running()?.signal_all(Signal::SIGCONT)
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().context("Postgres is not running; call restart first")
    }

    fn down(&mut self) -> Result<()> {
        self.process = None;
        self.guard.watch(None)
    }

    fn data(&self) -> PathBuf {
        self.guard.folder().join("data")
    }

    fn init(&self) -> Result<()> {
        if let Some(owner) = owner()? {
            chown(self.guard.folder(), Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
        }
        let output = self
            .as_owner("initdb")?
            .args(["--username=linju", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "--no-instructions", "-D"])
            .arg(self.data())
            .output()
            .context("cannot start initdb")?;
        if !output.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    fn as_owner(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.guard.folder());
        if let Some(owner) = owner()? {
            command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
        }
        Ok(command)
    }
}

/// Its databases are made as in a shared one.
impl Deref for Postgres {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // An immediate stop rather than a kill: it gives back the shared memory segment. Continued last, since a
        // frozen process takes no other signal.
        let asked = process.signal_all(Signal::SIGQUIT).and_then(|()| process.signal_all(Signal::SIGCONT));
        if asked.and_then(|()| process.wait_ended()).is_err() {
            let _ = process.kill();
        }
        let _ = self.guard.watch(None);
    }
}

enum Shared {
    Own(Postgres),
    Outside(Cluster),
}

impl Shared {
    fn cluster(&self) -> &Cluster {
        match self {
            Self::Own(server) => server,
            Self::Outside(cluster) => cluster,
        }
    }
}

fn base_settings(durability: Durability) -> &'static [(&'static str, &'static str)] {
    match durability {
        Durability::Durable => &[("listen_addresses", "127.0.0.1"), ("timezone", "UTC"), ("max_connections", "300")],
        Durability::Fast => &[
            ("listen_addresses", "127.0.0.1"),
            ("timezone", "UTC"),
            ("max_connections", "300"),
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
        ],
    }
}

/// Postgres refuses to run as root; then it runs as the user that Debian's package made.
fn owner() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres")?;
    Ok(Some(user.context("Postgres does not run as root, and there is no user `postgres`: install Debian's package")?))
}

/// The server keeps its process id in the first line of this file and its state in the eighth; `pg_ctl -w` waits
/// for the same.
fn is_ready(state: &Path, pid: &str) -> bool {
    let text = fs::read_to_string(state).unwrap_or_default();
    let mut lines = text.lines();
    lines.next() == Some(pid) && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}
