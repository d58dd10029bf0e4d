//! The table `status_tries`: how often the end of a phone number was guessed for one number. A number that no report has is
//! counted like any other, so that nobody learns which there are.

use chassis::Fault;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};

/// One row of `status_tries`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "status_tries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: String,
    pub wrong: i32,
    /// When the first of them was made.
    pub since: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How long a wrong try counts.
pub const COUNTED: TimeDelta = TimeDelta::hours(24);

/// Counts one more try, and forgets those of all numbers that count no longer. It is counted before anything is compared,
/// so that many at once gain nothing.
pub async fn count(db: &impl ConnectionTrait, number: &str, now: DateTime<Utc>) -> Result<Model, Fault> {
    Entity::delete_many().filter(Column::Since.lte(now - COUNTED)).exec(db).await?;
    let row = ActiveModel { number: Set(number.to_owned()), wrong: Set(1), since: Set(now) };
    let over =
        OnConflict::column(Column::Number).value(Column::Wrong, Expr::col((Entity, Column::Wrong)).add(1)).to_owned();
    Ok(Entity::insert(row).on_conflict(over).exec_with_returning(db).await?)
}

/// Takes a try back that was right.
pub async fn take_back(db: &impl ConnectionTrait, number: &str) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::Wrong, Expr::col(Column::Wrong).sub(1))
        .filter(Column::Number.eq(number))
        .exec(db)
        .await?;
    Ok(())
}
