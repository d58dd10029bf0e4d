//! What went over the bus, seen past the program.

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use chassis::sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, Statement};

use super::Install;

/// One event as it is kept on the bus.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Hexadecimal digits without hyphens.
    pub(crate) id: String,
    pub(crate) subject: String,
    /// All headers or attributes, as text; printed with the rest.
    pub(crate) head: String,
    pub(crate) data: String,
}

impl Install {
    /// All events that the bus keeps, in order.
    pub(crate) async fn events(&self) -> Result<Vec<Told>> {
        match self.nats_url() {
            Some(url) => of_stream(url).await,
            None => self.of_log().await,
        }
    }

    async fn of_log(&self) -> Result<Vec<Told>> {
        let url = format!("sqlite:{}?mode=ro", self.data().join("events.db").display());
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await?;
        let sql = "SELECT lower(hex(id)), subject, kind || ' ' || source || ' ' || coalesce(trace, ''), data FROM event ORDER BY seq";
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
        db.close().await?;
        let told = |row: &chassis::sea_orm::QueryResult| {
            Ok(Told {
                id: row.try_get_by_index(0)?,
                subject: row.try_get_by_index(1)?,
                head: row.try_get_by_index(2)?,
                data: row.try_get_by_index(3)?,
            })
        };
        rows.iter().map(told).collect()
    }
}

async fn of_stream(url: &str) -> Result<Vec<Told>> {
    let context = jetstream::new(async_nats::connect(url).await?);
    let mut stream = context.get_stream("LINJU_EVENTS").await?;
    let state = stream.info().await?.state.clone();
    let mut told = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        // Nothing is ever deleted from it but by age.
        let message = stream.get_raw_message(sequence).await?;
        let id = message.headers.get("ce-id").context("an event has an id")?.as_str().replace('-', "");
        told.push(Told {
            id,
            subject: message.subject.to_string(),
            head: format!("{:?}", message.headers),
            data: String::from_utf8(message.payload.to_vec())?,
        });
    }
    Ok(told)
}
