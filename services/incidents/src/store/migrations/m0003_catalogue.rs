//! Makes `categories`, and fills it with the default tree.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, integer, text},
};

use crate::domain::catalogue::{self, Category};

/// Dengke's tree; an office changes it to its own.
const DEFAULT: &str = include_str!("../../../data/categories_dengke.toml");

pub(super) struct CatalogueTable;

impl MigrationName for CatalogueTable {
    fn name(&self) -> &'static str {
        "m0003_catalogue"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CatalogueTable {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("categories")
            .col(text("code").primary_key())
            .col(integer("position"))
            .col(text("details"))
            .col(boolean("retired"))
            .col(big_integer("version"))
            .to_owned();
        manager.create_table(table).await?;
        let damaged = |rule: String| DbErr::Migration(format!("the default categories: {rule}"));
        let categories = catalogue::read(DEFAULT)
            .map_err(|problems| damaged(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        let mut insert = Query::insert()
            .into_table("categories")
            .columns(["code", "position", "details", "retired", "version"])
            .to_owned();
        for Category { code, position, details, retired } in categories {
            let details = serde_json::to_string(&details).map_err(|e| damaged(e.to_string()))?;
            insert.values_panic([code.as_str().into(), position.into(), details.into(), retired.into(), 1_i64.into()]);
        }
        manager.execute(insert).await
    }
}
