//! The tables `grants` and `mandates`. Rows are never deleted.

use chassis::{
    Fault,
    access::{Cover, Grant, Role, Scope, cover_code, cover_of, role_code, role_of},
    data::AreaCode,
};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

pub mod grant {
    use chassis::data::AreaCode;
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// A role within one scope.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "grants")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub account: Uuid,
        /// The role's code.
        pub role: String,
        /// None: everywhere.
        pub area: Option<AreaCode>,
        pub unit: Option<String>,
        /// A centre or a room.
        pub place: Option<Uuid>,
        /// The record of the register that is the account's own.
        pub person: Option<Uuid>,
        pub starts_at: DateTime<Utc>,
        /// None: until it is taken away.
        pub ends_at: Option<DateTime<Utc>>,
        /// The subject of the call that gave it.
        pub granted_by: String,
        pub reason: String,
        pub created_at: DateTime<Utc>,
        pub revoked_at: Option<DateTime<Utc>>,
        pub revoked_by: Option<String>,
        pub revoke_reason: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod mandate {
    use chassis::data::AreaCode;
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// What a person of the register lets an account do for them.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mandates")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The account that acts.
        pub holder: Uuid,
        /// The record of the person for whom.
        pub person: Uuid,
        /// Codes, separated by commas.
        pub covers: String,
        /// The mandate counts only while the person's record lies within.
        pub area: AreaCode,
        pub starts_at: DateTime<Utc>,
        pub ends_at: DateTime<Utc>,
        /// By what the person's will was seen.
        pub proof: String,
        pub recorded_by: String,
        pub created_at: DateTime<Utc>,
        pub revoked_at: Option<DateTime<Utc>>,
        pub revoked_by: Option<String>,
        pub revoke_reason: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl grant::Model {
    /// As services hear it; none where the role is one that this version does not know.
    fn to_access(&self) -> Option<Grant> {
        Some(Grant {
            unit: self.unit.clone(),
            place: self.place,
            persons: self.person.into_iter().collect(),
            ..Grant::new(role_of(&self.role)?, self.area.map(|area| vec![area]))
        })
    }
}

impl mandate::Model {
    /// What it covers; codes that this version does not know cover nothing.
    pub(super) fn covers(&self) -> Vec<Cover> {
        self.covers.split(',').filter_map(cover_of).collect()
    }

    /// As services hear it while the holder acts for the person.
    fn to_access(&self) -> Grant {
        Grant {
            persons: vec![self.person],
            covers: Some(self.covers()),
            ..Grant::new(Role::Resident, Some(vec![self.area]))
        }
    }
}

/// `see,correct`
pub(super) fn covers_text(covers: &[Cover]) -> String {
    covers.iter().map(|cover| cover_code(*cover)).collect::<Vec<_>>().join(",")
}

/// Grants that hold at `now`.
fn holding(now: DateTime<Utc>) -> Condition {
    use grant::Column;
    Condition::all()
        .add(Column::RevokedAt.is_null())
        .add(Column::StartsAt.lte(now))
        .add(Condition::any().add(Column::EndsAt.is_null()).add(Column::EndsAt.gt(now)))
}

fn mandates_holding(now: DateTime<Utc>) -> Condition {
    use mandate::Column;
    Condition::all().add(Column::RevokedAt.is_null()).add(Column::StartsAt.lte(now)).add(Column::EndsAt.gt(now))
}

/// What the account may do at `now` in its own name. A grant taken away is missing from the next call on.
pub async fn grants_of(db: &impl ConnectionTrait, account: Uuid, now: DateTime<Utc>) -> Result<Vec<Grant>, DbErr> {
    let find = grant::Entity::find().filter(grant::Column::Account.eq(account)).filter(holding(now));
    let rows = find.order_by_asc(grant::Column::Id).all(db).await?;
    Ok(rows.iter().filter_map(grant::Model::to_access).collect())
}

/// What the account may do at `now` for `person`, by mandate; none where no mandate holds. These grants take the place of
/// the account's own for the call: what it may do in its own name it may not do in that of another.
pub async fn grants_on_behalf(
    db: &impl ConnectionTrait,
    account: Uuid,
    person: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Vec<Grant>>, DbErr> {
    use mandate::Column;
    let find = mandate::Entity::find().filter(Column::Holder.eq(account)).filter(Column::Person.eq(person));
    let rows = find.filter(mandates_holding(now)).order_by_asc(Column::Id).all(db).await?;
    Ok((!rows.is_empty()).then(|| rows.iter().map(mandate::Model::to_access).collect()))
}

/// Which grants to list.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) account: Option<Uuid>,
    pub(super) area: Option<AreaCode>,
    pub(super) role: Option<Role>,
    /// Also those that are over or were taken away.
    pub(super) ended: bool,
}

/// Grants of the scope, the latest first. Grants that hold everywhere belong to whoever may look everywhere.
pub(super) async fn list(
    scope: &Scope,
    db: &impl ConnectionTrait,
    wanted: Wanted,
    (after, limit, now): (Option<Uuid>, u64, DateTime<Utc>),
) -> Result<Vec<grant::Model>, DbErr> {
    use grant::Column;
    let mut find = grant::Entity::find().filter(scope.areas.hold(Column::Area));
    let Wanted { account, area, role, ended } = wanted;
    if let Some(account) = account {
        find = find.filter(Column::Account.eq(account));
    }
    if let Some(area) = area {
        find = find.filter(area.holds(Column::Area));
    }
    if let Some(role) = role {
        find = find.filter(Column::Role.eq(role_code(role)));
    }
    if !ended {
        find = find.filter(Column::RevokedAt.is_null());
        find = find.filter(Condition::any().add(Column::EndsAt.is_null()).add(Column::EndsAt.gt(now)));
    }
    if let Some(after) = after {
        find = find.filter(Column::Id.lt(after));
    }
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The grant, if it lies within the scope.
pub(super) async fn get(scope: &Scope, db: &impl ConnectionTrait, id: Uuid) -> Result<grant::Model, Fault> {
    let find = grant::Entity::find_by_id(id).filter(scope.areas.hold(grant::Column::Area));
    find.one(db).await?.ok_or(Fault::NotFound("grant"))
}

/// Grants of the account that are not over at `now`: those that hold, and those that will.
pub(super) async fn coming(
    db: &impl ConnectionTrait,
    account: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<grant::Model>, DbErr> {
    grant::Entity::find().filter(grant::Column::Account.eq(account)).filter(not_over(now)).all(db).await
}

/// Grants that make `person` some account's own.
pub(super) async fn links_to(
    db: &impl ConnectionTrait,
    person: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<grant::Model>, DbErr> {
    grant::Entity::find().filter(grant::Column::Person.eq(person)).filter(not_over(now)).all(db).await
}

/// Grants of `role` that hold everywhere at `now`.
pub(super) async fn everywhere(
    db: &impl ConnectionTrait,
    role: Role,
    now: DateTime<Utc>,
) -> Result<Vec<grant::Model>, DbErr> {
    use grant::Column;
    let find = grant::Entity::find().filter(Column::Role.eq(role_code(role))).filter(Column::Area.is_null());
    find.filter(holding(now)).all(db).await
}

fn not_over(now: DateTime<Utc>) -> Condition {
    use grant::Column;
    let lasts = Condition::any().add(Column::EndsAt.is_null()).add(Column::EndsAt.gt(now));
    Condition::all().add(Column::RevokedAt.is_null()).add(lasts)
}

/// Mandates of the scope's areas, about its persons, or held by `holder`; the latest first.
pub(super) async fn mandates(
    scope: &Scope,
    holder: Option<Uuid>,
    db: &impl ConnectionTrait,
    person: Option<Uuid>,
    (after, limit): (Option<Uuid>, u64),
) -> Result<Vec<mandate::Model>, DbErr> {
    use mandate::Column;
    let mut find = mandate::Entity::find().filter(visible(scope, holder));
    if let Some(person) = person {
        find = find.filter(Column::Person.eq(person));
    }
    if let Some(after) = after {
        find = find.filter(Column::Id.lt(after));
    }
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The mandate, if it may be seen.
pub(super) async fn get_mandate(
    scope: &Scope,
    holder: Option<Uuid>,
    db: &impl ConnectionTrait,
    id: Uuid,
) -> Result<mandate::Model, Fault> {
    let find = mandate::Entity::find_by_id(id).filter(visible(scope, holder));
    find.one(db).await?.ok_or(Fault::NotFound("mandate"))
}

/// Mandates that `holder` may use at `now`.
pub(super) async fn held_by(
    db: &impl ConnectionTrait,
    holder: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<mandate::Model>, DbErr> {
    use mandate::Column;
    let find = mandate::Entity::find().filter(Column::Holder.eq(holder)).filter(mandates_holding(now));
    find.order_by_asc(Column::Id).all(db).await
}

fn visible(scope: &Scope, holder: Option<Uuid>) -> Condition {
    use mandate::Column;
    let any = Condition::any().add(scope.areas.hold(Column::Area)).add(scope.about(Column::Area, Column::Person));
    match holder {
        Some(holder) => any.add(Column::Holder.eq(holder)),
        None => any,
    }
}
