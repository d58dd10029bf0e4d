//! Finds what lies near and what belongs together, and keeps what emergencies were told of and who ended them.

use sea_orm_migration::{
    prelude::*,
    schema::{text, text_null},
    sea_orm::DbBackend,
};

use crate::store::near;

pub(super) struct Problems;

impl MigrationName for Problems {
    fn name(&self) -> &'static str {
        "m0050_problems"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Problems {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in indexes(manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        for column in [text("overdue_told").default("[]").to_owned(), text_null("ended_by")] {
            manager.alter_table(Table::alter().table("emergencies").add_column(column).to_owned()).await?;
        }
        // Promises that still run, in the order in which they are counted anew.
        let running = Index::create()
            .name("promises_running")
            .table("promises")
            .col("incident_id")
            .and_where(Expr::col("due_at").is_not_null())
            .to_owned();
        manager.create_index(running).await
    }
}

/// sea-query writes no index over expressions.
fn indexes(backend: DbBackend) -> [String; 3] {
    let cell = near::cell(backend);
    [
        // What lies in the cell and too far away is passed over within the index.
        format!(
            "CREATE INDEX incidents_near_open ON incidents (category, {cell}, latitude, longitude) WHERE {}",
            near::OPEN
        ),
        format!("CREATE INDEX incidents_near_closed ON incidents (category, {cell}, closed_at) WHERE {}", near::CLOSED),
        "CREATE INDEX incidents_joined ON incidents (duplicate_of) WHERE duplicate_of IS NOT NULL".to_owned(),
    ]
}
