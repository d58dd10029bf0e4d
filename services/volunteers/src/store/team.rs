//! The tables `teams` and `memberships`.

use std::collections::HashMap;

use chassis::{
    Fault,
    data::{AreaCode, Code, Page, any_of},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};

use crate::domain::{
    TeamId, VolunteerId,
    gate::Needs,
    team::{DisbandReason, Standing, TeamKind, TeamState},
};

use super::json;

/// One row of `teams`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "teams")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamId,
    pub name: String,
    pub kind: Code<TeamKind>,
    pub area_code: AreaCode,
    /// JSON array of area codes.
    #[sea_orm(column_type = "Text")]
    pub service_areas: String,
    pub founded_on: NaiveDate,
    pub organisation_id: Option<Uuid>,
    /// What it asks beside what its kind asks, as JSON.
    #[sea_orm(column_type = "Text")]
    pub needs: String,
    pub state: Code<TeamState>,
    pub disband_reason: Option<Code<DisbandReason>>,
    /// Made by `linju demo`.
    pub synthetic: bool,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn service_areas(&self) -> Result<Vec<AreaCode>, Fault> {
        json::areas("teams", self.id.0, &self.service_areas)
    }

    /// What the team itself asks.
    pub fn own_needs(&self) -> Result<Needs, Fault> {
        json::read("teams", self.id.0, &self.needs)
    }

    /// What every duty of the team asks.
    pub fn needs(&self) -> Result<Needs, Fault> {
        Ok(self.kind.0.needs().and(&self.own_needs()?))
    }
}

/// Who belongs to which team.
pub mod membership {
    use super::{Code, Standing, TeamId, VolunteerId};
    use crate::domain::{
        MembershipId,
        team::{End, Role},
    };
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `memberships`: one time of one volunteer in one team, from the question on.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: MembershipId,
        pub team_id: TeamId,
        pub volunteer_id: VolunteerId,
        pub standing: Code<Standing>,
        pub role: Code<Role>,
        pub asked_at: DateTime<Utc>,
        pub asked_by: String,
        pub joined_at: Option<DateTime<Utc>>,
        pub ended_at: Option<DateTime<Utc>>,
        pub end_reason: Option<Code<End>>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A team; they are public.
pub async fn get(db: &impl ConnectionTrait, id: TeamId) -> Result<Model, Fault> {
    Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("team"))
}

/// The same, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, id: TeamId) -> Result<Model, Fault> {
    Entity::find().filter(Column::Id.eq(id)).lock_exclusive().one(db).await?.ok_or(Fault::NotFound("team"))
}

/// Which teams a list is about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    pub kind: Option<TeamKind>,
    pub disbanded: bool,
}

/// Teams in the order in which they came, and the token of the next page.
pub async fn list(db: &impl ConnectionTrait, wanted: Wanted, page: &Page<Uuid>) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, kind, disbanded } = wanted;
    let mut query = Entity::find().filter(area.holds(Column::AreaCode));
    if let Some(kind) = kind {
        query = query.filter(Column::Kind.eq(Code(kind)));
    }
    if !disbanded {
        query = query.filter(Column::State.ne(Code(TeamState::Disbanded)));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    let mut rows = query.order_by_asc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.id.0)?;
    Ok((rows, next))
}

/// How many members each of these teams has.
pub async fn sizes(db: &impl ConnectionTrait, ids: &[TeamId]) -> Result<HashMap<TeamId, i64>, DbErr> {
    let counts: Vec<(TeamId, i64)> = membership::Entity::find()
        .select_only()
        .column(membership::Column::TeamId)
        .column_as(membership::Column::Id.count(), "members")
        .filter(any_of(db.get_database_backend(), membership::Column::TeamId, ids.iter().map(|id| id.0)))
        .filter(membership::Column::Standing.eq(Code(Standing::Member)))
        .group_by(membership::Column::TeamId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counts.into_iter().collect())
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// One membership, as it stands.
pub async fn membership(
    db: &impl ConnectionTrait,
    id: crate::domain::MembershipId,
) -> Result<membership::Model, Fault> {
    membership::Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("membership"))
}

/// The volunteer's open place in the team: asked, asking or a member.
pub async fn open_membership(
    db: &impl ConnectionTrait,
    team: TeamId,
    volunteer: VolunteerId,
) -> Result<Option<membership::Model>, DbErr> {
    membership::Entity::find()
        .filter(membership::Column::TeamId.eq(team))
        .filter(membership::Column::VolunteerId.eq(volunteer))
        .filter(membership::Column::Standing.ne(Code(Standing::Ended)))
        .one(db)
        .await
}

/// All open places of a team, or of a volunteer, locked until the commit in the order of ids.
pub async fn open_memberships(db: &impl ConnectionTrait, of: Condition) -> Result<Vec<membership::Model>, DbErr> {
    membership::Entity::find()
        .filter(of)
        .filter(membership::Column::Standing.ne(Code(Standing::Ended)))
        .order_by_asc(membership::Column::Id)
        .lock_exclusive()
        .all(db)
        .await
}

/// The times of a volunteer in teams, the latest first.
pub async fn memberships_of(db: &impl ConnectionTrait, id: VolunteerId) -> Result<Vec<membership::Model>, DbErr> {
    let find = membership::Entity::find().filter(membership::Column::VolunteerId.eq(id));
    find.order_by_desc(membership::Column::Id).all(db).await
}

/// Members of a team in the order in which they were asked, and the token of the next page.
pub async fn members(
    db: &impl ConnectionTrait,
    (team, with_open): (TeamId, bool),
    page: &Page<Uuid>,
) -> Result<(Vec<membership::Model>, String), Fault> {
    let mut query = membership::Entity::find().filter(membership::Column::TeamId.eq(team));
    query = if with_open {
        query.filter(membership::Column::Standing.ne(Code(Standing::Ended)))
    } else {
        query.filter(membership::Column::Standing.eq(Code(Standing::Member)))
    };
    if let Some(after) = page.after {
        query = query.filter(membership::Column::Id.gt(after));
    }
    let mut rows = query.order_by_asc(membership::Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.id.0)?;
    Ok((rows, next))
}

/// Writes the membership as it is now.
pub async fn save_membership(db: &impl ConnectionTrait, row: membership::Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    membership::Entity::update_many().set(changed).filter(membership::Column::Id.eq(id)).exec(db).await.map(|_| ())
}
