//! One install: its folder, its settings, and its command line.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use test_servers::{Cluster, Database, Nats, Postgres};

use super::{Serving, binary::linju};

/// An install in a folder of its own. Settings go to the program through its environment.
pub(crate) struct Install {
    folder: TempDir,
    settings: BTreeMap<String, String>,
    logs: AtomicU32,
    databases: Option<Postgreses>,
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// The one JSON object of `--json`.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON: {self:?}"))
    }
}

impl Install {
    /// SQLite files and the event log, nothing else.
    pub(crate) fn embedded() -> Result<Self> {
        let install =
            Self { folder: tempfile::tempdir()?, settings: BTreeMap::new(), logs: AtomicU32::new(0), databases: None };
        let data = install.data();
        let install = install
            .with("data_dir", data.display())
            .with("listen", "127.0.0.1:0")
            .with("observe", "127.0.0.1:0")
            .with("service.gateway.listen", "127.0.0.1:0")
            .with("service.gateway.identity.hash_memory_kib", 64)
            .with("telemetry.format", "json")
            // A process that dies in a test is to be missed soon.
            .with("bus.relay.lease_s", 1)
            .with("bus.consumers.ack_wait_s", 2);
        Ok(install)
    }

    /// Postgres and NATS, with new keys and empty, migrated databases.
    pub(crate) fn stack(cluster: &Cluster, nats: &Nats) -> Result<Self> {
        let install = Self::unmigrated(cluster, nats.url())?;
        for command in [&["keys", "new"][..], &["migrate"]] {
            let done = install.run(command)?;
            ensure!(done.code == Some(0), "{command:?}: {done:?}");
        }
        Ok(install)
    }

    /// The same before `linju keys new` and `linju migrate`.
    pub(crate) fn unmigrated(cluster: &Cluster, nats: &str) -> Result<Self> {
        let databases = Postgreses::create(cluster)?;
        let mut install = Self::embedded()?
            .with("database.url", databases.url())
            .with("bus.nats.url", nats)
            .with("bus.nats.request_ms", 2_000)
            .with("bus.nats.ping_ms", 500);
        install.databases = Some(databases);
        Ok(install)
    }

    /// On the cluster that all tests share.
    pub(crate) fn shared_stack(nats: &Nats) -> Result<Self> {
        Self::stack(Postgres::shared()?, nats)
    }

    /// Sets a setting, named as in the configuration file: `shutdown.deadline_s`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers give text, numbers and addresses as they have them")]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.insert(format!("LINJU__{}", name.replace('.', "__").to_ascii_uppercase()), value.to_string());
        self
    }

    /// Its folder; the data lie in `data` below.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.databases.is_none()
    }

    pub(super) fn database_url(&self, service: &str) -> String {
        match &self.databases {
            Some(databases) => databases.url().replace("{service}", service),
            None => format!("sqlite:{}?mode=ro", self.data().join(format!("{service}.db")).display()),
        }
    }

    pub(super) fn nats_url(&self) -> Option<&str> {
        self.settings.get("LINJU__BUS__NATS__URL").map(String::as_str)
    }

    /// The program with this install's settings and no others.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(linju()?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LINJU")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(&self.settings).current_dir(self.folder()).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Done> {
        let output = self.command(arguments)?.output()?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Done { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub(crate) fn told(&self, arguments: &[&str]) -> Result<Value> {
        let done = self.run(&[&["--json"], arguments].concat())?;
        ensure!(done.code == Some(0), "{arguments:?}: {done:?}");
        done.json()
    }

    /// Runs `linju import … FILE`, with whatever code it ends.
    pub(crate) fn import(&self, what: &str, file: &Path, more: &[&str]) -> Result<(Option<i32>, Value)> {
        let file = file.to_str().context("a path in UTF-8")?;
        let done = self.run(&[&["--json", "import", what, file], more].concat())?;
        Ok((done.code, done.json()?))
    }

    /// Areas and the first 800 rows of the survey.
    pub(crate) fn settle(&self) -> Result<()> {
        let (code, answer) = self.import("areas", &super::areas(), &[])?;
        ensure!(code == Some(0), "{answer}");
        let report = self.folder().join("report.csv");
        let report = report.to_str().context("a path in UTF-8")?;
        let (code, answer) = self.import("survey", &super::survey("survey_dengke_800.xlsx"), &["--report", report])?;
        ensure!(code == Some(3), "some rows are dirty: {answer}");
        Ok(())
    }

    /// Starts `linju serve SERVICE…`, with more in its environment, and waits until it serves.
    pub(crate) async fn serve(&self, services: &[&str], environment: &[(&str, &str)]) -> Result<Serving> {
        let log = self.next_log();
        let mut command = self.command(&["serve"])?;
        command.args(services).envs(environment.iter().copied());
        command.stdout(Stdio::null()).stderr(File::create(&log)?);
        Serving::start(command, log).await
    }

    fn next_log(&self) -> PathBuf {
        self.folder().join(format!("log-{}", self.logs.fetch_add(1, Ordering::Relaxed)))
    }

    /// Everything that all processes of this install have logged.
    pub(crate) fn logs(&self) -> Result<String> {
        let logs = (0..self.logs.load(Ordering::Relaxed)).map(|n| self.folder().join(format!("log-{n}")));
        logs.map(|log| Ok(std::fs::read_to_string(log)?)).collect()
    }
}

/// One database a service, as the program wants it; dropped with the value.
pub(crate) struct Postgreses {
    cluster: Cluster,
    /// Gives the name that the others begin with.
    base: Database,
}

impl Postgreses {
    fn create(cluster: &Cluster) -> Result<Self> {
        let base = cluster.create_database()?;
        for service in super::rows::SERVICES {
            cluster.run(&format!("CREATE DATABASE \"{}_{service}\" TEMPLATE template0", base.name()))?;
        }
        Ok(Self { cluster: cluster.clone(), base })
    }

    fn url(&self) -> String {
        format!("{}_{{service}}", self.base.url())
    }
}

impl Drop for Postgreses {
    fn drop(&mut self) {
        for service in super::rows::SERVICES {
            // The server may have been stopped; then its folder goes as a whole.
            let name = self.base.name();
            let _ = self.cluster.run(&format!("DROP DATABASE IF EXISTS \"{name}_{service}\" WITH (FORCE)"));
        }
    }
}
