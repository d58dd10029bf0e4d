//! The table `alarm_devices`: what may raise alarms, and how often it was wrong.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{Condition, ExprTrait, QueryOrder, QuerySelect, entity::prelude::*};

use super::{alarm, situation};
use crate::domain::alarm::{SituationId, Standing};

/// One row of `alarm_devices`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alarm_devices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub partner: String,
    /// The partner's name of it; with `partner` unique.
    pub code: String,
    pub area_code: AreaCode,
    pub place: String,
    pub latitude: f64,
    pub longitude: f64,
    pub restricted: bool,
    pub heartbeat_s: i32,
    pub damping_s: Option<i32>,
    pub retired: bool,
    pub changed_at: DateTime<Utc>,
    pub last_seen_at: Option<DateTime<Utc>>,
    pub silent_since: Option<DateTime<Utc>>,
    pub real_verdicts: i32,
    pub false_verdicts: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the rules need to know of it.
    pub fn standing(&self) -> Standing {
        Standing {
            area: self.area_code,
            point: (self.latitude, self.longitude),
            restricted: self.restricted,
            retired: self.retired,
        }
    }

    /// When it is missed: two signs of life have not come. None where it gives none.
    pub fn missed_at(&self) -> Option<DateTime<Utc>> {
        let heard = std::cmp::max(self.last_seen_at.unwrap_or(self.changed_at), self.changed_at);
        let listens = self.heartbeat_s > 0 && !self.retired;
        listens.then(|| heard + TimeDelta::seconds(i64::from(self.heartbeat_s) * 2))
    }
}

/// The device of this code, which the caller may touch.
pub async fn find(db: &impl ConnectionTrait, scope: &Scope, partner: &str, code: &str) -> Result<Option<Model>, Fault> {
    let mine = within(scope).filter(Column::Partner.eq(partner)).filter(Column::Code.eq(code));
    Ok(mine.one(db).await?)
}

/// The device with this id, locked until the commit; for the program itself.
pub async fn find_locked(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).lock_exclusive().one(db).await?)
}

/// A partner's devices of these codes; for the program itself.
pub async fn of_codes(db: &impl ConnectionTrait, partner: &str, codes: Vec<&str>) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(Column::Partner.eq(partner)).filter(Column::Code.is_in(codes)).all(db).await?)
}

/// Devices of an area that the caller may see, by code; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    area: AreaCode,
    page: &Page<(String, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = within(scope).filter(area.holds(Column::AreaCode));
    if let Some((code, id)) = &page.after {
        let same = Condition::all().add(Column::Code.eq(code.as_str())).add(Column::Id.gt(*id));
        query = query.filter(Condition::any().add(Column::Code.gt(code.as_str())).add(same));
    }
    let mut rows = query.order_by_asc(Column::Code).order_by_asc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| (row.code.clone(), row.id))?;
    Ok((rows, next))
}

/// Notes that these were heard.
pub async fn heard(db: &impl ConnectionTrait, ids: Vec<Uuid>, at: DateTime<Utc>) -> Result<(), Fault> {
    let silent = Expr::value(Option::<DateTime<Utc>>::None);
    let update = Entity::update_many().filter(Column::Id.is_in(ids));
    update.col_expr(Column::LastSeenAt, Expr::value(at)).col_expr(Column::SilentSince, silent).exec(db).await?;
    Ok(())
}

/// Counts a verdict for every device of a situation.
pub async fn count_verdict(db: &impl ConnectionTrait, situation: SituationId, real: bool) -> Result<(), Fault> {
    let column = if real { Column::RealVerdicts } else { Column::FalseVerdicts };
    let update = Entity::update_many().col_expr(column, Expr::col(column).add(1));
    update.filter(Column::Id.in_subquery(alarm::devices_of(situation))).exec(db).await?;
    Ok(())
}

fn within(scope: &Scope) -> Select<Entity> {
    Entity::find().filter(scope.rows(Column::AreaCode, None::<situation::Column>))
}
