//! The table `dwellings`: where people live. Unit and room are sealed.

use chassis::{
    access::Scope,
    data::{AreaCode, BlindIndex, Sealed, any_of},
};
use chrono::{DateTime, Utc};
use sea_orm::{Select, entity::prelude::*};

use super::DwellingId;

/// The table's name, as sealed values are bound to it.
pub const TABLE: &str = "dwellings";
/// The column whose blind index finds a dwelling again.
pub const ADDRESS_INDEX: &str = "dwellings.address";

/// One dwelling.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dwellings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DwellingId,
    /// The grid, or the community where no grid is known.
    pub area_code: AreaCode,
    /// 小区; empty where there is none, as in a village.
    pub compound: String,
    /// 楼栋.
    pub building: String,
    /// 单元, sealed.
    pub unit: Option<Sealed>,
    /// 房号, sealed.
    pub room: Option<Sealed>,
    /// Of the whole address; unique.
    pub address_index: BlindIndex,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The dwellings with these ids that lie within the scope.
pub async fn by_ids(scope: &Scope, db: &impl ConnectionTrait, ids: &[DwellingId]) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let find = Entity::find().filter(any_of(db.get_database_backend(), Column::Id, ids.iter().copied()));
    find.filter(scope.areas.hold(Column::AreaCode)).all(db).await
}

/// The dwellings of a building, wherever in the area they are kept. Compound and number as they are stored.
pub fn of_building(area: AreaCode, compound: &str, building: &str) -> Select<Entity> {
    Entity::find()
        .filter(area.holds(Column::AreaCode))
        .filter(Column::Compound.eq(compound))
        .filter(Column::Building.eq(building))
}

/// The dwellings with these addresses.
pub async fn by_addresses(db: &impl ConnectionTrait, addresses: Vec<BlindIndex>) -> Result<Vec<Model>, DbErr> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find().filter(any_of(db.get_database_backend(), Column::AddressIndex, addresses)).all(db).await
}
