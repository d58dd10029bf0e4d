//! Servers and installs of the bench's own, in temporary folders, on the loopback address.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
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
use tempfile::TempDir;
use test_servers::{Durability, Nats, Postgres, free_port};

use crate::{process::Process, wire::Caller};

/// Settings beside the configuration file, as the environment holds them.
type Settings = BTreeMap<String, String>;

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
        for service in ["residents", "incidents", "volunteers", "gateway"] {
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
        let install = Install { ground: self, name, nats, folder, settings: Settings::new() };
        install.run(&["keys", "new"])?;
        install.run(&["migrate"])?;
        Ok(install)
    }

    /// Starts the program on free ports and waits until it is ready.
    pub(crate) fn serve(&self, arguments: &[&str], folder: &Path) -> Result<Serving> {
        self.serve_with(arguments, folder, &Settings::new())
    }

    fn serve_with(&self, arguments: &[&str], folder: &Path, settings: &Settings) -> Result<Serving> {
        let (grpc, observe, door) = (free_port()?, free_port()?, free_port()?);
        // Several programs may serve one install.
        let log = folder.join(format!("serve-{grpc}.log"));
        let began = Instant::now();
        let process = Process::start(&self.program, &log, |command| {
            let here = |port: u16| format!("127.0.0.1:{port}");
            command.arg("serve").args(arguments).envs(settings);
            command.env("LINJU__LISTEN", here(grpc)).env("LINJU__OBSERVE", here(observe));
            command.env("LINJU__SERVICE__GATEWAY__LISTEN", here(door));
        })?;
        let mut serving = Serving { process, grpc, door, ready_after: Duration::ZERO };
        while !is_ready(observe) {
            if began.elapsed() > Duration::from_secs(30) || serving.process.ended()?.is_some() {
                bail!("the program did not get ready: {}", fs::read_to_string(log)?);
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
    settings: Settings,
}

impl Install<'_> {
    /// Sets a setting of whatever is started from now on, named as in the configuration file: `shutdown.deadline_s`.
    #[expect(clippy::needless_pass_by_value, reason = "callers give text, numbers and paths as they have them")]
    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        let name = format!("LINJU__{}", name.replace('.', "__").to_ascii_uppercase());
        self.settings.insert(name, value.to_string());
    }

    /// Where its keys and logs are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command of the program to its end; what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.ground.program);
        command.args(arguments).arg("--json").arg("--config").arg(self.config()).envs(&self.settings);
        let output = command.output()?;
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
        self.ground.serve_with(&[services, &["--config", config]].concat(), &self.folder, &self.settings)
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

    /// A token of somebody with a role in an area; none: everywhere.
    pub(crate) fn token(&self, role: Role, area: Option<&str>) -> Result<String> {
        let key = SigningKey::from_file(&self.folder.join("token.key.pem"))?;
        let grant = Grant::new(role, area.map(|area| area.parse().map(|area| vec![area])).transpose()?);
        let principal = Principal { subject: "bench".to_owned(), on_behalf: None, grants: vec![grant] };
        Ok(TokenSigner::new(&key, Clock::system()).sign(&principal, TimeDelta::hours(12))?)
    }

    /// Calls a method of a running service as somebody who manages every community.
    pub(crate) async fn caller(&self, serving: &Serving, path: &'static str) -> Result<Caller> {
        Caller::connect(serving.grpc, path, Some(&self.token(Role::CommunityManager, None)?)).await
    }

    fn config(&self) -> PathBuf {
        self.folder.join("linju.toml")
    }
}

/// A running program; asked to stop with the value.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) process: Process,
    /// The ports of gRPC and, where it serves the gateway, of the door.
    pub(crate) grpc: u16,
    pub(crate) door: u16,
    /// From the start of the process until it told that it is ready.
    pub(crate) ready_after: Duration,
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
