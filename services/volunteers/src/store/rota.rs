//! The tables `duties` and `roster`.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Code, Page, any_of},
};
use chrono::{DateTime, Utc};
use sea_orm::{
    Condition, ConnectionTrait, IntoActiveModel, JoinType, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{ExprTrait, OnConflict},
};

use crate::domain::{
    DutyId, TeamId, VolunteerId,
    duty::{DutyState, RosterState, Span},
    gate::Needs,
};

use super::json;

/// One row of `duties`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "duties")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DutyId,
    pub team_id: TeamId,
    /// The first duty that the same request made.
    pub request: Uuid,
    pub area_code: AreaCode,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub place: String,
    pub wanted: i32,
    /// How many are on it.
    pub taken: i32,
    /// All that it asks, as JSON.
    #[sea_orm(column_type = "Text")]
    pub needs: String,
    pub state: Code<DutyState>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn span(&self) -> Span {
        Span { from: self.starts_at, until: self.ends_at }
    }

    pub fn needs(&self) -> Result<Needs, Fault> {
        json::read("duties", self.id.0, &self.needs)
    }
}

/// Who is on which duty.
pub mod roster {
    use super::{Code, DutyId, RosterState, VolunteerId};
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `roster`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "roster")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub duty_id: DutyId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub volunteer_id: VolunteerId,
        pub state: Code<RosterState>,
        /// Why taken off: the code of an obstacle.
        pub obstacle: Option<String>,
        pub changed_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::Entity", from = "Column::DutyId", to = "super::Column::Id")]
        Duty,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A duty, locked until the commit. Which team's it is, and so who may touch it, is the caller's to check.
pub async fn lock(db: &impl ConnectionTrait, id: DutyId) -> Result<Model, Fault> {
    Entity::find().filter(Column::Id.eq(id)).lock_exclusive().one(db).await?.ok_or(Fault::NotFound("duty"))
}

/// The duties that one request made, in order.
pub async fn of_request(db: &impl ConnectionTrait, request: Uuid) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Request.eq(request)).order_by_asc(Column::StartsAt).all(db).await
}

/// Which duties a list is about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    pub team: Option<TeamId>,
    pub span: Span,
    pub open_only: bool,
}

/// Duties that the caller may see, the soonest first, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: Wanted,
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, team, span, open_only } = wanted;
    // Volunteers see the rota of the areas in which they serve.
    let seen = Condition::any().add(scope.areas.hold(Column::AreaCode)).add(scope.own_areas.hold(Column::AreaCode));
    let mut query = Entity::find()
        .filter(seen)
        .filter(area.holds(Column::AreaCode))
        .filter(Column::EndsAt.gt(span.from))
        .filter(Column::StartsAt.lt(span.until));
    if let Some(team) = team {
        query = query.filter(Column::TeamId.eq(team));
    }
    if open_only {
        query = query
            .filter(Column::State.eq(Code(DutyState::Planned)))
            .filter(ExprTrait::lt(Expr::col(Column::Taken), Expr::col(Column::Wanted)));
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::StartsAt.eq(at)).add(Column::Id.gt(id));
        query = query.filter(Condition::any().add(Column::StartsAt.gt(at)).add(same_time));
    }
    let query = query.order_by_asc(Column::StartsAt).order_by_asc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.starts_at, row.id.0))?;
    Ok((rows, next))
}

/// Who is or was on these duties, in the order of ids.
pub async fn roster_of(db: &impl ConnectionTrait, ids: &[DutyId]) -> Result<Vec<roster::Model>, DbErr> {
    roster::Entity::find()
        .filter(any_of(db.get_database_backend(), roster::Column::DutyId, ids.iter().map(|id| id.0)))
        .order_by_asc(roster::Column::VolunteerId)
        .all(db)
        .await
}

/// Duties of these volunteers that end after `from` and begin before `until`, on which they are.
pub async fn on_duty(
    db: &impl ConnectionTrait,
    volunteers: &[VolunteerId],
    span: Span,
) -> Result<Vec<(VolunteerId, DutyId)>, DbErr> {
    roster::Entity::find()
        .select_only()
        .column(roster::Column::VolunteerId)
        .column(roster::Column::DutyId)
        .join(JoinType::InnerJoin, roster::Relation::Duty.def())
        .filter(any_of(db.get_database_backend(), roster::Column::VolunteerId, volunteers.iter().map(|id| id.0)))
        .filter(roster::Column::State.eq(Code(RosterState::On)))
        .filter(Column::State.eq(Code(DutyState::Planned)))
        .filter(Column::EndsAt.gt(span.from))
        .filter(Column::StartsAt.lt(span.until))
        .order_by_asc(roster::Column::DutyId)
        .into_tuple()
        .all(db)
        .await
}

/// Ids of the duties still to come on which a volunteer is.
pub async fn coming_of(
    db: &impl ConnectionTrait,
    volunteer: VolunteerId,
    now: DateTime<Utc>,
) -> Result<Vec<DutyId>, DbErr> {
    roster::Entity::find()
        .select_only()
        .column(roster::Column::DutyId)
        .join(JoinType::InnerJoin, roster::Relation::Duty.def())
        .filter(roster::Column::VolunteerId.eq(volunteer))
        .filter(roster::Column::State.eq(Code(RosterState::On)))
        .filter(Column::State.eq(Code(DutyState::Planned)))
        .filter(Column::StartsAt.gt(now))
        .order_by_asc(roster::Column::DutyId)
        .into_tuple()
        .all(db)
        .await
}

/// Ids of a team's duties that are still to come.
pub async fn coming(db: &impl ConnectionTrait, team: TeamId, now: DateTime<Utc>) -> Result<Vec<DutyId>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::TeamId.eq(team))
        .filter(Column::State.eq(Code(DutyState::Planned)))
        .filter(Column::StartsAt.gt(now))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// Writes how a volunteer stands to a duty.
pub async fn put_roster(db: &impl ConnectionTrait, row: roster::Model) -> Result<(), DbErr> {
    let again = OnConflict::columns([roster::Column::DutyId, roster::Column::VolunteerId])
        .update_columns([roster::Column::State, roster::Column::Obstacle, roster::Column::ChangedAt])
        .to_owned();
    roster::Entity::insert(row.into_active_model()).on_conflict(again).exec_without_returning(db).await.map(|_| ())
}

/// A duty, as it stands.
pub async fn get(db: &impl ConnectionTrait, id: DutyId) -> Result<Model, Fault> {
    Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("duty"))
}
