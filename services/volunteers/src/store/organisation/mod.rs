//! The tables of organisations, of what they are lent, and of what they offer.

pub mod asset;
pub mod offer;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Code, Page, Sealed, SealedColumn},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};

use crate::domain::organisation::{Kind, OrganisationId, Origin, Stage};

/// One row of `organisations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganisationId,
    pub name: String,
    pub kind: Code<Kind>,
    pub origin: Code<Origin>,
    pub uscc: Option<String>,
    pub area_code: AreaCode,
    pub services: String,
    pub contact_name: Option<Sealed>,
    pub contact_phone: Option<Sealed>,
    pub stage: Code<Stage>,
    pub stage_since: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const CONTACT_NAME: SealedColumn = SealedColumn { table: "organisations", column: "contact_name", id_column: "id" };
pub const CONTACT_PHONE: SealedColumn =
    SealedColumn { table: "organisations", column: "contact_phone", id_column: "id" };

/// How organisations came along the pipeline.
pub mod step {
    use super::{Code, OrganisationId, Stage};
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `organisation_steps`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "organisation_steps")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub organisation_id: OrganisationId,
        pub at: DateTime<Utc>,
        /// None: the first.
        pub from_stage: Option<Code<Stage>>,
        pub stage: Code<Stage>,
        pub by: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Why.
pub mod reason {
    use chassis::data::{Sealed, SealedColumn};
    use sea_orm::entity::prelude::*;

    /// One row of `organisation_step_reasons`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "organisation_step_reasons")]
    pub struct Model {
        /// That of the step.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub reason: Sealed,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    pub const REASON: SealedColumn =
        SealedColumn { table: "organisation_step_reasons", column: "reason", id_column: "id" };
}

/// What the caller may see: all of its areas; of the others, what has settled.
fn seen(scope: &Scope) -> Condition {
    let public = [Stage::Settled, Stage::Graduated].map(Code);
    Condition::any().add(scope.areas.hold(Column::AreaCode)).add(Column::Stage.is_in(public))
}

/// An organisation that the caller may see.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: OrganisationId) -> Result<Model, Fault> {
    let find = Entity::find().filter(seen(scope)).filter(Column::Id.eq(id));
    find.one(db).await?.ok_or(Fault::NotFound("organisation"))
}

/// An organisation of the caller's areas, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: OrganisationId) -> Result<Model, Fault> {
    let find = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(Column::Id.eq(id)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("organisation"))
}

/// Those of these that the public knows.
pub async fn known_to_all(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let public = [Stage::Settled, Stage::Graduated].map(Code);
    Entity::find().filter(Column::Id.is_in(ids.iter().copied())).filter(Column::Stage.is_in(public)).all(db).await
}

/// Which organisations a list is about.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    /// None: all but those that left.
    pub stages: Vec<Stage>,
    pub origin: Option<Origin>,
}

/// Organisations in the order in which they came, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: Wanted,
    page: &Page<Uuid>,
) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, stages, origin } = wanted;
    let mut query = Entity::find().filter(seen(scope)).filter(area.holds(Column::AreaCode));
    query = if stages.is_empty() {
        query.filter(Column::Stage.ne(Code(Stage::Left)))
    } else {
        query.filter(Column::Stage.is_in(stages.into_iter().map(Code)))
    };
    if let Some(origin) = origin {
        query = query.filter(Column::Origin.eq(Code(origin)));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    let mut rows = query.order_by_asc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.id.0)?;
    Ok((rows, next))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// The steps of an organisation with their reasons, the first first.
pub async fn steps(db: &impl ConnectionTrait, id: OrganisationId) -> Result<Vec<(step::Model, Option<Sealed>)>, DbErr> {
    let find = step::Entity::find().filter(step::Column::OrganisationId.eq(id)).order_by_asc(step::Column::Id);
    let steps = find.all(db).await?;
    let ids = steps.iter().map(|step| step.id);
    let reasons = reason::Entity::find().filter(reason::Column::Id.is_in(ids)).all(db).await?;
    let mut reasons: std::collections::HashMap<_, _> = reasons.into_iter().map(|row| (row.id, row.reason)).collect();
    Ok(steps.into_iter().map(|step| (reasons.remove(&step.id), step)).map(|(reason, step)| (step, reason)).collect())
}
