//! The table `name_keys`: under what a name is found. ADR 0004 says why it is made so.

use chassis::{
    access::Scope,
    data::{AreaCode, AreaLevel},
};
use sea_orm::{ActiveValue::Set, Condition, JoinType, QueryOrder, QuerySelect, entity::prelude::*};

use super::{ResidentId, resident};

/// One key of one name.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "name_keys")]
pub struct Model {
    /// The subdistrict in which the person lives.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subdistrict: AreaCode,
    /// A suffix of the name, or `#` and pinyin initials.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub resident_id: ResidentId,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The rows of one name.
pub fn rows(area: AreaCode, resident: ResidentId, keys: Vec<String>) -> impl Iterator<Item = ActiveModel> {
    let subdistrict = area.at(AreaLevel::Subdistrict).unwrap_or(area);
    keys.into_iter().map(move |key| ActiveModel {
        subdistrict: Set(subdistrict),
        key: Set(key),
        resident_id: Set(resident),
    })
}

/// Takes the rows of one name away.
pub async fn remove(
    db: &impl ConnectionTrait,
    area: AreaCode,
    resident: ResidentId,
    keys: Vec<String>,
) -> Result<(), DbErr> {
    let subdistrict = area.at(AreaLevel::Subdistrict).unwrap_or(area);
    let delete = Entity::delete_many()
        .filter(Column::Subdistrict.eq(subdistrict))
        .filter(Column::Key.is_in(keys))
        .filter(Column::ResidentId.eq(resident));
    delete.exec(db).await.map(drop)
}

/// People of one subdistrict, within the scope and `area`, with a key that starts with one of `prefixes`: their ids in
/// order, after `after`.
pub async fn find(
    scope: &Scope,
    db: &impl ConnectionTrait,
    (subdistrict, area): (AreaCode, AreaCode),
    prefixes: &[String],
    after: Option<ResidentId>,
    limit: u64,
) -> Result<Vec<ResidentId>, DbErr> {
    let any = prefixes.iter().fold(Condition::any(), |any, prefix| {
        // Keys are compared byte by byte, so all that start with the prefix lie below the prefix and the last character.
        let end = format!("{prefix}{}", char::MAX);
        any.add(Condition::all().add(Column::Key.gte(prefix.as_str())).add(Column::Key.lt(end)))
    });
    let mut find = Entity::find()
        .select_only()
        .column(Column::ResidentId)
        .distinct()
        .filter(Column::Subdistrict.eq(subdistrict))
        .filter(any);
    if area != subdistrict || !scope.areas.contain(subdistrict) {
        let to_resident = Entity::belongs_to(resident::Entity).from(Column::ResidentId).to(resident::Column::Id).into();
        find = find
            .join(JoinType::InnerJoin, to_resident)
            .filter(area.holds(resident::Column::AreaCode))
            .filter(scope.areas.hold(resident::Column::AreaCode));
    }
    if let Some(after) = after {
        find = find.filter(Column::ResidentId.gt(after));
    }
    find.order_by_asc(Column::ResidentId).limit(limit).into_tuple().all(db).await
}
