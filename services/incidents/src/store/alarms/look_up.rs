//! The table `video_look_ups`: who used a reference to video, when and why. It is only ever added to.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page, Sealed, SealedColumn},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, QueryOrder, QuerySelect, entity::prelude::*};

/// One row of `video_look_ups`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "video_look_ups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub who: String,
    /// Code of the reason.
    pub reason: String,
    pub detail: Sealed,
    pub purpose: String,
    pub alarm_id: Uuid,
    pub situation_id: Uuid,
    pub device: String,
    pub area_code: AreaCode,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const DETAIL: SealedColumn = SealedColumn { table: "video_look_ups", column: "detail", id_column: "id" };

/// Look-ups of an area that the caller may see, the newest first; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    area: AreaCode,
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query =
        Entity::find().filter(scope.rows(Column::AreaCode, None::<Column>)).filter(area.holds(Column::AreaCode));
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::At.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::At.lt(at)).add(same_time));
    }
    let mut rows = query.order_by_desc(Column::At).order_by_desc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| (row.at, row.id))?;
    Ok((rows, next))
}
