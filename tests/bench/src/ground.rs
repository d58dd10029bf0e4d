//! Servers and installs of the bench's own, in temporary folders, on the loopback address.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use chassis::{
    access::{Grant, Principal, SigningKey, TokenSigner},
    data::Clock,
};
use chrono::TimeDelta;
use linju_proto::common::v1::Role;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use test_servers::{Durability, Nats, Postgres, free_port};

use crate::wire::Caller;

/// A durable Postgres, the program, and a folder for files.
pub(crate) struct Ground {
    postgres: Postgres,
    program: PathBuf,
    folder: TempDir,
    installs: AtomicU32,
}

impl Ground {
    pub(crate) fn start(program: PathBuf) -> Result<Self> {
        ensure!(program.is_file(), "there is no program {}: build it, or name it with --program", program.display());
        let postgres = Postgres::start(Durability::Durable)?;
        Ok(Self { postgres, program, folder: tempfile::tempdir()?, installs: AtomicU32::new(0) })
    }

    pub(crate) fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What Postgres has written to its log since `from` bytes.
    pub(crate) fn log(&self, from: usize) -> Result<String> {
        let log = fs::read(self.postgres.socket_folder().join("log"))?;
        Ok(String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned())
    }

    /// Makes an empty database; its URL.
    pub(crate) fn database(&self, name: &str) -> Result<String> {
        self.postgres.run(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        Ok(self.url(name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://linju@127.0.0.1:{}/{database}", self.postgres.port())
    }

    /// Runs SQL in a database and answers what psql prints, unaligned, without headings.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut command = Command::new(self.postgres.bin().join("psql"));
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--command",
            sql,
        ]);
        let output = command.arg(self.url(database)).stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "psql failed on `{sql}`: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// An install of its own on Postgres and a NATS server: configured, with keys, migrated.
    pub(crate) fn install(&self) -> Result<Install<'_>> {
        let number = self.installs.fetch_add(1, Ordering::Relaxed);
        let (name, nats) = (format!("bench{number}"), Nats::start()?);
        for service in ["residents", "incidents", "gateway"] {
            self.database(&format!("{name}_{service}"))?;
        }
        let folder = self.folder().join(&name);
        fs::create_dir(&folder)?;
        let url = self.url(&format!("{name}_{{service}}"));
        let text = format!(
            "data_dir = \"{}\"\n[database]\nurl = \"{url}\"\n[bus.nats]\nurl = \"{}\"\n",
            folder.display(),
            nats.url()
        );
        fs::write(folder.join("linju.toml"), text)?;
        let install = Install { ground: self, name, nats, folder };
        install.run(&["keys", "new"])?;
        install.run(&["migrate"])?;
        Ok(install)
    }

    /// Starts the program on free ports and waits until it is ready.
    pub(crate) fn serve(&self, arguments: &[&str], folder: &Path) -> Result<Serving> {
        let (grpc, observe) = (free_port()?, free_port()?);
        let log = File::create(folder.join("serve.log"))?;
        let began = Instant::now();
        // The program ends with the bench, however that ends.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(&self.program)
            .arg("serve")
            .args(arguments)
            .env("LINJU__LISTEN", format!("127.0.0.1:{grpc}"))
            .env("LINJU__OBSERVE", format!("127.0.0.1:{observe}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the program")?;
        let mut serving = Serving { child, grpc, ready_after: Duration::ZERO };
        while !is_ready(observe) {
            if began.elapsed() > Duration::from_secs(30) || serving.child.try_wait()?.is_some() {
                bail!("the program did not get ready: {}", fs::read_to_string(folder.join("serve.log"))?);
            }
            thread::sleep(Duration::from_millis(2));
        }
        serving.ready_after = began.elapsed();
        Ok(serving)
    }
}

/// Databases, keys and configuration of one install.
pub(crate) struct Install<'g> {
    ground: &'g Ground,
    name: String,
    pub(crate) nats: Nats,
    folder: PathBuf,
}

impl Install<'_> {
    /// Runs a command of the program to its end; what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.ground.program);
        let output = command.args(arguments).arg("--json").arg("--config").arg(self.config()).output()?;
        let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(
            output.status.success(),
            "linju {} failed: {told} {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(told)
    }

    /// Runs services of it.
    pub(crate) fn serve(&self, services: &[&str]) -> Result<Serving> {
        let config = self.config();
        let config = config.to_str().context("a folder whose name is no text")?;
        self.ground.serve(&[services, &["--config", config]].concat(), &self.folder)
    }

    /// The name of a service's database.
    pub(crate) fn database(&self, service: &str) -> String {
        format!("{}_{service}", self.name)
    }

    /// The URL of a service's database.
    pub(crate) fn url(&self, service: &str) -> String {
        self.ground.url(&self.database(service))
    }

    /// Runs SQL in a service's database.
    pub(crate) fn sql(&self, service: &str, sql: &str) -> Result<String> {
        self.ground.sql(&self.database(service), sql)
    }

    /// Brings the statistics and the disk up to date, so that neither side of a comparison does it on the other's time.
    pub(crate) fn settle(&self, service: &str) -> Result<()> {
        self.sql(service, "VACUUM ANALYZE")?;
        self.sql(service, "CHECKPOINT").map(drop)
    }

    /// A token of somebody who manages every community.
    pub(crate) fn token(&self) -> Result<String> {
        let key = SigningKey::from_file(&self.folder.join("token.key.pem"))?;
        let grant = Grant::new(Role::CommunityManager, None);
        let principal = Principal { subject: "bench".to_owned(), on_behalf: None, grants: vec![grant] };
        Ok(TokenSigner::new(&key, Clock::system()).sign(&principal, TimeDelta::hours(12))?)
    }

    /// Calls a method of a running service as that manager.
    pub(crate) async fn caller(&self, serving: &Serving, path: &'static str) -> Result<Caller> {
        Caller::connect(serving.grpc, path, Some(&self.token()?)).await
    }

    fn config(&self) -> PathBuf {
        self.folder.join("linju.toml")
    }
}

/// A running program; asked to stop with the value.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    grpc: u16,
    /// From the start of the process until it told that it is ready.
    pub(crate) ready_after: Duration,
}

impl Serving {
    /// Resident memory in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(25) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(port: u16) -> bool {
    let answer = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /healthz/ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    answer().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
