//! Events on their way out, committed together with what they tell of.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    QueryOrder, QuerySelect,
    entity::prelude::*,
};
use tokio::sync::Notify;

use super::Event;
use crate::data::{Clock, Tx};

/// One row of `outbox`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// Grows with every row. Given before the commit, so a higher one may be seen first; but of one key a later version is
    /// only written once the earlier one is committed, so that the order of positions is the order of versions.
    #[sea_orm(primary_key)]
    pub position: i64,
    #[sea_orm(unique)]
    pub id: Uuid,
    pub kind: String,
    pub source: String,
    pub subject: String,
    pub key: Uuid,
    pub version: i64,
    pub at: DateTime<Utc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub trace: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub data: String,
    pub published_at: Option<DateTime<Utc>>,
    /// Why no bus would take it (too large, for example); it is left out so that others go on.
    #[sea_orm(column_type = "Text", nullable)]
    pub refused: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Event {
    fn from(row: Model) -> Self {
        let Model {
            position: _,
            id,
            kind,
            source,
            subject,
            key,
            version,
            at,
            trace,
            data,
            published_at: _,
            refused: _,
        } = row;
        Self { id, kind, source, subject, key, version, at, trace, data }
    }
}

/// Takes a service's events. Its clones are one outbox: the relay that holds one is woken by whoever holds another.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    pub(super) written: Arc<Notify>,
}

impl Outbox {
    /// Writes the event with the commit of `tx` and wakes the relay after it.
    pub fn add(&self, tx: &Tx, event: Event) {
        let Event { id, kind, source, subject, key, version, at, trace, data } = event;
        tx.append(ActiveModel {
            position: NotSet,
            id: Set(id),
            kind: Set(kind),
            source: Set(source),
            subject: Set(subject),
            key: Set(key),
            version: Set(version),
            at: Set(at),
            trace: Set(trace),
            data: Set(data),
            published_at: NotSet,
            refused: NotSet,
        });
        tx.wake(&self.written);
    }
}

/// What waits in the outbox; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxState {
    pub unpublished: u64,
    /// How long the first of them has waited; zero where none waits.
    pub oldest_age: Duration,
    /// Events that cannot be published; somebody must look at them.
    pub refused: u64,
}

impl OutboxState {
    /// Reads it.
    pub async fn read(db: &impl ConnectionTrait, clock: &Clock) -> Result<Self, DbErr> {
        let waiting = waiting();
        let unpublished = waiting.clone().count(db).await?;
        let first = waiting.order_by_asc(Column::Position).limit(1).one(db).await?;
        let oldest_age =
            first.map_or(Duration::ZERO, |row| (clock.now() - written_at(&row)).to_std().unwrap_or_default());
        let refused = Entity::find().filter(Column::PublishedAt.is_null()).filter(Column::Refused.is_not_null());
        Ok(Self { unpublished, oldest_age, refused: refused.count(db).await? })
    }
}

/// What is to be published.
pub(super) fn waiting() -> Select<Entity> {
    Entity::find().filter(Column::PublishedAt.is_null()).filter(Column::Refused.is_null())
}

/// From the id, which holds its time (UUID version 7): `at` lies years back in an event about something old that was imported today.
fn written_at(row: &Model) -> DateTime<Utc> {
    let of_id = row.id.get_timestamp().map(|t| t.to_unix());
    of_id.and_then(|(seconds, nanos)| DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)).unwrap_or(row.at)
}
