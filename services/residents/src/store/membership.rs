//! The table `memberships`: who belonged to which household, from when to when.

use chrono::NaiveDate;
use sea_orm::{QueryOrder, entity::prelude::*};

use super::{HouseholdId, MembershipId, ResidentId};
use crate::domain::person::Relation as ToHead;

/// One person's time in one household. A person has at most one that is open.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MembershipId,
    pub household_id: HouseholdId,
    pub resident_id: ResidentId,
    pub relation: ToHead,
    pub from_on: NaiveDate,
    /// None: still there.
    pub until_on: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The open membership of a person.
pub async fn open(db: &impl ConnectionTrait, resident: ResidentId) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::ResidentId.eq(resident)).filter(Column::UntilOn.is_null()).one(db).await
}

/// Ends the open membership of a person.
pub async fn close(db: &impl ConnectionTrait, resident: ResidentId, on: NaiveDate) -> Result<(), DbErr> {
    let update = Entity::update_many().col_expr(Column::UntilOn, Expr::value(on));
    update.filter(Column::ResidentId.eq(resident)).filter(Column::UntilOn.is_null()).exec(db).await.map(drop)
}

/// Puts right what the person is to the householder now.
pub async fn relate(db: &impl ConnectionTrait, resident: ResidentId, relation: ToHead) -> Result<(), DbErr> {
    let update = Entity::update_many().col_expr(Column::Relation, Expr::value(relation));
    update.filter(Column::ResidentId.eq(resident)).filter(Column::UntilOn.is_null()).exec(db).await.map(drop)
}

/// Everybody who belongs or has belonged to the household, whose scope the caller has passed.
pub async fn of_household(db: &impl ConnectionTrait, household: HouseholdId) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::HouseholdId.eq(household));
    find.order_by_asc(Column::FromOn).order_by_asc(Column::Id).all(db).await
}

/// All times of these records in households, the earliest first. The caller has passed their scope.
pub async fn of_residents(db: &impl ConnectionTrait, residents: &[ResidentId]) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::ResidentId.is_in(residents.iter().copied()));
    find.order_by_asc(Column::FromOn).order_by_asc(Column::Id).all(db).await
}
