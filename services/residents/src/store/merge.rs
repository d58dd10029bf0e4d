//! The table `merges`: which records were found to be one person's, and what that changed.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::entity::prelude::*;

use super::{MergeId, ResidentId};
use crate::domain::standing::Status;

/// One merge.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MergeId,
    pub leading_id: ResidentId,
    pub merged_id: ResidentId,
    pub merged_on: NaiveDate,
    pub at: DateTime<Utc>,
    pub who: String,
    pub reason: String,
    /// What the merged record was before, and since when where that is not living.
    pub before: Status,
    pub before_on: Option<NaiveDate>,
    /// What the leading record lacked and took over: names of fact groups (and `national_id`), separated by commas.
    pub filled: String,
    /// The care tags it took over, by their codes.
    pub tags: String,
    pub undone_at: Option<DateTime<Utc>>,
    pub undone_by: Option<String>,
    pub undone_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The merge of this record that stands.
pub async fn standing(db: &impl ConnectionTrait, merged: ResidentId) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::MergedId.eq(merged)).filter(Column::UndoneAt.is_null()).one(db).await
}
