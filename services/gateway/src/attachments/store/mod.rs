//! The table `attachments`: what there is and to which record it belongs. The contents lie in the store of objects.

mod migration;

use chassis::{
    Fault,
    data::{Page, Sealed, SealedColumn, Tx},
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, DbErr, QueryOrder, QuerySelect, Statement, entity::prelude::*,
    sea_query::Expr,
};

pub(super) use migration::Attachments as Migration;

use super::records::Record;

/// Where an attachment stands between row and object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub(crate) enum State {
    /// The content is on its way into the store; nobody sees it.
    #[sea_orm(string_value = "pending")]
    Pending,
    #[sea_orm(string_value = "stored")]
    Stored,
    /// Nobody sees it, and its content is to be deleted.
    #[sea_orm(string_value = "removed")]
    Removed,
}

/// One row of `attachments`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attachments")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub record_kind: String,
    pub record_id: Uuid,
    pub state: State,
    /// Subject of the token of who added it.
    pub added_by: String,
    pub filename: Sealed,
    /// The key of the contents, as hexadecimal digits.
    pub content_key: Sealed,
    /// Name of the content in the store, and of the thumbnail's.
    pub object: Uuid,
    pub thumbnail: Option<Uuid>,
    pub content_type: String,
    pub size: i64,
    pub thumbnail_size: Option<i64>,
    pub width: i32,
    pub height: i32,
    /// Of the content before it was sealed, as hexadecimal digits.
    pub sha256: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const fn sealed(column: &'static str) -> SealedColumn {
    SealedColumn { table: "attachments", column, id_column: "id" }
}

pub(crate) const FILENAME: SealedColumn = sealed("filename");
pub(crate) const CONTENT_KEY: SealedColumn = sealed("content_key");

impl Model {
    pub(super) fn record(&self) -> Result<Record, Fault> {
        let name = format!("{}/{}", self.record_kind, self.record_id);
        name.parse().map_err(|_| Fault::Internal(format!("attachment {} belongs to no known kind of record", self.id)))
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = Uuid> + use<> {
        [Some(self.object), self.thumbnail].into_iter().flatten()
    }
}

/// One that can be read.
pub(super) async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Model, Fault> {
    let found = Entity::find_by_id(id).filter(Column::State.eq(State::Stored)).one(db).await?;
    found.ok_or(Fault::NotFound("attachment"))
}

/// Those of one record that can be read, in the order in which they came.
pub(super) async fn list(db: &impl ConnectionTrait, record: Record, page: &Page<Uuid>) -> Result<Vec<Model>, DbErr> {
    let mut query = of_record(record).filter(Column::State.eq(State::Stored)).order_by_asc(Column::Id);
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    query.limit(page.limit()).all(db).await
}

/// All that count for the limits of a record, which nobody else adds to until the commit.
pub(super) async fn hold(tx: &Tx, record: Record) -> Result<Vec<Model>, DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        // SQLite has one writer; here two could each find room for the last file.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, lock, [record.to_string().into()])).await?;
    }
    of_record(record).filter(Column::State.ne(State::Removed)).all(tx).await
}

fn of_record(record: Record) -> Select<Entity> {
    Entity::find().filter(Column::RecordKind.eq(record.kind.name())).filter(Column::RecordId.eq(record.id))
}

/// Brings a row from one state to the next; false where it was not in the first.
pub(super) async fn go(db: &impl ConnectionTrait, id: Uuid, from: State, to: State) -> Result<bool, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::State, Expr::value(to))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(from));
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Takes everything of a record out of sight, to be deleted; how many files that were.
pub(super) async fn take_away(db: &impl ConnectionTrait, record: Record) -> Result<u64, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Removed))
        .filter(Column::RecordKind.eq(record.kind.name()))
        .filter(Column::RecordId.eq(record.id))
        .filter(Column::State.ne(State::Removed));
    Ok(update.exec(db).await?.rows_affected)
}

/// Forgets a row whose contents are deleted.
pub(super) async fn forget(db: &impl ConnectionTrait, id: Uuid) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::State.eq(State::Removed)).exec(db).await.map(drop)
}

/// What is to be deleted, and what has not become whole since `before`.
pub(super) async fn left_over(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<Vec<Model>, DbErr> {
    let unfinished = sea_orm::Condition::all().add(Column::State.eq(State::Pending)).add(Column::CreatedAt.lt(before));
    let any = sea_orm::Condition::any().add(Column::State.eq(State::Removed)).add(unfinished);
    Entity::find().filter(any).order_by_asc(Column::Id).limit(100).all(db).await
}

/// Those of `objects` that some row names.
pub(super) async fn named(db: &impl ConnectionTrait, objects: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
    let any = sea_orm::Condition::any()
        .add(Column::Object.is_in(objects.iter().copied()))
        .add(Column::Thumbnail.is_in(objects.iter().copied()));
    Ok(Entity::find().filter(any).all(db).await?.iter().flat_map(Model::objects).collect())
}

/// A row that waits for its content.
pub(super) fn pending(row: Model) -> ActiveModel {
    let Model {
        id,
        record_kind,
        record_id,
        state: _,
        added_by,
        filename,
        content_key,
        object,
        thumbnail,
        content_type,
        size,
        thumbnail_size,
        width,
        height,
        sha256,
        created_at,
    } = row;
    ActiveModel {
        id: Set(id),
        record_kind: Set(record_kind),
        record_id: Set(record_id),
        state: Set(State::Pending),
        added_by: Set(added_by),
        filename: Set(filename),
        content_key: Set(content_key),
        object: Set(object),
        thumbnail: Set(thumbnail),
        content_type: Set(content_type),
        size: Set(size),
        thumbnail_size: Set(thumbnail_size),
        width: Set(width),
        height: Set(height),
        sha256: Set(sha256),
        created_at: Set(created_at),
    }
}
