//! Sealing a whole column anew after a rotation, while the service runs.

use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, FromQueryResult, Order,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::{
    keyring::Keyring,
    sealed::{Place, Sealed},
};
use crate::data::Db;

/// Rows read, sealed and written at once.
const BATCH: u64 = 500;

/// A column of sealed values in a table whose key is a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// The key, mostly `id`.
    pub id_column: &'static str,
}

impl SealedColumn {
    /// The place of this column's value in one row.
    pub fn at(self, row: Uuid) -> Place {
        Place { table: self.table, column: self.column, row }
    }
}

/// How far it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResealProgress {
    /// Values looked at.
    pub seen: u64,
    /// Of these, values that now have the current key and had another.
    pub resealed: u64,
    /// Of these, values that do not open; they stay as they were, and the log names their rows.
    pub unreadable: u64,
    /// The last row looked at: where to go on from.
    pub last: Option<Uuid>,
}

/// Seals every value of `column` that has not the current key. It goes through the table by id, from after `after` on, a
/// batch to a transaction, and tells `progress` after each. Whoever stops it starts again where it was or from the start:
/// what is done already is passed over. A value that the service changes meanwhile is left to the service.
pub async fn reseal_column(
    db: &Db,
    keyring: &Keyring,
    column: SealedColumn,
    after: Option<Uuid>,
    mut progress: impl FnMut(&ResealProgress) + Send,
) -> Result<ResealProgress, DbErr> {
    let mut so_far = ResealProgress { last: after, ..ResealProgress::default() };
    loop {
        let rows = batch(db, column, so_far.last).await?;
        let is_last = u64::try_from(rows.len()).is_ok_and(|n| n < BATCH);
        let mut changed = Vec::new();
        for Row { id, value } in rows {
            let old = Sealed::of_bytes(value);
            match keyring.reseal(column.at(id), &old) {
                Ok(Some(new)) => changed.push((id, old, new)),
                Ok(None) => {}
                Err(error) => {
                    so_far.unreadable += 1;
                    tracing::warn!(table = column.table, column = column.column, row = %id, %error, "cannot be resealed");
                }
            }
            so_far.seen += 1;
            so_far.last = Some(id);
        }
        so_far.resealed += write(db, column, changed).await?;
        progress(&so_far);
        if is_last {
            return Ok(so_far);
        }
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    value: Vec<u8>,
}

async fn batch(db: &Db, column: SealedColumn, after: Option<Uuid>) -> Result<Vec<Row>, DbErr> {
    let SealedColumn { table, column, id_column } = column;
    let query = Query::select()
        .expr_as(Expr::col(id_column), "id")
        .expr_as(Expr::col(column), "value")
        .from(table)
        .and_where(Expr::col(column).is_not_null())
        .and_where_option(after.map(|id| Expr::col(id_column).gt(id)))
        .order_by(id_column, Order::Asc)
        .limit(BATCH)
        .to_owned();
    let rows = db.read().query_all(&query).await?;
    rows.iter().map(|row| Row::from_query_result(row, "")).collect()
}

/// Says how many were written: a value that is no longer the one read stays as it is.
async fn write(db: &Db, column: SealedColumn, rows: Vec<(Uuid, Sealed, Sealed)>) -> Result<u64, DbErr> {
    if rows.is_empty() {
        return Ok(0);
    }
    let updates: Vec<_> = rows
        .into_iter()
        .map(|(id, old, new)| {
            Query::update()
                .table(column.table)
                .value(column.column, new.into_bytes())
                .and_where(Expr::col(column.id_column).eq(id))
                .and_where(Expr::col(column.column).eq(old.into_bytes()))
                .to_owned()
        })
        .collect();
    db.write(move |tx| {
        let updates = updates.clone();
        Box::pin(async move {
            let mut written = 0;
            for update in &updates {
                written += tx.execute(update).await?.rows_affected();
            }
            Ok(written)
        })
    })
    .await
}
