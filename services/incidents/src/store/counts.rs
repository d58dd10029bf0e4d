//! Counting incidents, by the database.

use chassis::{Fault, access::Scope, data::AreaCode};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    TryGetable, entity::prelude::Uuid,
};

use super::{
    Code,
    incident::{Column, Entity},
};
use crate::domain::Status;

/// Which incidents are counted: those reported in an area and period.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub area: AreaCode,
    /// Reported at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Reported before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Counted {
    fn rows(&self, scope: &Scope) -> Condition {
        let Self { area, from, until } = self;
        Condition::all()
            .add(scope.rows(Column::AreaCode, Some(Column::Reporter)))
            .add(area.holds(Column::AreaCode))
            .add_option(from.map(|at| Column::ReportedAt.gte(at)))
            .add_option(until.map(|at| Column::ReportedAt.lt(at)))
    }
}

/// Of these only some.
#[derive(Clone, Copy, Debug)]
pub struct Narrowed<'n> {
    pub counted: Counted,
    /// None: all.
    pub categories: Option<&'n [String]>,
    /// The unit that had it last; none: all.
    pub unit: Option<&'n str>,
}

/// What a list of cases says of an incident.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Case {
    pub id: Uuid,
    pub number: String,
    #[sea_orm(from_alias = "area_code")]
    pub area: AreaCode,
    pub category: Option<String>,
    pub unit: Option<String>,
}

/// Up to `most` cases after `after`, in the order of ids.
pub async fn cases(
    db: &impl ConnectionTrait,
    scope: &Scope,
    narrowed: Narrowed<'_>,
    after: Option<Uuid>,
    most: u64,
) -> Result<Vec<Case>, Fault> {
    let Narrowed { counted, categories, unit } = narrowed;
    let rows = counted
        .rows(scope)
        .add_option(categories.map(|codes| Column::Category.is_in(codes.iter().map(String::as_str))))
        .add_option(unit.map(|unit| Column::Unit.eq(unit)))
        .add_option(after.map(|id| Column::Id.gt(id)));
    let columns = [Column::Id, Column::Number, Column::AreaCode, Column::Category, Column::Unit];
    let query = Entity::find().select_only().columns(columns).filter(rows).order_by_asc(Column::Id).limit(most);
    Ok(query.into_model().all(db).await?)
}

/// How many there are of each category; none is the category of what nobody has triaged.
pub async fn by_category(
    db: &impl ConnectionTrait,
    scope: &Scope,
    counted: &Counted,
) -> Result<Vec<(Option<String>, i64)>, Fault> {
    by(db, scope, counted, Column::Category).await
}

/// How many there are in each state.
pub async fn by_state(
    db: &impl ConnectionTrait,
    scope: &Scope,
    counted: &Counted,
) -> Result<Vec<(Status, i64)>, Fault> {
    let counts = by::<Code<Status>>(db, scope, counted, Column::State).await?;
    Ok(counts.into_iter().map(|(Code(state), count)| (state, count)).collect())
}

/// How many there are with each area code, as they were reported.
pub async fn by_area(
    db: &impl ConnectionTrait,
    scope: &Scope,
    counted: &Counted,
) -> Result<Vec<(AreaCode, i64)>, Fault> {
    by(db, scope, counted, Column::AreaCode).await
}

async fn by<T: TryGetable + Send>(
    db: &impl ConnectionTrait,
    scope: &Scope,
    counted: &Counted,
    column: Column,
) -> Result<Vec<(T, i64)>, Fault> {
    let query = Entity::find()
        .select_only()
        .column(column)
        .column_as(Column::Id.count(), "incidents")
        .filter(counted.rows(scope))
        .group_by(column)
        .order_by_asc(column);
    Ok(query.into_tuple().all(db).await?)
}

/// Up to `most` ids after `after`, in order.
pub async fn ids(
    db: &impl ConnectionTrait,
    scope: &Scope,
    counted: &Counted,
    after: Option<Uuid>,
    most: u64,
) -> Result<Vec<Uuid>, Fault> {
    let rows = counted.rows(scope).add_option(after.map(|id| Column::Id.gt(id)));
    let query = Entity::find().select_only().column(Column::Id).filter(rows).order_by_asc(Column::Id).limit(most);
    Ok(query.into_tuple().all(db).await?)
}
