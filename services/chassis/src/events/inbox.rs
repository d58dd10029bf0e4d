//! What each consumer has handled, so that what comes twice works once.

#![expect(unreachable_pub, reason = "the derives of an entity want its types public")]

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, ExprTrait,
    entity::prelude::*,
    sea_query::{Func, OnConflict, Order, Query},
};

use super::Event;
use crate::data::Tx;

/// One row of `inbox`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Rows of `inbox_versions`: the newest version of a key that a consumer has handled.
pub(super) mod versions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "inbox_versions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: Uuid,
        pub version: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Notes the events as handled, if `tx` commits; answers the ids that were not noted before.
pub(super) async fn note(tx: &Tx, consumer: &str, events: &[Event], at: DateTime<Utc>) -> Result<HashSet<Uuid>, DbErr> {
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Consumer, Column::EventId, Column::At])
        .on_conflict(OnConflict::columns([Column::Consumer, Column::EventId]).do_nothing().to_owned())
        .returning_col(Column::EventId);
    if tx.get_database_backend() == DbBackend::Postgres {
        // As one parameter: batches of any size are the same prepared statement.
        let list = events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>().join(",");
        let ids = Func::cust("unnest").arg(Expr::cust_with_values("string_to_array($1, ',')::uuid[]", [list]));
        let rows = Query::select()
            .expr(Expr::val(consumer))
            .expr(Expr::col("id"))
            .expr(Expr::val(at))
            .from_function(ids, "id")
            .to_owned();
        insert.select_from(rows).map_err(|e| DbErr::Custom(e.to_string()))?;
    } else {
        for event in events {
            insert.values_panic([consumer.into(), event.id.into(), at.into()]);
        }
    }
    tx.query_all(&insert).await?.into_iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Notes the event's version; false where a later one of its key was handled before. Two events of one change have one
/// version, and neither is older than the other.
pub(super) async fn is_newest(tx: &Tx, consumer: &str, event: &Event) -> Result<bool, DbErr> {
    use versions::{Column, Entity};
    let seen = Expr::col((Entity, Column::Version));
    let newer = OnConflict::columns([Column::Consumer, Column::Key])
        .update_column(Column::Version)
        .action_and_where(seen.lte(event.version))
        .to_owned();
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::Consumer, Column::Key, Column::Version])
        .values_panic([consumer.into(), event.key.into(), event.version.into()])
        .on_conflict(newer)
        .to_owned();
    Ok(tx.execute(&insert).await?.rows_affected() == 1)
}

/// Deletes what was handled before `cutoff` among the oldest `most` rows of a consumer; how many. Event ids grow with
/// time (UUID version 7), and so does the primary key.
pub(super) async fn prune(tx: &Tx, consumer: &str, cutoff: DateTime<Utc>, most: u64) -> Result<u64, DbErr> {
    let oldest = Query::select()
        .column(Column::EventId)
        .from(Entity)
        .and_where(Column::Consumer.eq(consumer))
        .order_by(Column::EventId, Order::Asc)
        .limit(most)
        .to_owned();
    let old = Entity::delete_many()
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::EventId.in_subquery(oldest))
        .filter(Column::At.lt(cutoff));
    Ok(old.exec(tx).await?.rows_affected)
}
