//! The table `incidents`: where each one stands now. What led there is in the timeline.

use std::collections::{BTreeSet, HashMap};

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, BlindIndex, Page, Place, Sealed, SealedColumn},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ActiveValue::Set,
    Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};

use super::Code;
use crate::domain::{
    CategoryCode, Channel, Incident, IncidentId, Satisfaction, Status, Subject, Unit, Urgency, dispute::Handing,
};

/// One row of `incidents`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "incidents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub number: String,
    pub area_code: AreaCode,
    pub channel: Code<Channel>,
    pub state: Code<Status>,
    pub category: Option<String>,
    pub urgency: Option<Code<Urgency>>,
    /// In the reporter's words; none where an import brought none.
    pub description: Option<Sealed>,
    pub address: Option<Sealed>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// Subject of the reporter's token: whose own row it is.
    pub reporter: Option<String>,
    pub reporter_name: Option<Sealed>,
    pub reporter_phone: Option<Sealed>,
    pub unit: Option<String>,
    /// How it came to the unit, as JSON; none where nothing is to be said.
    #[sea_orm(column_type = "Text", nullable)]
    pub handing: Option<String>,
    /// JSON array of subjects.
    #[sea_orm(column_type = "Text")]
    pub worked_by: String,
    pub proposed_by: Option<String>,
    pub duplicate_of: Option<Uuid>,
    pub next_look_on: Option<NaiveDate>,
    pub endangers_area: Option<AreaCode>,
    pub endangers_compound: Option<String>,
    pub endangers_building: Option<String>,
    pub need_help: Option<i32>,
    pub satisfaction: Option<Code<Satisfaction>>,
    pub reported_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    /// How many entries the timeline has.
    pub version: i64,
    /// Which other system an import took it from; with `source_number` unique.
    pub source_system: Option<String>,
    pub source_number: Option<String>,
    /// Keyed hash of the imported row: equal means unchanged.
    pub source_content: Option<BlindIndex>,
    pub source_updated_at: Option<DateTime<Utc>>,
    /// The version the import left it at; another version means that somebody here has acted on it since.
    pub source_version: Option<i64>,
    /// By when that system wants it solved.
    pub source_deadline: Option<DateTime<Utc>>,
    /// Answers to the category's questions, as JSON.
    pub answers: Option<Sealed>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const TABLE: &str = "incidents";

/// A sealed column of this table.
const fn sealed(column: &'static str) -> SealedColumn {
    SealedColumn { table: TABLE, column, id_column: "id" }
}

pub const DESCRIPTION: SealedColumn = sealed("description");
pub const ADDRESS: SealedColumn = sealed("address");
pub const REPORTER_NAME: SealedColumn = sealed("reporter_name");
pub const REPORTER_PHONE: SealedColumn = sealed("reporter_phone");
pub const ANSWERS: SealedColumn = sealed("answers");

/// A building whose people are in danger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Building {
    pub area: AreaCode,
    pub compound: String,
    pub building: String,
}

impl Model {
    /// What the rules need to know of it.
    pub fn incident(&self) -> Result<Incident, Fault> {
        let damaged = |what: &str| Fault::Internal(format!("incident {} has a damaged {what}", self.id));
        let worked_by: BTreeSet<Subject> = serde_json::from_str(&self.worked_by).map_err(|_| damaged("worked_by"))?;
        Ok(Incident {
            id: IncidentId(self.id),
            status: self.state.0,
            channel: self.channel.0,
            reporter: self.reporter.clone().map(Subject),
            category: self.category.clone().map(CategoryCode::recorded),
            urgency: self.urgency.map(|Code(urgency)| urgency),
            endangers_building: self.endangers_building.is_some(),
            need_help: self.need_help.map(u32::try_from).transpose().map_err(|_| damaged("need_help"))?,
            unit: self.unit.clone().map(Unit),
            handing: self.handing()?,
            worked_by,
            proposed_by: self.proposed_by.clone().map(Subject),
            satisfaction: self.satisfaction.map(|Code(satisfaction)| satisfaction),
            duplicate_of: self.duplicate_of.map(IncidentId),
            next_look_on: self.next_look_on,
            reported_at: self.reported_at,
            closed_at: self.closed_at,
            version: u32::try_from(self.version).map_err(|_| damaged("version"))?,
        })
    }

    /// Whether the person did a part of the work. A row that cannot be read says yes.
    pub fn was_worked_by(&self, subject: &str) -> bool {
        let worked_by: Result<Vec<String>, _> = serde_json::from_str(&self.worked_by);
        worked_by.map_or(true, |all| all.iter().any(|one| one == subject))
    }

    /// How it came to its unit.
    pub fn handing(&self) -> Result<Handing, Fault> {
        let Some(handing) = &self.handing else { return Ok(Handing::default()) };
        let damaged = |e| Fault::Internal(format!("incident {} has a damaged handing: {e}", self.id));
        serde_json::from_str(handing).map_err(damaged)
    }

    /// The building it endangers, if any.
    pub fn endangers(&self) -> Option<Building> {
        let (compound, building) = (self.endangers_compound.clone()?, self.endangers_building.clone()?);
        Some(Building { area: self.endangers_area?, compound, building })
    }

    /// Where a sealed value of this row lies.
    pub fn place(&self, column: SealedColumn) -> Place {
        column.at(self.id)
    }

    fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.reported_at, self.id)
    }
}

/// A row with nothing in the columns that a report does not fill.
pub fn new() -> ActiveModel {
    ActiveModel {
        endangers_area: Set(None),
        endangers_compound: Set(None),
        endangers_building: Set(None),
        source_system: Set(None),
        source_number: Set(None),
        source_content: Set(None),
        source_updated_at: Set(None),
        source_version: Set(None),
        source_deadline: Set(None),
        answers: Set(None),
        ..Default::default()
    }
}

/// `row` with the columns that follow from the incident's life; the rest is left as it is.
pub fn life(row: ActiveModel, incident: &Incident, updated_at: DateTime<Utc>) -> Result<ActiveModel, Fault> {
    let Incident {
        id: _,
        status,
        channel,
        reporter,
        category,
        urgency,
        endangers_building: _,
        need_help,
        unit,
        handing,
        worked_by,
        proposed_by,
        satisfaction,
        duplicate_of,
        next_look_on,
        reported_at,
        closed_at,
        version,
    } = incident;
    let handing = (*handing != Handing::default()).then(|| serde_json::to_string(handing)).transpose();
    Ok(ActiveModel {
        channel: Set(Code(*channel)),
        state: Set(Code(*status)),
        category: Set(category.as_ref().map(|code| code.as_str().to_owned())),
        urgency: Set(urgency.map(Code)),
        reporter: Set(reporter.as_ref().map(|subject| subject.0.clone())),
        unit: Set(unit.as_ref().map(|unit| unit.0.clone())),
        handing: Set(handing.map_err(|e| Fault::Internal(e.to_string()))?),
        worked_by: Set(serde_json::to_string(worked_by).map_err(|e| Fault::Internal(e.to_string()))?),
        proposed_by: Set(proposed_by.as_ref().map(|subject| subject.0.clone())),
        duplicate_of: Set(duplicate_of.map(|id| id.0)),
        next_look_on: Set(*next_look_on),
        need_help: Set(need_help.map(|people| i32::try_from(people).unwrap_or(i32::MAX))),
        satisfaction: Set(satisfaction.map(Code)),
        reported_at: Set(*reported_at),
        closed_at: Set(*closed_at),
        updated_at: Set(updated_at),
        version: Set(i64::from(*version)),
        ..row
    })
}

/// An incident that the caller may touch.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: IncidentId) -> Result<Model, Fault> {
    within(scope).filter(Column::Id.eq(id.0)).one(db).await?.ok_or(Fault::NotFound("incident"))
}

/// Two incidents that the caller may touch, locked until the commit: what one is joined to must not change meanwhile. Both
/// are locked in the order of ids, so that two joins of the same pair wait for each other.
pub async fn get_pair(
    db: &impl ConnectionTrait,
    scope: &Scope,
    (one, other): (IncidentId, IncidentId),
) -> Result<(Model, Model), Fault> {
    let rows = within(scope)
        .filter(Column::Id.is_in([one.0, other.0]))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    let find = |id: IncidentId| rows.iter().find(|row| row.id == id.0).cloned().ok_or(Fault::NotFound("incident"));
    Ok((find(one)?, find(other)?))
}

/// The incident with this id, locked until the commit; for the program itself.
pub async fn find_locked(db: &impl ConnectionTrait, id: IncidentId) -> Result<Option<Model>, Fault> {
    Ok(within(&Scope::everything()).filter(Column::Id.eq(id.0)).lock_exclusive().one(db).await?)
}

/// The incident with this id, locked until the commit; none where somebody else holds its lock.
pub async fn find_free_locked(db: &impl ConnectionTrait, id: IncidentId) -> Result<Option<Model>, Fault> {
    let row = within(&Scope::everything()).filter(Column::Id.eq(id.0));
    Ok(row.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).one(db).await?)
}

/// The incident that another system knows under this number, if the caller may touch it.
pub async fn find_of_source(
    db: &impl ConnectionTrait,
    scope: &Scope,
    system: &str,
    number: &str,
) -> Result<Option<Model>, Fault> {
    let rows = within(scope).filter(Column::SourceSystem.eq(system)).filter(Column::SourceNumber.eq(number));
    Ok(rows.one(db).await?)
}

/// Those of these incidents that the caller may touch.
pub async fn of_ids(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: impl IntoIterator<Item = Uuid> + Send,
) -> Result<HashMap<Uuid, Model>, Fault> {
    let rows = within(scope).filter(Column::Id.is_in(ids)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The incidents taken from a system under these numbers, locked until the commit; for the program itself.
pub async fn of_source(db: &impl ConnectionTrait, system: &str, numbers: &[&str]) -> Result<Vec<Model>, Fault> {
    let rows = within(&Scope::everything())
        .filter(Column::SourceSystem.eq(system))
        .filter(Column::SourceNumber.is_in(numbers.iter().copied()));
    Ok(rows.lock_exclusive().all(db).await?)
}

/// The newest incidents that the caller may touch, by their ids.
pub async fn newest_ids(db: &impl ConnectionTrait, scope: &Scope, most: u64) -> Result<Vec<Uuid>, Fault> {
    let newest = within(scope).order_by_desc(Column::ReportedAt).order_by_desc(Column::Id).limit(most);
    Ok(newest.select_only().column(Column::Id).into_tuple().all(db).await?)
}

/// Which incidents a list is about.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    /// Empty: all.
    pub states: Vec<Status>,
    /// The codes of a category, or of a group and what stands in it; none: all.
    pub categories: Option<Vec<String>>,
}

/// Incidents that the caller may touch, the newest first; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: &Wanted,
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, states, categories } = wanted;
    let mut query = within(scope).filter(area.holds(Column::AreaCode));
    if !states.is_empty() {
        query = query.filter(Column::State.is_in(states.iter().copied().map(Code)));
    }
    if let Some(codes) = categories {
        query = query.filter(Column::Category.is_in(codes.iter().map(String::as_str)));
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::ReportedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::ReportedAt.lt(at)).add(same_time));
    }
    let query = query.order_by_desc(Column::ReportedAt).order_by_desc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, Model::key)?;
    Ok((rows, next))
}

fn within(scope: &Scope) -> Select<Entity> {
    Entity::find().filter(scope.rows(Column::AreaCode, Some(Column::Reporter)))
}

/// Writes what changed, if the row still has the version that was read; says whether it had.
pub async fn update(db: &impl ConnectionTrait, changed: ActiveModel, read: i64) -> Result<bool, Fault> {
    let id = changed.id.clone().take().ok_or_else(|| Fault::Internal("an update without id".to_owned()))?;
    let outcome =
        Entity::update_many().set(changed).filter(Column::Id.eq(id)).filter(Column::Version.eq(read)).exec(db).await?;
    Ok(outcome.rows_affected == 1)
}
