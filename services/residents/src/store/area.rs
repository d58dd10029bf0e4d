//! The table `areas`: the tree of places.

use chassis::data::{AreaCode, any_of};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

/// One place. Its level lies in its code.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "areas")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: AreaCode,
    pub name: String,
    /// None for the topmost.
    pub parent: Option<AreaCode>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The place, public to everybody.
pub async fn find(db: &impl ConnectionTrait, code: AreaCode) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Code.eq(code)).one(db).await
}

/// Those of `codes` that are known.
pub async fn known(db: &impl ConnectionTrait, codes: &[AreaCode]) -> Result<Vec<Model>, DbErr> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find().filter(any_of(db.get_database_backend(), Column::Code, codes.iter().copied())).all(db).await
}

/// The places directly below `parent`, or the topmost, after `after`, in order of their codes.
pub async fn below(
    db: &impl ConnectionTrait,
    parent: Option<AreaCode>,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = Entity::find();
    find = match parent {
        Some(parent) => find.filter(Column::Parent.eq(parent)),
        None => find.filter(Column::Parent.is_null()),
    };
    if let Some(after) = after {
        find = find.filter(Column::Code.gt(after));
    }
    find.order_by_asc(Column::Code).limit(limit).all(db).await
}

/// Every place within `area`, itself included, that is kept; all of them where there is none.
pub async fn within(db: &impl ConnectionTrait, area: Option<AreaCode>) -> Result<Vec<Model>, DbErr> {
    let find = match area {
        Some(area) => Entity::find().filter(area.holds(Column::Code)),
        None => Entity::find(),
    };
    find.order_by_asc(Column::Code).all(db).await
}
