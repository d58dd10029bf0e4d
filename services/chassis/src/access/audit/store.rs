//! The tables `audit` and `audit_head`.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One entry. `seq`, `prev` and `hash` are null until it is sealed, and then never change.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub who: String,
    pub on_behalf: Option<String>,
    pub purpose: String,
    pub method: String,
    pub subject: String,
    pub fields: String,
    pub request: String,
    pub acting: Option<String>,
    pub basis: Option<String>,
    pub seq: Option<i64>,
    pub prev: Option<Vec<u8>>,
    pub hash: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(super) mod head {
    use sea_orm::entity::prelude::*;

    pub(in super::super) const ONLY: i32 = 1;

    /// The one row that says where the chain ends; the sealer locks it.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_head")]
    pub(in super::super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub seq: i64,
        pub hash: Vec<u8>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(in super::super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
