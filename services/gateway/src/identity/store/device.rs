//! The table `account_devices`: browsers and apps that have signed in to an account before.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, entity::prelude::*, sea_query::OnConflict};

use crate::identity::domain::bearer::BearerHash;

/// A device that was not seen for so long is a stranger again.
const KEPT: TimeDelta = TimeDelta::days(180);

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account_devices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: BearerHash,
    /// A browser at a counter serves several people.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    pub seen_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whether the device has signed in to the account before.
pub async fn is_known(connection: &impl ConnectionTrait, hash: BearerHash, account: Uuid) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id((hash, account)).one(connection).await?.is_some())
}

/// Notes that the device signed in to the account.
pub async fn note(
    connection: &impl ConnectionTrait,
    hash: BearerHash,
    account: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel { hash: Set(hash), account_id: Set(account), seen_at: Set(now) };
    let again = OnConflict::columns([Column::Hash, Column::AccountId]).update_column(Column::SeenAt).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(connection).await.map(|_| ())
}

/// Forgets devices that nobody used for long.
pub async fn prune(connection: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::SeenAt.lt(now - KEPT)).exec(connection).await.map(|_| ())
}
