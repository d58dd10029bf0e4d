//! Counting incidents, by the database.

use chassis::{Fault, access::Scope, data::AreaCode};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TryGetable,
    entity::prelude::Uuid,
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
