//! The table `service_items`: the catalogue.

use chassis::{
    Fault,
    data::{AreaCode, Code},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};

use super::json;
use crate::domain::catalogue::{Details, Item, ServiceItemId, Status};

/// One row of `service_items`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ServiceItemId,
    pub code: String,
    pub area_code: AreaCode,
    /// Where it stands among the others.
    pub position: i32,
    /// Everything the office says of it, as JSON.
    #[sea_orm(column_type = "Text")]
    pub details: String,
    pub status: Code<Status>,
    pub alert: String,
    pub owner: String,
    pub assured_on: NaiveDate,
    /// How often its owner was reminded since then.
    pub reminded: i32,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn item(self) -> Result<Item, Fault> {
        let Self {
            id,
            code,
            area_code,
            position: _,
            details,
            status: Code(status),
            alert,
            owner,
            assured_on,
            reminded: _,
            updated_at,
            version: _,
        } = self;
        let details: Details = json::read("service_items", id.0, &details)?;
        Ok(Item { id, code, area: area_code, details, status, alert, owner, assured_on, updated_at })
    }
}

/// All items in the office's order.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Position).order_by_asc(Column::Code).all(db).await
}

/// An item by its code; the catalogue is public.
pub async fn get(db: &impl ConnectionTrait, code: &str) -> Result<Model, Fault> {
    let find = Entity::find().filter(Column::Code.eq(code));
    find.one(db).await?.ok_or(Fault::NotFound("service item"))
}

/// An item by the id under which it is published.
pub async fn of_id(db: &impl ConnectionTrait, id: ServiceItemId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// An item by its code, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, code: &str) -> Result<Model, Fault> {
    let find = Entity::find().filter(Column::Code.eq(code)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("service item"))
}

/// An item by its id, locked until the commit; none where it is gone.
pub async fn lock_id(db: &impl ConnectionTrait, id: ServiceItemId) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Id.eq(id)).lock_exclusive().one(db).await
}

/// Where an item stands that comes behind all others.
pub async fn next_position(db: &impl ConnectionTrait) -> Result<i32, DbErr> {
    let last: Option<Option<i32>> =
        Entity::find().select_only().column_as(Column::Position.max(), "last").into_tuple().one(db).await?;
    Ok(last.flatten().unwrap_or(0).saturating_add(1))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}
