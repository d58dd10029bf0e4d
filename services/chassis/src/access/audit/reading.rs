//! Who looked at somebody's record: the log read by the one whom it is about.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::store::{Column, Entity, Model};

/// Where a page of looks ends: the entry's id.
pub type LookedAfter = Uuid;

/// One look that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// The account; it is not shown to the one who was looked at, but its [`staff_code`](crate::access::staff_code) is.
    pub who: String,
    /// In which roles: `grid_worker`, `handler:sanitation`; empty in entries older than that column.
    pub acting: String,
    pub on_behalf: Option<String>,
    /// The purpose's code.
    pub purpose: String,
    pub method: String,
    pub subject: String,
    /// Separated by commas.
    pub fields: String,
    /// The approval that it needed.
    pub basis: Option<String>,
}

/// Looks at the records named, the latest first, before the entry `after`; ids are in the order of time.
pub async fn looks_at(
    db: &impl ConnectionTrait,
    subjects: &[Uuid],
    after: Option<LookedAfter>,
    limit: u64,
) -> Result<Vec<Looked>, DbErr> {
    // What was done and not looked at has no purpose.
    let looked = Column::Purpose.ne("");
    let mut find = Entity::find().filter(Column::Subject.is_in(subjects.iter().map(Uuid::to_string))).filter(looked);
    if let Some(after) = after {
        find = find.filter(Column::Id.lt(after));
    }
    let entries = find.order_by_desc(Column::Id).limit(limit).all(db).await?;
    Ok(entries.into_iter().map(Looked::from).collect())
}

impl From<Model> for Looked {
    fn from(entry: Model) -> Self {
        let Model {
            id,
            at,
            who,
            on_behalf,
            purpose,
            method,
            subject,
            fields,
            request: _,
            acting,
            basis,
            seq: _,
            prev: _,
            hash: _,
        } = entry;
        let acting = acting.unwrap_or_default();
        Self { id, at, who, acting, on_behalf, purpose, method, subject, fields, basis }
    }
}

/// How many looks were taken on these approvals.
pub async fn looks_on(db: &impl ConnectionTrait, bases: &[Uuid]) -> Result<u64, DbErr> {
    /// Values that one statement may well carry.
    const AT_ONCE: usize = 500;
    let mut looks = 0;
    for some in bases.chunks(AT_ONCE) {
        let find = Entity::find().filter(Column::Basis.is_in(some.iter().map(Uuid::to_string)));
        looks += find.count(db).await?;
    }
    Ok(looks)
}
