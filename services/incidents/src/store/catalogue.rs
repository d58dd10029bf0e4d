//! The table `categories`: the office's tree.

use chassis::Fault;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, entity::prelude::*, sea_query::OnConflict};

use crate::domain::{
    CategoryCode,
    catalogue::{Catalogue, Category, Details},
};

/// One row of `categories`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "categories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub position: i32,
    /// Everything else, as JSON.
    #[sea_orm(column_type = "Text")]
    pub details: String,
    pub retired: bool,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn category(&self) -> Result<Category, Fault> {
        let damaged = |what: String| Fault::Internal(format!("category {} is damaged: {what}", self.code));
        let details: Details = serde_json::from_str(&self.details).map_err(|e| damaged(e.to_string()))?;
        Ok(Category {
            code: CategoryCode::recorded(self.code.clone()),
            position: u32::try_from(self.position).map_err(|e| damaged(e.to_string()))?,
            details,
            retired: self.retired,
        })
    }
}

/// All rows, in the office's order.
pub async fn rows(db: &impl ConnectionTrait) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().order_by_asc(Column::Position).order_by_asc(Column::Code).all(db).await?)
}

/// The tree.
pub async fn all(db: &impl ConnectionTrait) -> Result<Catalogue, Fault> {
    let categories = rows(db).await?.iter().map(Model::category).collect::<Result<_, _>>()?;
    Ok(Catalogue::new(categories))
}

/// The group and all that stands in it, by code; empty where there is no such code.
pub async fn codes_within(db: &impl ConnectionTrait, group: &CategoryCode) -> Result<Vec<String>, Fault> {
    Ok(all(db).await?.within(group).into_iter().map(String::from).collect())
}

/// Writes a category as this version, over one that has the code.
pub async fn put(db: &impl ConnectionTrait, category: &Category, version: i64) -> Result<(), Fault> {
    let Category { code, position, details, retired } = category;
    let row = ActiveModel {
        code: Set(code.as_str().to_owned()),
        position: Set(i32::try_from(*position).unwrap_or(i32::MAX)),
        details: Set(serde_json::to_string(details).map_err(|e| Fault::Internal(e.to_string()))?),
        retired: Set(*retired),
        version: Set(version),
    };
    let over = OnConflict::column(Column::Code)
        .update_columns([Column::Position, Column::Details, Column::Retired, Column::Version])
        .to_owned();
    Entity::insert(row).on_conflict(over).exec_without_returning(db).await?;
    Ok(())
}
