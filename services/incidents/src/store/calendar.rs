//! The tables `calendars` (hours of units) and `holiday_years` (the State Council's notices).

use std::collections::BTreeMap;

use chassis::Fault;
use chrono::NaiveDate;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, entity::prelude::*, sea_query::OnConflict};

use crate::domain::calendar::{HolidayYear, Holidays, Hours, WorkingCalendar};

/// The unit whose hours are those of the office.
pub const OFFICE: &str = "";

/// One row of `calendars`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendars")]
pub struct Model {
    /// Empty: the office.
    #[sea_orm(primary_key, auto_increment = false)]
    pub unit: String,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub hours: String,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub mod year {
    //! The table `holiday_years`.

    use sea_orm::entity::prelude::*;

    /// One row of `holiday_years`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "holiday_years")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        /// JSON: off or working, by day.
        #[sea_orm(column_type = "Text")]
        pub days: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl Model {
    pub fn hours(&self) -> Result<Hours, Fault> {
        let damaged = |e: serde_json::Error| Fault::Internal(format!("the hours of `{}` are damaged: {e}", self.unit));
        serde_json::from_str(&self.hours).map_err(damaged)
    }
}

/// All hours that were set, the office's first.
pub async fn rows(db: &impl ConnectionTrait) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().order_by_asc(Column::Unit).all(db).await?)
}

/// The unit's hours, or those of the office.
pub async fn of_unit(db: &impl ConnectionTrait, unit: &str) -> Result<Model, Fault> {
    let mut rows = Entity::find().filter(Column::Unit.is_in([unit, OFFICE])).all(db).await?;
    let at = rows.iter().position(|row| row.unit == unit).unwrap_or(0);
    if rows.is_empty() {
        return Err(Fault::Internal("the office has no hours".to_owned()));
    }
    Ok(rows.swap_remove(at))
}

/// Every notice that was loaded.
pub async fn holidays(db: &impl ConnectionTrait) -> Result<Holidays, Fault> {
    let rows = year::Entity::find().order_by_asc(year::Column::Year).all(db).await?;
    let read = |row: year::Model| {
        let days: BTreeMap<NaiveDate, bool> = serde_json::from_str(&row.days)
            .map_err(|e| Fault::Internal(format!("the holidays of {} are damaged: {e}", row.year)))?;
        Ok(HolidayYear { year: row.year, days })
    };
    Ok(Holidays::new(rows.into_iter().map(read).collect::<Result<Vec<_>, Fault>>()?))
}

/// The unit's hours and the holidays together.
pub async fn working(db: &impl ConnectionTrait, unit: &str) -> Result<WorkingCalendar, Fault> {
    Ok(WorkingCalendar::new(of_unit(db, unit).await?.hours()?, holidays(db).await?))
}

/// Writes the hours of a unit as this version.
pub async fn put(db: &impl ConnectionTrait, unit: &str, hours: &Hours, version: i64) -> Result<(), Fault> {
    let hours = serde_json::to_string(hours).map_err(|e| Fault::Internal(e.to_string()))?;
    let row = ActiveModel { unit: Set(unit.to_owned()), hours: Set(hours), version: Set(version) };
    let over = OnConflict::column(Column::Unit).update_columns([Column::Hours, Column::Version]).to_owned();
    Entity::insert(row).on_conflict(over).exec_without_returning(db).await?;
    Ok(())
}

/// Writes the notice of a year; says whether that changed anything.
pub async fn put_year(db: &impl ConnectionTrait, notice: &HolidayYear) -> Result<bool, Fault> {
    let HolidayYear { year: number, days } = notice;
    let days = serde_json::to_string(days).map_err(|e| Fault::Internal(e.to_string()))?;
    if year::Entity::find_by_id(*number).one(db).await?.is_some_and(|row| row.days == days) {
        return Ok(false);
    }
    let row = year::ActiveModel { year: Set(*number), days: Set(days) };
    let over = OnConflict::column(year::Column::Year).update_column(year::Column::Days).to_owned();
    year::Entity::insert(row).on_conflict(over).exec_without_returning(db).await?;
    Ok(true)
}
