//! Chains what was recorded.

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, IntoIden, IntoValueTuple, Query, TableRef, ValueTuple},
};

use super::{
    chain::Head,
    store::{Column, Entity, head},
};
use crate::data::{Db, Tx};

/// Entries sealed by one transaction.
const BATCH: u64 = 500;

/// Seals every entry that is not, in the order of ids, and says how many. Of several copies that do it at once, one works
/// while the others wait.
pub async fn seal_pending(db: &Db) -> Result<u64, DbErr> {
    let mut sealed = 0;
    // Asked before writing, so that an idle service takes no write lock.
    while Entity::find().filter(Column::Seq.is_null()).one(db.read()).await?.is_some() {
        sealed += db.write(|tx| Box::pin(seal_batch(tx))).await?;
    }
    Ok(sealed)
}

async fn seal_batch(tx: &Tx) -> Result<u64, DbErr> {
    let mut head = read_head(head::Entity::find_by_id(head::ONLY).lock_exclusive().one(tx).await?)?;
    let pending = Entity::find().filter(Column::Seq.is_null()).order_by_asc(Column::Id).limit(BATCH).all(tx).await?;
    if pending.is_empty() {
        return Ok(0);
    }
    let mut rows = Vec::with_capacity(pending.len());
    for entry in &pending {
        let next = head.after(entry);
        rows.push((entry.id, next.seq, head.hash.to_vec(), next.hash.to_vec()).into_value_tuple());
        head = next;
    }
    tx.execute(&chain(rows)).await?;
    let end = head::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(head::ONLY),
        seq: sea_orm::ActiveValue::Set(head.seq),
        hash: sea_orm::ActiveValue::Set(head.hash.to_vec()),
    };
    head::Entity::update(end).exec(tx).await?;
    Ok(pending.len() as u64)
}

/// One statement for the whole batch: id, number, previous hash and hash are the columns 1 to 4 of a list of values.
fn chain(rows: Vec<ValueTuple>) -> sea_orm::sea_query::UpdateStatement {
    let of = |column: &'static str| Expr::col(("v", column));
    Query::update()
        .table("audit")
        .from(TableRef::ValuesList(rows, "v".into_iden()))
        .values([("seq", of("column2")), ("prev", of("column3")), ("hash", of("column4"))])
        .and_where(Expr::col(("audit", "id")).equals(("v", "column1")))
        .to_owned()
}

/// The head as it stands in its row.
pub(super) fn read_head(row: Option<head::Model>) -> Result<Head, DbErr> {
    let damaged = || DbErr::Custom("the row of audit_head is missing or damaged".to_owned());
    let head::Model { id: _, seq, hash } = row.ok_or_else(damaged)?;
    Ok(Head { seq, hash: hash.try_into().map_err(|_| damaged())? })
}
