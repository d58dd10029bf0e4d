//! Requests that were answered before: the same `request_id` and content again changes nothing and gets the same resource.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QuerySelect, entity::prelude::*};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, schema as s};
use uuid::Uuid;

use super::{BlindIndex, Clock, Db, Tx};
use crate::Fault;

/// One row of `requests`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "requests")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub caller: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub method: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    /// Keyed hash of the content, so that the table gives no personal data away.
    pub content: BlindIndex,
    pub resource: Uuid,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Names one request of one caller.
#[derive(Clone, Debug)]
pub struct RequestKey {
    pub caller: String,
    pub method: &'static str,
    pub request_id: Uuid,
    pub content: BlindIndex,
}

impl RequestKey {
    /// Notes, in the same transaction, that this request made `resource`. A second writer of the same key breaks the
    /// primary key at its commit and then asks [`find`](Self::find).
    pub fn note(&self, tx: &Tx, resource: Uuid, at: DateTime<Utc>) {
        let Self { caller, method, request_id, content } = self.clone();
        tx.append(ActiveModel {
            caller: Set(caller),
            method: Set(method.to_owned()),
            request_id: Set(request_id),
            content: Set(content),
            resource: Set(resource),
            at: Set(at),
        });
    }

    /// What the request made when it came before; refused where it had another content.
    pub async fn find(&self, connection: &impl ConnectionTrait) -> Result<Option<Uuid>, Fault> {
        let key = (self.caller.clone(), self.method.to_owned(), self.request_id);
        match Entity::find_by_id(key).one(connection).await? {
            None => Ok(None),
            Some(row) if row.content == self.content => Ok(Some(row.resource)),
            Some(_) => Err(Fault::RequestIdReused),
        }
    }
}

/// How long an answered request is remembered: the same `request_id` later than this makes something new.
const KEPT: TimeDelta = TimeDelta::days(30);
const PRUNED_AT_ONCE: u64 = 1_000;

/// Forgets requests that were answered longer ago than 30 days, some at a time; says how many.
pub async fn prune_requests(db: &Db, clock: &Clock) -> Result<u64, DbErr> {
    let before = clock.now() - KEPT;
    let old = Entity::find().filter(Column::At.lt(before)).limit(PRUNED_AT_ONCE).all(db.read()).await?;
    let count = old.len() as u64;
    if count > 0 {
        db.write::<_, DbErr, _>(move |tx| {
            let old = old.clone();
            Box::pin(async move {
                for row in old {
                    row.delete(tx).await?;
                }
                Ok(())
            })
        })
        .await?;
    }
    Ok(count)
}

struct Requests;

/// Makes the table of answered requests. A service lists it before its own migrations.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(Requests)
}

impl MigrationName for Requests {
    fn name(&self) -> &'static str {
        "chassis_requests"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Requests {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let key = sea_orm::sea_query::Index::create().col("caller").col("method").col("request_id").to_owned();
        let table = sea_orm::sea_query::Table::create()
            .table("requests")
            .col(s::text("caller"))
            .col(s::text("method"))
            .col(s::uuid("request_id"))
            .col(s::blob("content"))
            .col(s::uuid("resource"))
            .col(s::timestamp_with_time_zone("at"))
            .primary_key(&mut key.clone())
            .to_owned();
        manager.create_table(table).await?;
        let by_time = sea_orm::sea_query::Index::create().name("requests_at").table("requests").col("at").to_owned();
        manager.create_index(by_time).await
    }
}
