//! Makes `calendars` and `holiday_years`, and fills them with the default hours and the holidays that were announced when
//! this version was made.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, text},
};

use crate::domain::calendar::{self, CalendarFile, HolidayYear, UnitCalendar};

const DEFAULTS: [&str; 4] = [
    include_str!("../../../data/hours_dengke.toml"),
    include_str!("../../../data/holidays_cn_2024.json"),
    include_str!("../../../data/holidays_cn_2025.json"),
    include_str!("../../../data/holidays_cn_2026.json"),
];

pub(super) struct Calendars;

impl MigrationName for Calendars {
    fn name(&self) -> &'static str {
        "m0004_calendars"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Calendars {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let calendars = Table::create()
            .table("calendars")
            .col(text("unit").primary_key())
            .col(text("hours"))
            .col(big_integer("version"))
            .to_owned();
        let years =
            Table::create().table("holiday_years").col(integer("year").primary_key()).col(text("days")).to_owned();
        manager.create_table(calendars).await?;
        manager.create_table(years).await?;
        let damaged = |rule: String| DbErr::Migration(format!("the default calendars: {rule}"));
        for text in DEFAULTS {
            let file = calendar::read(text)
                .map_err(|problems| damaged(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
            let inserts = match file {
                CalendarFile::Holidays(HolidayYear { year, days }) => {
                    let days = serde_json::to_string(&days).map_err(|e| damaged(e.to_string()))?;
                    let mut insert = Query::insert();
                    insert.into_table("holiday_years").columns(["year", "days"]);
                    vec![insert.values_panic([year.into(), days.into()]).to_owned()]
                }
                CalendarFile::Units(units) => units
                    .into_iter()
                    .map(|UnitCalendar { unit, hours }| {
                        let hours = serde_json::to_string(&hours).map_err(|e| damaged(e.to_string()))?;
                        let mut insert = Query::insert();
                        insert.into_table("calendars").columns(["unit", "hours", "version"]);
                        Ok(insert.values_panic([unit.into(), hours.into(), 1_i64.into()]).to_owned())
                    })
                    .collect::<Result<_, DbErr>>()?,
            };
            for insert in inserts {
                manager.execute(insert).await?;
            }
        }
        Ok(())
    }
}
