//! The table `minor_access`: leave to look at minors' records, and looks that were taken in an emergency. What people wrote
//! is sealed.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Keyring, Sealed, SecretText},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, FromQueryResult, QueryOrder, QuerySelect, entity::prelude::*};

use super::{MinorAccessId, ResidentId};
use crate::domain::minors::AccessState;

/// The table's name, as sealed values are bound to it.
pub const TABLE: &str = "minor_access";
/// Its sealed columns.
pub const SEALED: [&str; 2] = ["reason", "decision"];

/// One reader's leave for one record and purpose.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "minor_access")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MinorAccessId,
    pub resident_id: ResidentId,
    /// Where the minor lived when it was asked.
    pub area_code: AreaCode,
    /// The purpose's code.
    pub purpose: String,
    /// The subject of the calls that read.
    pub reader: String,
    /// None for a look in an emergency.
    pub reason: Option<Sealed>,
    pub state: AccessState,
    pub requested_at: DateTime<Utc>,
    pub days: i32,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decision: Option<Sealed>,
    /// Until when an approval holds.
    pub until: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What somebody wrote, sealed for the row; an empty text is none.
pub fn seal(keys: &Keyring, id: MinorAccessId, column: &'static str, text: &str) -> Result<Option<Sealed>, Fault> {
    let sealed = (!text.is_empty()).then(|| keys.seal(super::place(TABLE, column, id.0), text));
    sealed.transpose().map_err(super::seal_fault)
}

impl Model {
    /// A sealed column of this row in clear.
    pub async fn open(
        &self,
        keys: &Keyring,
        column: &'static str,
        sealed: Option<&Sealed>,
    ) -> Result<Option<SecretText>, Fault> {
        super::open(keys, super::place(TABLE, column, self.id.0), sealed).await
    }
}

/// Approvals of this reader for this purpose that hold at `now`, for any of the records.
pub async fn holding(
    db: &impl ConnectionTrait,
    (reader, purpose): (&str, &str),
    residents: &[ResidentId],
    now: DateTime<Utc>,
) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::Reader.eq(reader)).filter(Column::Purpose.eq(purpose));
    let find = find.filter(Column::ResidentId.is_in(residents.iter().copied()));
    find.filter(Column::State.eq(AccessState::Approved)).filter(Column::Until.gt(now)).all(db).await
}

/// Looks of this reader in an emergency since `since` that nobody has reviewed, for any of the records.
pub async fn to_review(
    db: &impl ConnectionTrait,
    reader: &str,
    residents: &[ResidentId],
    since: DateTime<Utc>,
) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::Reader.eq(reader)).filter(Column::RequestedAt.gt(since));
    let find = find.filter(Column::ResidentId.is_in(residents.iter().copied()));
    find.filter(Column::State.eq(AccessState::ToReview)).all(db).await
}

/// How many requests and approvals this reader has open at `now`.
pub async fn open_of(db: &impl ConnectionTrait, reader: &str, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let approved = Condition::all().add(Column::State.eq(AccessState::Approved)).add(Column::Until.gt(now));
    let open = Condition::any().add(Column::State.eq(AccessState::Requested)).add(approved);
    Entity::find().filter(Column::Reader.eq(reader)).filter(open).count(db).await
}

/// Rows within the scope, the latest first.
pub async fn list(
    scope: &Scope,
    db: &impl ConnectionTrait,
    state: Option<AccessState>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = Entity::find().filter(scope.areas.hold(Column::AreaCode));
    if let Some(state) = state {
        find = find.filter(Column::State.eq(state));
    }
    if let Some(after) = after {
        find = find.filter(Column::Id.lt(after));
    }
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The row, if it lies within the scope.
pub async fn get(scope: &Scope, db: &impl ConnectionTrait, id: MinorAccessId) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode));
    find.one(db).await?.ok_or(Fault::NotFound("request"))
}

/// As [`get`], and nobody else changes it until the commit.
pub async fn lock(scope: &Scope, tx: &impl ConnectionTrait, id: MinorAccessId) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode)).lock_exclusive();
    find.one(tx).await?.ok_or(Fault::NotFound("request"))
}

/// What a year's figures are made of.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Counted {
    pub id: MinorAccessId,
    pub state: AccessState,
    /// An approval was given, whatever became of it.
    pub until: Option<DateTime<Utc>>,
}

/// The rows of an area that began in a time. The caller has passed the scope.
pub async fn of_time(
    db: &impl ConnectionTrait,
    area: AreaCode,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Counted>, DbErr> {
    let find = Entity::find().select_only().columns([Column::Id, Column::State, Column::Until]);
    let find = find.filter(area.holds(Column::AreaCode)).filter(Column::RequestedAt.gte(from));
    find.filter(Column::RequestedAt.lt(until)).into_model::<Counted>().all(db).await
}
