//! The tables of matters: where each stands, what happened to it, who has spoken, and which incidents were lifted into it.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, BlindIndex, Page, Sealed, SealedColumn, Tx},
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType, OnConflict},
};

use super::Code;
use crate::domain::{
    Actor, IncidentId,
    matter::{Matter, MatterId, Stage, Taken},
};

/// One row of `matters`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "matters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub area_code: AreaCode,
    /// For the public; empty until the office has written it.
    pub title: String,
    pub category: Option<String>,
    pub stage: Code<Stage>,
    /// Where the meeting is that was called last.
    pub place: Option<String>,
    /// The matter as JSON, folded from its entries.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    pub raised_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// How many entries there are.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the rules need to know of it.
    pub fn matter(&self) -> Result<Matter, Fault> {
        let damaged = |e| Fault::Internal(format!("matter {} has a damaged state: {e}", self.id));
        serde_json::from_str(&self.state).map_err(damaged)
    }

    /// The row after a step.
    pub fn becomes(self, matter: &Matter, updated_at: DateTime<Utc>) -> Result<Self, Fault> {
        let state = serde_json::to_string(matter).map_err(|e| Fault::Internal(e.to_string()))?;
        Ok(Self { stage: Code(matter.stage), state, updated_at, version: matter.version.into(), ..self })
    }
}

/// What happened to matters.
pub mod entry {
    use super::{Code, DateTime, Sealed, SealedColumn, Utc};
    use crate::domain::{ActorKind, matter::StepKind};
    use sea_orm::entity::prelude::*;

    /// One row of `matter_entries`. Rows are only ever added; triggers see to it.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "matter_entries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub matter_id: Uuid,
        /// Counts from 1 within the matter.
        pub version: i64,
        pub at: DateTime<Utc>,
        pub kind: Code<StepKind>,
        /// Empty where nobody may be named.
        pub actor: String,
        pub actor_kind: Code<ActorKind>,
        /// Written for the public; none where the public reads nothing of it.
        #[sea_orm(column_type = "Text", nullable)]
        pub public_text: Option<String>,
        /// What people said, and what the office keeps to itself.
        pub text: Option<Sealed>,
        /// The step as JSON.
        #[sea_orm(column_type = "Text")]
        pub facts: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    pub const TEXT: SealedColumn = SealedColumn { table: "matter_entries", column: "text", id_column: "id" };
}

/// Who has spoken.
pub mod said {
    use super::BlindIndex;
    use sea_orm::entity::prelude::*;

    /// One row of `matter_said`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "matter_said")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub matter_id: Uuid,
        /// The round that was rated; 0 for a voice.
        pub round: i32,
        pub who: BlindIndex,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which incidents were lifted into which matter.
pub mod gathered {
    use sea_orm::entity::prelude::*;

    /// One row of `matter_incidents`. An incident is in one matter at most.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "matter_incidents")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        pub matter_id: Uuid,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An entry about to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Uuid,
    pub matter: MatterId,
    pub version: u32,
    pub taken: Taken,
    pub public_text: Option<String>,
    pub text: Option<Sealed>,
}

/// Writes an entry at the commit.
pub fn append(tx: &Tx, entry: Entry) -> Result<(), Fault> {
    let Entry { id, matter, version, taken, public_text, text } = entry;
    let Taken { at, actor: Actor { id: actor, kind }, step } = taken;
    let facts = serde_json::to_string(&step).map_err(|e| Fault::Internal(e.to_string()))?;
    tx.append(entry::ActiveModel {
        id: Set(id),
        matter_id: Set(matter.0),
        version: Set(version.into()),
        at: Set(at),
        kind: Set(Code(step.kind())),
        actor: Set(if step.is_nameless() { String::new() } else { actor.0 }),
        actor_kind: Set(Code(kind)),
        public_text: Set(public_text),
        text: Set(text),
        facts: Set(facts),
    });
    Ok(())
}

/// A matter, for anybody: what is in the row anybody may read.
pub async fn get(db: &impl ConnectionTrait, id: MatterId) -> Result<Model, Fault> {
    Entity::find_by_id(id.0).one(db).await?.ok_or(Fault::NotFound("matter"))
}

/// A matter that the caller has a part in, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: MatterId) -> Result<Model, Fault> {
    let row = Entity::find_by_id(id.0).lock_exclusive().one(db).await?;
    row.filter(|row| scope.admits_new(row.area_code)).ok_or(Fault::NotFound("matter"))
}

/// The same for the program itself; none where somebody else holds the lock.
pub async fn find_free_locked(db: &impl ConnectionTrait, id: MatterId) -> Result<Option<Model>, Fault> {
    let row = Entity::find_by_id(id.0).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    Ok(row.one(db).await?)
}

/// Writes a new matter.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), Fault> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// A matter in areas that are the caller's office.
pub async fn get_within(db: &impl ConnectionTrait, scope: &Scope, id: MatterId) -> Result<Model, Fault> {
    let within = Entity::find_by_id(id.0).filter(scope.areas.hold(Column::AreaCode));
    within.one(db).await?.ok_or(Fault::NotFound("matter"))
}

/// Matters of an area, the newest first; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    (area, stages): (AreaCode, &[Stage]),
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = Entity::find().filter(area.holds(Column::AreaCode));
    if !stages.is_empty() {
        query = query.filter(Column::Stage.is_in(stages.iter().copied().map(Code)));
    }
    if let Some((at, id)) = page.after {
        let same = Condition::all().add(Column::RaisedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::RaisedAt.lt(at)).add(same));
    }
    let query = query.order_by_desc(Column::RaisedAt).order_by_desc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.raised_at, row.id))?;
    Ok((rows, next))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), Fault> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// The entries of a matter, in order.
pub async fn entries(
    db: &impl ConnectionTrait,
    matter: MatterId,
    public_only: bool,
) -> Result<Vec<entry::Model>, Fault> {
    let mut query = entry::Entity::find().filter(entry::Column::MatterId.eq(matter.0));
    if public_only {
        query = query.filter(entry::Column::PublicText.is_not_null());
    }
    Ok(query.order_by_asc(entry::Column::Version).all(db).await?)
}

/// Notes, under a new id, that somebody has spoken; false where they had before.
pub async fn note_said(
    db: &impl ConnectionTrait,
    id: Uuid,
    (matter, round): (MatterId, u32),
    who: BlindIndex,
) -> Result<bool, Fault> {
    let round = i32::try_from(round).unwrap_or(i32::MAX);
    let row = said::ActiveModel { id: Set(id), matter_id: Set(matter.0), round: Set(round), who: Set(who) };
    let columns = [said::Column::MatterId, said::Column::Round, said::Column::Who];
    let known = OnConflict::columns(columns).do_nothing().to_owned();
    Ok(said::Entity::insert(row).on_conflict(known).exec_without_returning(db).await? > 0)
}

/// Notes that an incident is in a matter; false where it is in one already.
pub async fn note_gathered(db: &impl ConnectionTrait, matter: MatterId, incident: IncidentId) -> Result<bool, Fault> {
    let row = gathered::ActiveModel { incident_id: Set(incident.0), matter_id: Set(matter.0) };
    let known = OnConflict::column(gathered::Column::IncidentId).do_nothing().to_owned();
    Ok(gathered::Entity::insert(row).on_conflict(known).exec_without_returning(db).await? > 0)
}

/// The incidents that were lifted into a matter, in the order of ids.
pub async fn gathered_in(db: &impl ConnectionTrait, matter: MatterId) -> Result<Vec<Uuid>, Fault> {
    let find = gathered::Entity::find().select_only().column(gathered::Column::IncidentId);
    let find = find.filter(gathered::Column::MatterId.eq(matter.0)).order_by_asc(gathered::Column::IncidentId);
    Ok(find.into_tuple().all(db).await?)
}
