//! The table `patterns`, and the reports that they are found in.

use std::collections::HashSet;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page, Sealed, SealedColumn},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, entity::prelude::*};

use super::{Code, incident};
use crate::domain::{
    IncidentId, Status,
    pattern::{Rule, Sighting, State},
};

/// The kind of timer that looks for patterns every night.
pub const FIND_PATTERNS: &str = "incidents.find_patterns";

/// One row of `patterns`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "patterns")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The same for the same pattern, whenever it is found.
    pub pattern_key: String,
    pub area_code: AreaCode,
    pub category: String,
    /// What passed which threshold, as JSON.
    #[sea_orm(column_type = "Text")]
    pub rule: String,
    /// The square, where it is not the whole area.
    pub south: Option<i32>,
    pub west: Option<i32>,
    pub reports: i32,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// Ids of incidents, as a JSON array.
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    pub state: Code<State>,
    pub found_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
    /// Why it was dismissed.
    pub reason: Option<Sealed>,
    /// What was made of it.
    pub incident_id: Option<Uuid>,
    pub matter_id: Option<Uuid>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const REASON: SealedColumn = SealedColumn { table: "patterns", column: "reason", id_column: "id" };

impl Model {
    /// What passed which threshold.
    pub fn rule(&self) -> Result<Rule, Fault> {
        let damaged = |e| Fault::Internal(format!("pattern {} has a damaged rule: {e}", self.id));
        serde_json::from_str(&self.rule).map_err(damaged)
    }

    /// The reports that it rests on.
    pub fn evidence(&self) -> Result<Vec<IncidentId>, Fault> {
        let damaged = |e| Fault::Internal(format!("pattern {} has damaged evidence: {e}", self.id));
        serde_json::from_str(&self.evidence).map_err(damaged)
    }
}

/// A pattern that the caller may see.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: Uuid) -> Result<Model, Fault> {
    let within = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode));
    within.one(db).await?.ok_or(Fault::NotFound("pattern"))
}

/// The same, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: Uuid) -> Result<Model, Fault> {
    let within = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode)).lock_exclusive();
    within.one(db).await?.ok_or(Fault::NotFound("pattern"))
}

/// Patterns that the caller may see, the newest first; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    (area, state): (AreaCode, Option<State>),
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(area.holds(Column::AreaCode));
    if let Some(state) = state {
        query = query.filter(Column::State.eq(Code(state)));
    }
    if let Some((at, id)) = page.after {
        let same = Condition::all().add(Column::FoundAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::FoundAt.lt(at)).add(same));
    }
    let query = query.order_by_desc(Column::FoundAt).order_by_desc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.found_at, row.id))?;
    Ok((rows, next))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), Fault> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// Keys of the patterns that are not proposed now: those that wait for a decision, and those that were found or decided after
/// `since`.
pub async fn quiet(db: &impl ConnectionTrait, since: DateTime<Utc>) -> Result<HashSet<String>, Fault> {
    let of = Condition::any()
        .add(Column::State.eq(Code(State::Proposed)))
        .add(Column::FoundAt.gt(since))
        .add(Column::DecidedAt.gt(since));
    let keys = Entity::find().select_only().column(Column::PatternKey).filter(of);
    Ok(keys.into_tuple::<String>().all(db).await?.into_iter().collect())
}

type Reported = (Uuid, AreaCode, Option<String>, Option<f64>, Option<f64>, DateTime<Utc>);

/// What was reported from one time until another, and is neither joined to something else nor withdrawn; without what was
/// made of a pattern.
pub async fn sightings(
    db: &impl ConnectionTrait,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Sighting>, Fault> {
    use incident::Column as Of;
    let made = Entity::find().select_only().column(Column::IncidentId).filter(Column::IncidentId.is_not_null());
    let rows: Vec<Reported> = incident::Entity::find()
        .select_only()
        .columns([Of::Id, Of::AreaCode, Of::Category, Of::Latitude, Of::Longitude, Of::ReportedAt])
        .filter(Of::ReportedAt.gte(from))
        .filter(Of::ReportedAt.lt(until))
        .filter(Of::Category.is_not_null())
        .filter(Of::DuplicateOf.is_null())
        .filter(Of::State.ne(Code(Status::Withdrawn)))
        .filter(Of::Id.not_in_subquery(made.into_query()))
        .order_by_asc(Of::ReportedAt)
        .into_tuple()
        .all(db)
        .await?;
    let sighting = |(id, area, category, latitude, longitude, at): Reported| {
        let point = Option::zip(latitude, longitude);
        category.map(|category| Sighting { incident: IncidentId(id), area, category, point, at })
    };
    Ok(rows.into_iter().filter_map(sighting).collect())
}
