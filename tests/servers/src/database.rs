//! Databases of one test each, inside a running cluster.

use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

/// A running Postgres in which tests make databases of their own.
#[derive(Clone, Debug)]
pub struct Cluster {
    url: String,
    psql: PathBuf,
}

impl Cluster {
    /// `url` is that of any database of the cluster whose role may create others.
    pub(crate) fn new(url: String, psql: PathBuf) -> Self {
        Self { url, psql }
    }

    /// The URL of the maintenance database, `postgres`. Tests put nothing in there.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An empty database with a name of its own.
    pub fn create_database(&self) -> Result<Database> {
        self.database_from("template0")
    }

    /// A copy of another database of this cluster, to which nobody may be connected at that moment. Cheaper than
    /// running the same migrations again for every test.
    pub fn database_from(&self, template: &str) -> Result<Database> {
        let name = unique_name();
        self.run(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\""))?;
        let url = with_database(&self.url, &name);
        Ok(Database { cluster: self.clone(), name, url })
    }

    /// Runs one statement in the maintenance database and answers what `psql` printed, unaligned, without headings.
    pub fn run(&self, sql: &str) -> Result<String> {
        psql(&self.psql, &self.url, sql)
    }
}

/// A database that is dropped, with whoever is still connected to it, when the value is.
#[derive(Debug)]
pub struct Database {
    cluster: Cluster,
    name: String,
    url: String,
}

impl Database {
    /// `postgres://linju@127.0.0.1:PORT/NAME`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name, for [`Cluster::database_from`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in this database and answers what `psql` printed, unaligned, without headings.
    pub fn run(&self, sql: &str) -> Result<String> {
        psql(&self.cluster.psql, &self.url, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test may have stopped the server; then the folder goes as a whole.
        let _ = self.cluster.run(&format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name));
    }
}

fn psql(program: &PathBuf, url: &str, sql: &str) -> Result<String> {
    let output = Command::new(program)
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname", url])
        .args(["--command", sql])
        .env("PGCONNECT_TIMEOUT", "10") // a paused server accepts and never answers
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("psql failed on `{sql}`: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Unique also between processes that share one cluster.
fn unique_name() -> String {
    static STARTED: LazyLock<u128> =
        LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros()));
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("t{:x}_{}_{}", *STARTED, process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(address, rest)| (address, Some(rest)));
    let scheme_end = address.find("://").map_or(0, |at| at + 3);
    let server_end = address[scheme_end..].find('/').map_or(address.len(), |at| scheme_end + at);
    let server = &address[..server_end];
    match parameters {
        Some(parameters) => format!("{server}/{name}?{parameters}"),
        None => format!("{server}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_in_a_url_changes() {
        assert_eq!(with_database("postgres://u@h:1/postgres", "t"), "postgres://u@h:1/t");
        assert_eq!(with_database("postgres://u:p@h:1", "t"), "postgres://u:p@h:1/t");
        assert_eq!(with_database("postgres://h/a?sslmode=disable", "t"), "postgres://h/t?sslmode=disable");
    }
}
