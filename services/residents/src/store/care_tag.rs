//! The table `care_tags`: why somebody may need care. A tag that was taken away stays as a row with the day, so that an
//! older survey does not bring it back.

use chassis::data::any_of;
use chrono::NaiveDate;
use sea_orm::{
    ActiveValue::Set,
    Condition, QueryOrder,
    entity::prelude::*,
    sea_query::{InsertStatement, OnConflict},
};

use super::ResidentId;
use crate::domain::{care::CareTag, facts::Source};

/// One reason for care of one person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "care_tags")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub resident_id: ResidentId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: CareTag,
    pub source: Source,
    pub observed_on: NaiveDate,
    /// None: until it is taken away.
    pub expires_on: Option<NaiveDate>,
    /// None: it holds.
    pub cleared_on: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether the tag holds on that day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.cleared_on.is_none() && self.expires_on.is_none_or(|expires| expires >= day)
    }
}

/// The tag holds on that day; as [`Model::holds_on`].
pub fn holds_on(day: NaiveDate) -> Condition {
    let open = Condition::any().add(Column::ExpiresOn.is_null()).add(Column::ExpiresOn.gte(day));
    Condition::all().add(Column::ClearedOn.is_null()).add(open)
}

/// All tags of these people, also those that hold no longer. The caller has passed their scope.
pub async fn of(db: &impl ConnectionTrait, residents: &[ResidentId]) -> Result<Vec<Model>, DbErr> {
    if residents.is_empty() {
        return Ok(Vec::new());
    }
    let find = Entity::find().filter(any_of(db.get_database_backend(), Column::ResidentId, residents.iter().copied()));
    find.order_by_asc(Column::ResidentId).order_by_asc(Column::Kind).all(db).await
}

/// Writes tags in one statement, in place of those of the same person and kind.
pub fn put(tags: &[Model]) -> Option<InsertStatement> {
    if tags.is_empty() {
        return None;
    }
    let rows = tags.iter().map(|tag| {
        let Model { resident_id, kind, source, observed_on, expires_on, cleared_on } = *tag;
        ActiveModel {
            resident_id: Set(resident_id),
            kind: Set(kind),
            source: Set(source),
            observed_on: Set(observed_on),
            expires_on: Set(expires_on),
            cleared_on: Set(cleared_on),
        }
    });
    let newer = OnConflict::columns([Column::ResidentId, Column::Kind])
        .update_columns([Column::Source, Column::ObservedOn, Column::ExpiresOn, Column::ClearedOn])
        .to_owned();
    Some(sea_orm::QueryTrait::into_query(Entity::insert_many(rows).on_conflict(newer)))
}

/// Takes tags away for good, with no trace: only for a merge that is undone.
pub async fn erase(db: &impl ConnectionTrait, resident: ResidentId, kinds: &[CareTag]) -> Result<(), DbErr> {
    if kinds.is_empty() {
        return Ok(());
    }
    let delete = Entity::delete_many().filter(Column::ResidentId.eq(resident));
    delete.filter(Column::Kind.is_in(kinds.iter().copied())).exec(db).await.map(drop)
}

/// From a tag to its person, for joins.
pub fn to_resident() -> sea_orm::RelationDef {
    Entity::belongs_to(super::resident::Entity).from(Column::ResidentId).to(super::resident::Column::Id).into()
}
