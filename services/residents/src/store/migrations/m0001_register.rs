//! The register: areas, dwellings, households, memberships, residents, name keys, care tags, merges.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob, blob_null, boolean, date, date_null, string, string_null, text,
        timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
    sea_orm::DbBackend,
};

/// The migration.
pub(super) struct Register;

impl MigrationName for Register {
    fn name(&self) -> &'static str {
        "residents_m0001_register"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Register {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [areas(), dwellings(), households(), residents(), memberships(), care_tags(), merges()];
        for table in tables {
            manager.create_table(table).await?;
        }
        manager.create_table(name_keys(manager.get_database_backend())).await?;
        for (name, table, columns) in INDEXES {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index.take()).await?;
        }
        Ok(())
    }
}

const INDEXES: [(&str, &str, &[&str]); 9] = [
    ("areas_parent", "areas", &["parent", "code"]),
    ("dwellings_building", "dwellings", &["area_code", "compound", "building"]),
    ("households_dwelling", "households", &["dwelling_id"]),
    ("residents_area", "residents", &["area_code", "id"]),
    ("residents_household", "residents", &["household_id"]),
    ("residents_phone", "residents", &["phone_index"]),
    ("memberships_household", "memberships", &["household_id"]),
    ("memberships_resident", "memberships", &["resident_id"]),
    ("merges_merged", "merges", &["merged_id"]),
];

fn areas() -> TableCreateStatement {
    Table::create()
        .table("areas")
        .col(big_integer("code").primary_key())
        .col(text("name"))
        .col(big_integer_null("parent"))
        .to_owned()
}

fn dwellings() -> TableCreateStatement {
    Table::create()
        .table("dwellings")
        .col(uuid("id").primary_key())
        .col(big_integer("area_code"))
        .col(text("compound"))
        .col(text("building"))
        .col(blob_null("unit"))
        .col(blob_null("room"))
        .col(blob("address_index").unique_key())
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn households() -> TableCreateStatement {
    Table::create()
        .table("households")
        .col(uuid("id").primary_key())
        .col(uuid("dwelling_id"))
        .col(big_integer("area_code"))
        .col(text("number"))
        .col(string_null("number_key").unique_key())
        .col(date("observed_on"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(ForeignKey::create().from("households", "dwelling_id").to("dwellings", "id"))
        .to_owned()
}

fn residents() -> TableCreateStatement {
    Table::create()
        .table("residents")
        .col(uuid("id").primary_key())
        .col(big_integer("area_code"))
        .col(uuid_null("household_id"))
        .col(string("relation"))
        .col(text("name"))
        .col(string("sex"))
        .col(date("birth_date"))
        .col(blob_null("national_id"))
        .col(blob_null("national_id_index").unique_key())
        .col(blob_null("phone"))
        .col(blob_null("phone_index"))
        .col(string_null("registration"))
        .col(string_null("living"))
        .col(string("state"))
        .col(uuid_null("merged_into"))
        .col(date_null("ended_on"))
        .col(boolean("synthetic"))
        .col(date("identity_on"))
        .col(string("identity_from"))
        .col(date_null("contact_on"))
        .col(string_null("contact_from"))
        .col(date_null("registration_on"))
        .col(string_null("registration_from"))
        .col(date_null("living_on"))
        .col(string_null("living_from"))
        .col(date("household_on"))
        .col(string("household_from"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(ForeignKey::create().from("residents", "household_id").to("households", "id"))
        .to_owned()
}

fn memberships() -> TableCreateStatement {
    Table::create()
        .table("memberships")
        .col(uuid("id").primary_key())
        .col(uuid("household_id"))
        .col(uuid("resident_id"))
        .col(string("relation"))
        .col(date("from_on"))
        .col(date_null("until_on"))
        .foreign_key(ForeignKey::create().from("memberships", "resident_id").to("residents", "id"))
        .to_owned()
}

fn care_tags() -> TableCreateStatement {
    Table::create()
        .table("care_tags")
        .col(uuid("resident_id"))
        .col(string("kind"))
        .col(string("source"))
        .col(date("observed_on"))
        .col(date_null("expires_on"))
        .col(date_null("cleared_on"))
        .primary_key(Index::create().col("resident_id").col("kind"))
        .foreign_key(ForeignKey::create().from("care_tags", "resident_id").to("residents", "id"))
        .to_owned()
}

fn merges() -> TableCreateStatement {
    Table::create()
        .table("merges")
        .col(uuid("id").primary_key())
        .col(uuid("leading_id"))
        .col(uuid("merged_id"))
        .col(date("merged_on"))
        .col(timestamp_with_time_zone("at"))
        .col(text("who"))
        .col(text("reason"))
        .col(string("before"))
        .col(date_null("before_on"))
        .col(text("filled"))
        .col(text("tags"))
        .col(timestamp_with_time_zone_null("undone_at"))
        .col(ColumnDef::new("undone_by").text().null())
        .col(ColumnDef::new("undone_reason").text().null())
        .to_owned()
}

/// A prefix is a range only where keys are ordered byte by byte: so SQLite orders by itself, Postgres by the collation C.
fn name_keys(backend: DbBackend) -> TableCreateStatement {
    let mut key = text("key");
    if backend == DbBackend::Postgres {
        key.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("name_keys")
        .col(big_integer("subdistrict"))
        .col(key)
        .col(uuid("resident_id"))
        .primary_key(Index::create().col("subdistrict").col("key").col("resident_id"))
        .to_owned()
}
