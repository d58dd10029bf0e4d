//! The table `households`: who lives together.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, AreaLevel, any_of},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    IntoActiveModel, Iterable,
    entity::prelude::*,
    sea_query::{InsertStatement, OnConflict},
};

use super::{DwellingId, HouseholdId};

/// One household.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "households")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HouseholdId,
    pub dwelling_id: DwellingId,
    /// That of the dwelling.
    pub area_code: AreaCode,
    /// The office's own number, for example H000001; empty where it has none.
    pub number: String,
    /// Community and number, unique; none where there is no number.
    pub number_key: Option<String>,
    /// The day on which it was seen in the dwelling.
    pub observed_on: NaiveDate,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The key of a household's number: numbers are given out by communities.
pub fn number_key(area: AreaCode, number: &str) -> Option<String> {
    let community = area.at(AreaLevel::Community).unwrap_or(area);
    (!number.is_empty()).then(|| format!("{community}:{number}"))
}

/// The household, if it lies within the scope.
pub async fn get(scope: &Scope, db: &impl ConnectionTrait, id: HouseholdId) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode));
    find.one(db).await?.ok_or(Fault::NotFound("household"))
}

/// The households with these ids that lie within the scope.
pub async fn by_ids(scope: &Scope, db: &impl ConnectionTrait, ids: &[HouseholdId]) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let find = Entity::find().filter(any_of(db.get_database_backend(), Column::Id, ids.iter().copied()));
    find.filter(scope.areas.hold(Column::AreaCode)).all(db).await
}

/// The households with these number keys.
pub async fn by_numbers(db: &impl ConnectionTrait, keys: Vec<String>) -> Result<Vec<Model>, DbErr> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find().filter(any_of(db.get_database_backend(), Column::NumberKey, keys)).all(db).await
}

/// Writes whole rows over those with their ids, in one statement.
pub fn put(rows: impl IntoIterator<Item = Model>) -> InsertStatement {
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    let columns = Column::iter().filter(|column| !matches!(column, Column::Id));
    let newer = OnConflict::column(Column::Id).update_columns(columns).to_owned();
    sea_orm::QueryTrait::into_query(Entity::insert_many(rows).on_conflict(newer))
}
