//! A NATS server with JetStream in a temporary folder.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use crate::free_port;
use crate::guard::Guard;
use crate::process::Process;
use crate::tools;

/// A server of this test's own. JetStream syncs every write, as in production. It ends, and its folder goes, with
/// the value.
pub struct Nats {
    program: PathBuf,
    port: u16,
    url: String,
    name: String,
    process: Option<Process>,
    guard: Guard,
}

impl Nats {
    pub fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// Starts with more lines in the server's configuration: accounts, limits, mappings.
    pub fn start_with(configuration: &str) -> Result<Self> {
        let program = tools::nats_server()?;
        let guard = Guard::new("nats", "KILL")?;
        let port = free_port()?;
        let name = format!("linju-test-{}-{port}", std::process::id());
        let mut server = Self { program, port, url: format!("nats://127.0.0.1:{port}"), name, process: None, guard };
        server.configure(configuration)?;
        server.restart()?;
        Ok(server)
    }

    /// The URL of the server of the whole test process, or of the whole run if `LINJU_TEST_NATS` holds one. Its
    /// streams are seen by every test; starting a server takes a tenth of a second, so this is only for tests that
    /// do not mind the others.
    pub fn shared() -> Result<&'static str> {
        static SHARED: OnceLock<(String, Option<Nats>)> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((url, _)) = SHARED.get() {
            return Ok(url);
        }
        let shared = if let Ok(url) = env::var("LINJU_TEST_NATS") {
            (url, None)
        } else {
            let server = Self::start()?;
            (server.url.clone(), Some(server))
        };
        Ok(&SHARED.get_or_init(|| shared).0)
    }

    /// `nats://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id; an error while it is down.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running()?.pid())
    }

    /// Replaces what [`Nats::start_with`] was given; in force from the next restart.
    pub fn configure(&self, configuration: &str) -> Result<()> {
        let (name, port, store) = (&self.name, self.port, self.store());
        let text = format!(
            "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\n\
             jetstream {{ store_dir: \"{}\", sync_interval: always }}\n{configuration}\n",
            store.display()
        );
        Ok(fs::write(self.configuration(), text)?)
    }

    /// Starts the stopped or killed server again: same port, same store.
    pub fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "NATS is running; stop it first");
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.configuration()).current_dir(self.guard.folder());
        let mut process = Process::spawn(&mut command, &self.guard.folder().join("log"))?;
        self.guard.watch(Some(process.pid()))?;
        process.wait_ready(|| self.greets())?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks the server to end, which it does without waiting for its clients.
    pub fn stop(&mut self) -> Result<()> {
        self.running()?.signal(Signal::SIGTERM)?;
        if let Some(process) = &mut self.process {
            process.wait_ended()?;
        }
        self.down()
    }

    pub fn kill9(&mut self) -> Result<()> {
        self.running()?;
        if let Some(process) = &mut self.process {
            process.kill()?;
        }
        self.down()
    }

    /// Freezes the server: connections stay open and nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.running()?.signal(Signal::SIGSTOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.running()?.signal(Signal::SIGCONT)
    }

    /// Throws away every stream and consumer, as when a disk is lost. The server must be down.
    pub fn wipe_store(&self) -> Result<()> {
        ensure!(self.process.is_none(), "NATS is running; stop it before its store is wiped");
        let store = self.store();
        if store.exists() {
            fs::remove_dir_all(store)?;
        }
        Ok(())
    }

    /// The server says INFO to whoever connects, once it is up with JetStream. The name tells it from another
    /// server on a port that was taken in between.
    fn greets(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
        if stream.set_read_timeout(Some(Duration::from_secs(5))).is_err() {
            return false;
        }
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).is_ok()
            && line.starts_with("INFO ")
            && line.contains(&format!("\"server_name\":\"{}\"", self.name))
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().context("NATS is not running; call restart first")
    }

    fn down(&mut self) -> Result<()> {
        self.process = None;
        self.guard.watch(None)
    }

    fn store(&self) -> PathBuf {
        self.guard.folder().join("store")
    }

    fn configuration(&self) -> PathBuf {
        self.guard.folder().join("nats.conf")
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = self.guard.watch(None);
        }
    }
}
