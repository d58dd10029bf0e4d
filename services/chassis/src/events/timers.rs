//! What must happen later: rows written with what asked for them, so that no restart forgets them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{
    entity::prelude::*,
    sea_query::{OnConflict, Query},
};

use super::HandlerError;
use crate::data::{Clock, Tx};

/// One row of `timers`. It goes when it has fired; one that failed for good stays, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub due_at: DateTime<Utc>,
    pub kind: String,
    pub key: String,
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub lease_owner: Option<String>,
    /// Until then no other takes it; after a failure, and without an owner, the earliest time of the next try.
    pub lease_until: Option<DateTime<Utc>>,
    pub attempts: i32,
    pub failed_at: Option<DateTime<Utc>>,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What is to happen when. There is one of a kind and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Chooses the handler, for example `incidents.answer_due`.
    pub kind: String,
    /// What it is about.
    pub key: String,
    pub due_at: DateTime<Utc>,
    /// For the handler; JSON by custom, and no personal data.
    pub payload: String,
}

impl From<Model> for Timer {
    fn from(row: Model) -> Self {
        Self { kind: row.kind, key: row.key, due_at: row.due_at, payload: row.payload }
    }
}

/// Does what a timer of one kind was set for.
#[async_trait]
pub trait TimerHandler: Send + Sync + 'static {
    /// Works in `tx`, in which the timer is already gone: it may set itself again. Its only effects are rows; several timers
    /// may share one transaction, and all of it may be run again.
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError>;
}

/// Sets a timer with the commit of `tx`; one of the same kind and key is replaced.
pub async fn set(tx: &Tx, timer: &Timer) -> Result<(), DbErr> {
    let Timer { kind, key, due_at, payload } = timer.clone();
    let again = OnConflict::columns([Column::Kind, Column::Key])
        .update_columns([Column::DueAt, Column::Payload])
        .value(Column::Attempts, 0)
        .value(Column::LeaseOwner, Option::<String>::None)
        .value(Column::LeaseUntil, Option::<DateTime<Utc>>::None)
        .value(Column::FailedAt, Option::<DateTime<Utc>>::None)
        .value(Column::Error, Option::<String>::None)
        .to_owned();
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::Kind, Column::Key, Column::DueAt, Column::Payload])
        .values_panic([kind.into(), key.into(), due_at.into(), payload.into()])
        .on_conflict(again)
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

/// Takes a timer back with the commit of `tx`; false where there is none, for it has fired or was never set.
pub async fn cancel(tx: &Tx, kind: &str, key: &str) -> Result<bool, DbErr> {
    let delete = Entity::delete_many().filter(Column::Kind.eq(kind)).filter(Column::Key.eq(key));
    Ok(delete.exec(tx).await?.rows_affected > 0)
}

/// How many timers are due and have not fired; for metrics.
pub async fn overdue(db: &impl ConnectionTrait, clock: &Clock) -> Result<u64, DbErr> {
    let due = Entity::find().filter(Column::DueAt.lte(clock.now())).filter(Column::FailedAt.is_null());
    due.count(db).await
}
