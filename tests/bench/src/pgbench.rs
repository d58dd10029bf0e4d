//! Postgres' own load generator: what the database alone gives for the same statements.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::ground::Ground;

/// Clients of every comparison, on both sides.
pub(crate) const CLIENTS: usize = 32;

/// pgbench on one database, over TCP as the services connect.
#[derive(Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    url: String,
    folder: PathBuf,
}

/// Statements of one transaction, with `:name` for each variable.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) variables: Vec<(String, String)>,
}

impl Pgbench {
    pub(crate) fn new(ground: &Ground, url: &str) -> Self {
        let program = ground.postgres().bin().join("pgbench");
        Self { program, url: url.to_owned(), folder: ground.folder().to_owned() }
    }

    /// Makes the tables of the built-in scripts.
    pub(crate) fn fill(&self, scale: u32) -> Result<()> {
        self.output(Command::new(&self.program).args(["-i", "-q", "-s", &scale.to_string(), &self.url])).map(drop)
    }

    /// Transactions per second of a built-in script.
    pub(crate) fn built_in(&self, name: &str, time: Duration) -> Result<f64> {
        self.rate(&["-n".to_owned(), "-b".to_owned(), name.to_owned()], time)
    }

    /// Transactions per second of scripts, one of which is chosen at random each time.
    pub(crate) fn run(&self, scripts: &[Script], time: Duration) -> Result<f64> {
        let mut arguments = vec!["-n".to_owned()];
        for (i, Script { text, variables }) in scripts.iter().enumerate() {
            let file = self.folder.join(format!("script{i}.sql"));
            fs::write(&file, text)?;
            arguments.extend(["-f".to_owned(), path(&file)]);
            for (name, value) in variables {
                arguments.extend(["-D".to_owned(), format!("{name}={value}")]);
            }
        }
        self.rate(&arguments, time)
    }

    fn rate(&self, arguments: &[String], time: Duration) -> Result<f64> {
        let mut command = Command::new(&self.program);
        command.args(["-M", "prepared", "-j", "2", "-c", &CLIENTS.to_string()]);
        command.args(["-T", &time.as_secs().max(1).to_string()]).args(arguments).arg(&self.url);
        let told = self.output(&mut command)?;
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench told no rate: {told}"))
    }

    fn output(&self, command: &mut Command) -> Result<String> {
        let output = command.output().with_context(|| format!("cannot start {}", self.program.display()))?;
        if !output.status.success() {
            bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn path(file: &Path) -> String {
    file.display().to_string()
}
