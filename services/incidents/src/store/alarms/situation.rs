//! The table `situations`: what somebody must look at, and what they saw.

use std::collections::BTreeSet;

use chassis::{
    Fault,
    access::{Areas, Scope},
    data::{AreaCode, Page, Sealed, SealedColumn},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, DbBackend, ExprTrait, QueryOrder, QuerySelect, Statement, entity::prelude::*};

use super::around;
use crate::{
    domain::alarm::{AlarmKind, Gathered, SituationId, SituationState},
    store::Code,
};

/// One row of `situations`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "situations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: Code<AlarmKind>,
    pub area_code: AreaCode,
    pub state: Code<SituationState>,
    pub priority: i32,
    pub alarms: i32,
    pub devices: i32,
    pub repeats: i32,
    pub storm: bool,
    pub escalated: i32,
    /// Where the device of the first alarm stands.
    pub place: String,
    pub latitude: f64,
    pub longitude: f64,
    pub opened_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub verified_at: Option<DateTime<Utc>>,
    pub verified_by: Option<String>,
    pub finding: Option<Sealed>,
    pub incident_id: Option<Uuid>,
    /// Counts what people are told of: opened, escalated, verified. More alarms are no new version.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const FINDING: SealedColumn = SealedColumn { table: "situations", column: "finding", id_column: "id" };

impl Model {
    /// As far as gathering needs to know it.
    pub fn gathered(&self) -> Gathered {
        Gathered {
            id: SituationId(self.id),
            kind: self.kind.0,
            area: self.area_code,
            storm: self.storm,
            last_at: self.last_at,
            priority: self.priority,
            opened: false,
            alarms: 0,
            repeats: 0,
            devices: 0,
        }
    }
}

/// A situation that the caller may touch, locked until the commit.
pub async fn get_locked(db: &impl ConnectionTrait, scope: &Scope, id: SituationId) -> Result<Model, Fault> {
    let inside = Entity::find_by_id(id.0).filter(scope.rows(Column::AreaCode, None::<Column>));
    inside.lock_exclusive().one(db).await?.ok_or(Fault::NotFound("situation"))
}

/// The situation with this id, locked until the commit; for the program itself.
pub async fn find_locked(db: &impl ConnectionTrait, id: SituationId) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id.0).lock_exclusive().one(db).await?)
}

/// A situation that the caller may see.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: SituationId) -> Result<Model, Fault> {
    seen(scope).filter(Column::Id.eq(id.0)).one(db).await?.ok_or(Fault::NotFound("situation"))
}

/// Situations that the caller may see, the newest first; and the token of the next page. No states: all.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    area: AreaCode,
    states: &[SituationState],
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let storm = Condition::all().add(Column::Storm.eq(true)).add(around(Column::AreaCode, area));
    let mut query = seen(scope).filter(Condition::any().add(area.holds(Column::AreaCode)).add(storm));
    if !states.is_empty() {
        query = query.filter(Column::State.is_in(states.iter().copied().map(Code)));
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::OpenedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::OpenedAt.lt(at)).add(same_time));
    }
    let mut rows = query.order_by_desc(Column::OpenedAt).order_by_desc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| (row.opened_at, row.id))?;
    Ok((rows, next))
}

/// What alarms of these kinds in these places may be gathered into: what is open and has not rested too long; and whatever
/// the devices' own marks name.
pub async fn open(
    db: &impl ConnectionTrait,
    kinds: Vec<AlarmKind>,
    subdistricts: &[AreaCode],
    since: DateTime<Utc>,
    marked: Vec<Uuid>,
) -> Result<Vec<Model>, Fault> {
    let near = subdistricts.iter().fold(Condition::any(), |any, area| any.add(area.holds(Column::AreaCode)));
    let recent =
        Condition::all().add(Column::Kind.is_in(kinds.into_iter().map(Code))).add(near).add(Column::LastAt.gte(since));
    let wanted = Condition::any().add(recent).add(Column::Id.is_in(marked));
    let open = Entity::find().filter(Column::State.eq(Code(SituationState::Open))).filter(wanted);
    Ok(open.order_by_asc(Column::Id).all(db).await?)
}

/// Adds what a batch brought. What people say of it meanwhile is in other columns.
pub async fn add(db: &impl ConnectionTrait, gathered: &Gathered) -> Result<(), Fault> {
    let Gathered { id, kind: _, area: _, storm: _, last_at, priority, opened: _, alarms, repeats, devices } = gathered;
    let more = |column: Column, by: i32| Expr::col(column).add(by);
    Entity::update_many()
        .col_expr(Column::Alarms, more(Column::Alarms, *alarms))
        .col_expr(Column::Repeats, more(Column::Repeats, *repeats))
        .col_expr(Column::Devices, more(Column::Devices, *devices))
        .col_expr(Column::LastAt, Expr::value(*last_at))
        .col_expr(Column::Priority, Expr::value(*priority))
        .filter(Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(())
}

/// Situations of the caller's areas; and storms around them, which hold some of theirs.
fn seen(scope: &Scope) -> Select<Entity> {
    let mut any = Condition::any().add(scope.rows(Column::AreaCode, None::<Column>));
    if let Areas::Within(areas) = &scope.areas {
        for area in areas {
            any = any.add(Condition::all().add(Column::Storm.eq(true)).add(around(Column::AreaCode, *area)));
        }
    }
    Entity::find().filter(any)
}

/// Names the locks of gathering among others of the database.
const GATHERING: i32 = 7_301;

/// Waits until no other batch gathers in these subdistricts, until the commit. SQLite has one writer anyway.
pub async fn lock_gathering(db: &impl ConnectionTrait, subdistricts: &BTreeSet<AreaCode>) -> Result<(), Fault> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // Nine digits, which fit; in one order, so that two batches never wait for each other.
    let keys: Vec<_> = subdistricts.iter().map(|area| (area.range().start() / 1_000_000).to_string()).collect();
    let sql = format!(
        "SELECT pg_advisory_xact_lock({GATHERING}, k) FROM unnest(ARRAY[{}]::int[]) WITH ORDINALITY AS keys(k, n) ORDER BY n",
        keys.join(",")
    );
    db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    Ok(())
}
