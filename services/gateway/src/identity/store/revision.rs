//! The table `identity_revision`: one number that every change of somebody's rights raises, in its own transaction. Copies
//! of the gateway ask for it several times a second, and forget what they know when it has changed.

use sea_orm::{DbErr, ExprTrait, entity::prelude::*, sea_query::Expr};

const ONLY: i32 = 1;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_revision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// To be called in every transaction that takes a right, a session or a token away, or gives a right.
pub async fn bump(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .filter(Column::Id.eq(ONLY))
        .exec(connection)
        .await
        .map(|_| ())
}

pub async fn read(connection: &impl ConnectionTrait) -> Result<i64, DbErr> {
    Ok(Entity::find_by_id(ONLY).one(connection).await?.map_or(0, |row| row.revision))
}
