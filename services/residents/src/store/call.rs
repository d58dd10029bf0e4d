//! The tables `call_lists` and `calls`: whom to tell of a public warning, and who was told.

use chassis::{Fault, access::Scope, data::AreaCode};
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*, sea_query::OnConflict};

use super::ResidentId;
use crate::domain::call::CallOutcome;

/// One person to tell of one warning.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calls")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub list_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub resident_id: ResidentId,
    /// Where the person lived when the list was drawn.
    pub area_code: AreaCode,
    /// None: nobody has tried.
    pub outcome: Option<CallOutcome>,
    pub tried_by: Option<String>,
    pub tried_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The list of one warning and its updates.
pub mod list {
    use chassis::data::AreaCode;
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `call_lists`. It outlives the names on it.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "call_lists")]
    pub struct Model {
        /// The first message of the warning.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub area_code: AreaCode,
        pub exercise: bool,
        pub expires_at: DateTime<Utc>,
        pub closed: bool,
        pub to_call: i32,
        pub reached: i32,
        /// When the names were destroyed; none: they are there.
        pub destroyed_at: Option<DateTime<Utc>>,
        pub version: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The list, locked until the commit.
pub async fn lock_list(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<list::Model>, DbErr> {
    list::Entity::find_by_id(id).lock_exclusive().one(db).await
}

/// The list.
pub async fn get_list(db: &impl ConnectionTrait, id: Uuid) -> Result<list::Model, Fault> {
    list::Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("call list"))
}

/// Writes the list as it is now.
pub async fn save_list(db: &impl ConnectionTrait, row: list::Model) -> Result<(), DbErr> {
    let again = OnConflict::column(list::Column::Id)
        .update_columns([
            list::Column::AreaCode,
            list::Column::ExpiresAt,
            list::Column::Closed,
            list::Column::ToCall,
            list::Column::Reached,
            list::Column::DestroyedAt,
            list::Column::Version,
        ])
        .to_owned();
    let insert = list::Entity::insert(sea_orm::IntoActiveModel::into_active_model(row));
    insert.on_conflict(again).exec_without_returning(db).await.map(|_| ())
}

/// Puts people on the list who are not on it yet.
pub async fn add(db: &impl ConnectionTrait, rows: Vec<Model>) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let known = OnConflict::columns([Column::ListId, Column::ResidentId]).do_nothing().to_owned();
    let rows = rows.into_iter().map(sea_orm::IntoActiveModel::into_active_model);
    Entity::insert_many::<ActiveModel, _>(rows).on_conflict(known).exec_without_returning(db).await.map(|_| ())
}

/// Everybody on the list, wherever they live; for the program's own figures.
pub async fn all_of(db: &impl ConnectionTrait, list: Uuid) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::ListId.eq(list)).all(db).await
}

/// Who is on the list within the scope.
pub async fn of(scope: &Scope, db: &impl ConnectionTrait, list: Uuid) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::ListId.eq(list)).filter(scope.areas.hold(Column::AreaCode));
    find.order_by_asc(Column::ResidentId).all(db).await
}

/// Notes a try, if the person is on the list and within the scope.
pub async fn note(
    scope: &Scope,
    db: &impl ConnectionTrait,
    (list, resident): (Uuid, ResidentId),
    outcome: CallOutcome,
    (by, at): (&str, DateTime<Utc>),
) -> Result<(), Fault> {
    let update = Entity::update_many()
        .col_expr(Column::Outcome, outcome.into())
        .col_expr(Column::TriedBy, by.into())
        .col_expr(Column::TriedAt, at.into())
        .filter(Column::ListId.eq(list))
        .filter(Column::ResidentId.eq(resident))
        .filter(scope.areas.hold(Column::AreaCode));
    if update.exec(db).await?.rows_affected == 1 { Ok(()) } else { Err(Fault::NotFound("person on the call list")) }
}

/// Takes everybody off the list; how many.
pub async fn clear(db: &impl ConnectionTrait, list: Uuid) -> Result<u64, DbErr> {
    Ok(Entity::delete_many().filter(Column::ListId.eq(list)).exec(db).await?.rows_affected)
}
