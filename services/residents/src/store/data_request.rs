//! The table `data_requests`: what people ask about their data. What they wrote is sealed.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Keyring, Sealed, SecretText},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, QueryOrder, QuerySelect, entity::prelude::*};

use super::{DataRequestId, ResidentId};
use crate::domain::my_data::{CorrectionField, RequestKind, RequestState};

/// The table's name, as sealed values are bound to it.
pub const TABLE: &str = "data_requests";
/// Its sealed columns.
pub const SEALED: [&str; 4] = ["value", "reason", "answer", "before"];

/// One correction asked for, or one objection.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DataRequestId,
    pub kind: RequestKind,
    pub resident_id: ResidentId,
    /// Where the person lived when it was asked.
    pub area_code: AreaCode,
    /// Of a correction.
    pub field: Option<CorrectionField>,
    /// Of an objection: the purpose's code.
    pub purpose: Option<String>,
    /// Of a correction: what is right; none where the fact is to be removed.
    pub value: Option<Sealed>,
    pub reason: Sealed,
    pub state: RequestState,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub overdue_at: Option<DateTime<Utc>>,
    pub answered_by: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
    pub answer: Option<Sealed>,
    /// What was kept before a correction was taken over.
    pub before: Option<Sealed>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What somebody wrote, sealed for the row; an empty text is none.
pub fn seal(keys: &Keyring, id: DataRequestId, column: &'static str, text: &str) -> Result<Option<Sealed>, Fault> {
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

/// Requests of the scope's areas or about its persons.
fn visible(scope: &Scope) -> Condition {
    Condition::any().add(scope.areas.hold(Column::AreaCode)).add(scope.about(Column::AreaCode, Column::ResidentId))
}

/// Which requests to list.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub kind: RequestKind,
    pub area: Option<AreaCode>,
    pub answered: bool,
}

/// Requests that may be seen, the oldest first, which is due first.
pub async fn list(
    scope: &Scope,
    db: &impl ConnectionTrait,
    wanted: Wanted,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let Wanted { kind, area, answered } = wanted;
    let mut find = Entity::find().filter(visible(scope)).filter(Column::Kind.eq(kind));
    if let Some(area) = area {
        find = find.filter(area.holds(Column::AreaCode));
    }
    if !answered {
        find = find.filter(Column::State.eq(RequestState::Open));
    }
    if let Some(after) = after {
        find = find.filter(Column::Id.gt(after));
    }
    find.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// The request, if it may be seen.
pub async fn get(scope: &Scope, db: &impl ConnectionTrait, id: DataRequestId) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(visible(scope));
    find.one(db).await?.ok_or(Fault::NotFound("request"))
}

/// The request of this kind within the scope's areas; nobody else changes it until the commit.
pub async fn lock(
    scope: &Scope,
    tx: &impl ConnectionTrait,
    (kind, id): (RequestKind, DataRequestId),
) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode)).filter(Column::Kind.eq(kind));
    find.lock_exclusive().one(tx).await?.ok_or(Fault::NotFound("request"))
}

/// The open request of a timer; nobody else changes it until the commit.
pub async fn lock_open(tx: &impl ConnectionTrait, id: DataRequestId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(Column::State.eq(RequestState::Open)).lock_exclusive().one(tx).await
}

/// Everything that was asked about these records, the oldest first. The caller has passed their scope.
pub async fn about(db: &impl ConnectionTrait, residents: &[ResidentId]) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::ResidentId.is_in(residents.iter().copied()));
    find.order_by_asc(Column::Id).all(db).await
}

/// How many requests about these records are open.
pub async fn open_about(db: &impl ConnectionTrait, residents: &[ResidentId]) -> Result<u64, DbErr> {
    let find = Entity::find().filter(Column::ResidentId.is_in(residents.iter().copied()));
    find.filter(Column::State.eq(RequestState::Open)).count(db).await
}
