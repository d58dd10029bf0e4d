//! The table `alarm_marks`: what each device last said of each kind.

use std::collections::HashMap;

use chassis::{Fault, data::Tx};
use chrono::{DateTime, Utc};
use sea_orm::{
    FromQueryResult, JoinType, QuerySelect,
    entity::prelude::*,
    sea_query::{OnConflict, Query},
};

use super::situation;
use crate::{
    domain::alarm::{AlarmKind, Mark, SituationId},
    store::Code,
};

/// One row of `alarm_marks`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alarm_marks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    pub situation_id: Uuid,
    pub last_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::situation::Entity",
        from = "Column::SituationId",
        to = "super::situation::Column::Id"
    )]
    Situation,
}

impl ActiveModelBehavior for ActiveModel {}

#[derive(FromQueryResult)]
struct Marked {
    device_id: Uuid,
    kind: Code<AlarmKind>,
    situation_id: Uuid,
    last_at: DateTime<Utc>,
    verified_at: Option<DateTime<Utc>>,
}

/// What these devices said before, and whether somebody has looked.
pub async fn of_devices(
    db: &impl ConnectionTrait,
    devices: Vec<Uuid>,
) -> Result<HashMap<(Uuid, AlarmKind), Mark>, Fault> {
    let rows = Entity::find()
        .select_only()
        .columns([Column::DeviceId, Column::Kind, Column::SituationId, Column::LastAt])
        .column(situation::Column::VerifiedAt)
        .join(JoinType::InnerJoin, Relation::Situation.def())
        .filter(Column::DeviceId.is_in(devices))
        .into_model::<Marked>()
        .all(db)
        .await?;
    let mark = |row: Marked| {
        let Marked { device_id, kind: Code(kind), situation_id, last_at, verified_at } = row;
        ((device_id, kind), Mark { situation: SituationId(situation_id), last_at, verified_at })
    };
    Ok(rows.into_iter().map(mark).collect())
}

/// Writes what they say now, with the commit.
pub fn set(tx: &Tx, marks: impl Iterator<Item = ((Uuid, AlarmKind), Mark)>) {
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([Column::DeviceId, Column::Kind, Column::SituationId, Column::LastAt]);
    let mut any = false;
    for ((device, kind), mark) in marks {
        let values = [device.into(), kind.code().into(), mark.situation.0.into(), mark.last_at.into()];
        insert.values_panic(values);
        any = true;
    }
    if any {
        let again = OnConflict::columns([Column::DeviceId, Column::Kind])
            .update_columns([Column::SituationId, Column::LastAt])
            .to_owned();
        tx.append_statement(insert.on_conflict(again).to_owned());
    }
}
