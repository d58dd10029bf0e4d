//! The table `data_keys`.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// What a data key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub(super) enum Use {
    #[sea_orm(string_value = "seal")]
    Seal,
    #[sea_orm(string_value = "index")]
    Index,
}

/// One wrapped key. The newest `seal` key that is not retired seals; a retired one opens.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_keys")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub purpose: Use,
    /// The suite's id.
    pub suite: i32,
    pub wrapped: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the wrapping binds in: a wrapped key opens only as the one it was made as.
    pub(super) fn label(&self) -> Vec<u8> {
        label(self.id, self.purpose, self.suite)
    }
}

pub(super) fn label(id: i32, purpose: Use, suite: i32) -> Vec<u8> {
    format!("linju data key {id} {} {suite}", purpose.to_value()).into_bytes()
}
