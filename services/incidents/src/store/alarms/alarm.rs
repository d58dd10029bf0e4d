//! The table `alarms`: what was taken. What a device said in words and where its video lies is sealed.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page, Sealed, SealedColumn},
};
use chrono::{DateTime, Utc};
use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Query, SelectStatement},
};

use crate::{
    domain::alarm::{AlarmKind, SituationId},
    store::Code,
};

/// One row of `alarms`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alarms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub partner: String,
    /// With `partner` unique.
    pub partner_alarm_id: String,
    pub device_id: Uuid,
    pub device: String,
    pub area_code: AreaCode,
    pub situation_id: Uuid,
    pub kind: Code<AlarmKind>,
    pub priority: i32,
    pub at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub note: Option<Sealed>,
    pub video: Option<Sealed>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const fn sealed(column: &'static str) -> SealedColumn {
    SealedColumn { table: "alarms", column, id_column: "id" }
}

pub const NOTE: SealedColumn = sealed("note");
pub const VIDEO: SealedColumn = sealed("video");

/// Which of these the partner's alarms are here already; for the program itself.
pub async fn known(db: &impl ConnectionTrait, partner: &str, ids: Vec<&str>) -> Result<Vec<String>, Fault> {
    let known = Entity::find().select_only().column(Column::PartnerAlarmId).filter(Column::Partner.eq(partner));
    Ok(known.filter(Column::PartnerAlarmId.is_in(ids)).into_tuple().all(db).await?)
}

/// An alarm that the caller may see.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: Uuid) -> Result<Model, Fault> {
    within(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Fault::NotFound("alarm"))
}

/// The alarms of a situation that the caller may see, in the order in which they came; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    situation: SituationId,
    page: &Page<Uuid>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = within(scope).filter(Column::SituationId.eq(situation.0));
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    let mut rows = query.order_by_asc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.id)?;
    Ok((rows, next))
}

/// The ids of a situation's devices.
pub(super) fn devices_of(situation: SituationId) -> SelectStatement {
    Query::select()
        .distinct()
        .column(Column::DeviceId)
        .from(Entity)
        .and_where(Column::SituationId.eq(situation.0))
        .to_owned()
}

fn within(scope: &Scope) -> Select<Entity> {
    Entity::find().filter(scope.rows(Column::AreaCode, None::<Column>))
}
