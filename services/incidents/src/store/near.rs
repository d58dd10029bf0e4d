//! Which incidents lie near a place: two indexes over cells of the earth, one of what is open and one of what was closed, so
//! that neither grows with the years.

use std::collections::HashMap;

use chassis::{Fault, access::Scope, data::AreaCode};
use chrono::{DateTime, Utc};
use sea_orm::{
    Condition, DbBackend, ExprTrait, FromQueryResult, QuerySelect, Select,
    entity::prelude::*,
    sea_query::{Expr, Order},
};

use super::{
    Code,
    incident::{Column, Entity},
};
use crate::domain::{
    CategoryCode, Status,
    near::{Point, Square},
};

/// What the index of open incidents holds; a query that is to use it says the same words.
pub(super) const OPEN: &str = "state IN ('reported', 'triaged', 'dispatched', 'accepted', 'in_progress', \
     'waiting_reporter', 'solution_proposed', 'unsolvable') AND duplicate_of IS NULL";
/// What the index of closed incidents holds.
pub(super) const CLOSED: &str = "closed_at IS NOT NULL AND duplicate_of IS NULL";

/// The number of the cell in which an incident lies, as [`Square::cells`] counts. A cast to whole numbers cuts on SQLite and
/// rounds on Postgres.
pub(super) const fn cell(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "(floor((latitude + 90) * 200)::bigint * 72000 + floor((longitude + 180) * 200)::bigint)"
        }
        _ => "(CAST((latitude + 90) * 200 AS INTEGER) * 72000 + CAST((longitude + 180) * 200 AS INTEGER))",
    }
}

/// How many are read of each kind.
const MOST: u64 = 20;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub point: Point,
    pub metres: u32,
    /// Changed, or closed, at this time or later.
    pub since: DateTime<Utc>,
    pub categories: Vec<CategoryCode>,
    /// In which areas rows are shown.
    pub rows: Condition,
    /// Not this one.
    pub except: Option<Uuid>,
}

impl Wanted {
    /// Rows of the office's areas, or where one may report oneself.
    pub fn rows_of(scope: &Scope, area: AreaCode) -> Condition {
        let areas = if scope.areas.contain(area) { &scope.areas } else { &scope.own_areas };
        areas.hold(Column::AreaCode)
    }
}

/// What is shown of an incident nearby: nothing of any person.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Near {
    pub id: Uuid,
    pub number: String,
    pub state: Code<Status>,
    pub category: Option<String>,
    pub latitude: f64,
    pub longitude: f64,
    pub reported_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// Incidents that lead their problem, open or closed since then, the nearest first.
pub async fn find(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Vec<Near>, Fault> {
    let backend = db.get_database_backend();
    let mut found = open(backend, wanted).into_model::<Near>().all(db).await?;
    found.extend(closed(backend, wanted).into_model::<Near>().all(db).await?);
    Ok(found)
}

/// The query on what is open.
pub fn open(backend: DbBackend, wanted: &Wanted) -> Select<Entity> {
    near(backend, wanted).filter(Expr::cust(OPEN)).filter(Column::UpdatedAt.gte(wanted.since))
}

/// The query on what was closed.
pub fn closed(backend: DbBackend, wanted: &Wanted) -> Select<Entity> {
    near(backend, wanted).filter(Expr::cust(CLOSED)).filter(Column::ClosedAt.gte(wanted.since))
}

fn near(backend: DbBackend, wanted: &Wanted) -> Select<Entity> {
    let Wanted { point, metres, since: _, categories, rows, except } = wanted;
    let square = point.square(*metres);
    let Square { south, north, west, east } = square;
    let mut query = Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::Number,
            Column::State,
            Column::Category,
            Column::Latitude,
            Column::Longitude,
            Column::ReportedAt,
            Column::ClosedAt,
        ])
        .filter(Column::Category.is_in(categories.iter().map(CategoryCode::as_str)))
        .filter(Expr::cust(cell(backend)).is_in(square.cells()))
        .filter(Column::Latitude.between(south, north))
        .filter(Column::Longitude.between(west, east))
        .filter(rows.clone());
    if let Some(id) = except {
        query = query.filter(Column::Id.ne(*id));
    }
    sea_orm::QueryOrder::order_by(query, order(*point), Order::Asc).limit(MOST)
}

/// By distance, as on a map around the point.
fn order(point: Point) -> Expr {
    let Point { latitude, longitude } = point;
    let narrow = latitude.to_radians().cos().powi(2);
    let squared = |column: Column, at: f64| Expr::col(column).sub(at).mul(Expr::col(column).sub(at));
    squared(Column::Latitude, latitude).add(squared(Column::Longitude, longitude).mul(narrow))
}

/// How many reports were joined to each of these.
pub async fn joined(db: &impl ConnectionTrait, leads: &[Uuid]) -> Result<HashMap<Uuid, i64>, Fault> {
    let counts = Entity::find()
        .select_only()
        .column(Column::DuplicateOf)
        .column_as(Column::Id.count(), "reports")
        .filter(Column::DuplicateOf.is_in(leads.iter().copied()))
        .filter(Column::State.ne(Code(Status::Withdrawn)))
        .group_by(Column::DuplicateOf);
    Ok(counts.into_tuple::<(Uuid, i64)>().all(db).await?.into_iter().collect())
}
