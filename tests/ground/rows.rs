//! What lies in the databases, seen past the program.

use anyhow::{Context as _, Result};
use chassis::sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

use super::Install;

/// The services, each with a database.
pub(super) const SERVICES: [&str; 4] = ["residents", "incidents", "volunteers", "gateway"];

impl Install {
    async fn database(&self, service: &str) -> Result<DatabaseConnection> {
        let mut options = ConnectOptions::new(self.database_url(service));
        options.max_connections(1).sqlx_logging(false);
        Ok(Database::connect(options).await?)
    }

    /// One number out of a service's database.
    pub(crate) async fn number(&self, service: &str, sql: &str) -> Result<i64> {
        let db = self.database(service).await?;
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        let number = row.context("a row")?.try_get_by_index(0);
        db.close().await?;
        Ok(number?)
    }

    /// How many rows: `count("incidents", "timeline WHERE kind = 'closed'")`.
    pub(crate) async fn count(&self, service: &str, rows: &str) -> Result<i64> {
        self.number(service, &format!("SELECT count(*) FROM {rows}")).await
    }

    /// One column of text.
    pub(crate) async fn texts(&self, service: &str, sql: &str) -> Result<Vec<String>> {
        let db = self.database(service).await?;
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        db.close().await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    async fn tables(&self, service: &str) -> Result<Vec<String>> {
        let sql = if self.is_embedded() {
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        } else {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        };
        self.texts(service, sql).await
    }

    /// How many rows every table has; what the relay and the sealer do in the background leaves it as it is.
    pub(crate) async fn sizes(&self) -> Result<Vec<(String, i64)>> {
        let mut sizes = Vec::new();
        for service in SERVICES {
            for table in self.tables(service).await? {
                let name = format!("{service}.{table}");
                let known = ["lease", "inbox_versions", "inbox"].contains(&table.as_str());
                if !known {
                    sizes.push((name, self.count(service, &table).await?));
                }
            }
        }
        Ok(sizes)
    }

    /// Everything a service's database holds, as whoever steals it would find it: the files, or each row as text with its
    /// bytes in hexadecimal digits.
    pub(crate) async fn contents(&self, service: &str) -> Result<Vec<u8>> {
        if self.is_embedded() {
            let file = self.data().join(format!("{service}.db"));
            let mut bytes = std::fs::read(&file)?;
            bytes.extend(std::fs::read(file.with_extension("db-wal")).unwrap_or_default());
            return Ok(bytes);
        }
        let mut text = String::new();
        for table in self.tables(service).await? {
            text.extend(self.texts(service, &format!("SELECT t::text FROM \"{table}\" t")).await?);
        }
        Ok(text.into_bytes())
    }

    /// Whether every event of every outbox was published.
    pub(crate) async fn is_drained(&self) -> Result<bool> {
        for service in SERVICES {
            if self.count(service, "outbox WHERE published_at IS NULL").await? > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The ids of all events that were ever written, sorted.
    pub(crate) async fn outbox_ids(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for service in SERVICES {
            let sql =
                if self.is_embedded() { "SELECT lower(hex(id)) FROM outbox" } else { "SELECT id::text FROM outbox" };
            ids.extend(self.texts(service, sql).await?.into_iter().map(|id| id.replace('-', "")));
        }
        ids.sort_unstable();
        Ok(ids)
    }
}
