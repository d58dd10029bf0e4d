//! The tables of this service, forward only. Numbers are given by part: people and teams from 1, organisations and catalogue
//! from 10, errands from 20, visits from 30, activities and hours from 40.

mod m0001_volunteers;
mod m0002_qualifications;
mod m0003_teams;
mod m0004_rota;
mod m0010_service_items;
mod m0011_organisations;

use sea_orm_migration::{MigrationTrait, prelude::*};

/// All migrations, in order.
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_volunteers::Volunteers),
        Box::new(m0002_qualifications::Qualifications),
        Box::new(m0003_teams::Teams),
        Box::new(m0004_rota::Rota),
        Box::new(m0010_service_items::ServiceItems),
        Box::new(m0011_organisations::Organisations),
    ]
}

/// An index named after its table and purpose.
fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("{table}_{name}")).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

/// A key of `table` that names a row of `of`.
fn refers(table: &'static str, column: &'static str, of: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(format!("{table}_{column}_key")).from(table, column).to(of, "id").to_owned()
}

/// Makes tables, then indexes.
async fn make(
    manager: &SchemaManager<'_>,
    tables: Vec<TableCreateStatement>,
    indexes: Vec<IndexCreateStatement>,
) -> Result<(), DbErr> {
    for table in tables {
        manager.create_table(table).await?;
    }
    for index in indexes {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// Makes a table append-only: its rows are neither changed nor taken away.
async fn append_only(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    let statements = match manager.get_database_backend() {
        sea_orm_migration::sea_orm::DbBackend::Postgres => vec![
            format!(
                "CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
            ),
            format!(
                "CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} \
                 FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
            ),
            format!(
                "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
            ),
        ],
        _ => ["UPDATE", "DELETE"]
            .map(|verb| {
                format!(
                    "CREATE TRIGGER {table}_no_{} BEFORE {verb} ON {table} \
                     BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
                    verb.to_ascii_lowercase()
                )
            })
            .to_vec(),
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}
