//! The tables of the log.

use sea_orm::{ConnectionTrait, DbErr, Statement, entity::prelude::*};

use crate::{
    data::{Db, Tx},
    events::Event,
};

/// `PRAGMA user_version` of a file with these tables.
const VERSION: i64 = 1;

/// `pending` holds what a consumer was given and has not done with; `visible_at` (microseconds) says when it comes again.
/// What lies behind `cursor` and is not pending is done.
const TABLES: &str = "
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL,
    at TEXT NOT NULL,
    trace TEXT,
    data TEXT NOT NULL,
    kept_at INTEGER NOT NULL
);
CREATE TABLE consumer (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, subjects TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (
    consumer TEXT NOT NULL,
    seq INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    PRIMARY KEY (consumer, seq)
) WITHOUT ROWID;
CREATE INDEX pending_visible ON pending (consumer, visible_at);
CREATE INDEX pending_seq ON pending (seq);
CREATE TABLE parked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    consumer TEXT NOT NULL,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    parked_at TEXT NOT NULL,
    UNIQUE (consumer, seq)
);
CREATE INDEX parked_seq ON parked (seq);
";

/// Makes the tables in a new file; the error is the version of a file that a newer program has written.
pub(super) async fn prepare(db: &Db) -> Result<Result<(), i64>, DbErr> {
    db.write(|tx: &Tx| {
        Box::pin(async move {
            match version(tx).await? {
                0 => {
                    tx.execute_unprepared(TABLES).await?;
                    tx.execute_unprepared(&format!("PRAGMA user_version = {VERSION}")).await?;
                    Ok(Ok(()))
                }
                VERSION => Ok(Ok(())),
                other => Ok(Err(other)),
            }
        })
    })
    .await
}

async fn version(tx: &Tx) -> Result<i64, DbErr> {
    let statement = Statement::from_string(tx.get_database_backend(), "PRAGMA user_version");
    match tx.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(0),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub id: Uuid,
    pub kind: String,
    pub source: String,
    pub subject: String,
    pub key: Uuid,
    pub version: i64,
    pub at: DateTimeUtc,
    pub trace: Option<String>,
    pub data: String,
    /// Microseconds since 1970.
    pub kept_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Event {
    fn from(row: Model) -> Self {
        let Model { seq: _, id, kind, source, subject, key, version, at, trace, data, kept_at: _ } = row;
        Self { id, kind, source, subject, key, version, at, trace, data }
    }
}
