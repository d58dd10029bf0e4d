//! The table `warnings`: every public message as it went out, and what followed it.

use chassis::{
    Fault,
    data::{AreaCode, AreaLevel, Page},
};
use chrono::{DateTime, Utc};
use sea_orm::{Condition, ConnectionTrait, QueryOrder, QuerySelect, entity::prelude::*};

use crate::domain::warning::Message;

/// One row of `warnings`. But for what came after, it never changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "warnings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// As CAP names the message; unique.
    #[sea_orm(unique)]
    pub identifier: String,
    /// The smallest area that holds all that are warned.
    pub area_code: AreaCode,
    pub sent_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub cancels: bool,
    /// The message as JSON.
    #[sea_orm(column_type = "Text")]
    pub message: String,
    /// The first message of its chain: itself, where it is the first.
    pub first_id: Uuid,
    pub follows: Option<Uuid>,
    /// Unique: two messages cannot follow the same one.
    pub followed_by: Option<Uuid>,
    pub sent_by: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it says.
    pub fn message(&self) -> Result<Message, Fault> {
        serde_json::from_str(&self.message)
            .map_err(|e| Fault::Internal(format!("warning {} has a damaged message: {e}", self.id)))
    }

    fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.sent_at, self.id)
    }
}

/// How the calls to people without a phone go, told by residents; one row a chain of messages.
pub mod calls {
    use sea_orm::{ActiveValue::Set, entity::prelude::*, sea_query::OnConflict};

    /// One row of `warning_calls`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "warning_calls")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub first_id: Uuid,
        pub to_call: i32,
        pub reached: i32,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// Keeps the newest figures of a chain.
    pub async fn put(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
        let Model { first_id, to_call, reached } = row;
        let again = OnConflict::column(Column::FirstId).update_columns([Column::ToCall, Column::Reached]).to_owned();
        let insert =
            Entity::insert(ActiveModel { first_id: Set(first_id), to_call: Set(to_call), reached: Set(reached) });
        insert.on_conflict(again).exec_without_returning(db).await.map(|_| ())
    }

    /// The figures of these chains.
    pub async fn of(db: &impl ConnectionTrait, chains: &[Uuid]) -> Result<Vec<Model>, DbErr> {
        Entity::find().filter(Column::FirstId.is_in(chains.iter().copied())).all(db).await
    }
}

/// A warning; they are public.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Model, Fault> {
    Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("warning"))
}

/// Whether there is a warning of this chain.
pub async fn is_known(db: &impl ConnectionTrait, first: Uuid) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id(first).one(db).await?.is_some())
}

/// Which warnings a list is about.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Those for this area, for one within it, and for one that it lies in.
    pub area: AreaCode,
    /// Only those that hold at this time; none: all.
    pub holding_at: Option<DateTime<Utc>>,
}

/// Warnings, the newest first, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    wanted: &Wanted,
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let levels = [AreaLevel::County, AreaLevel::Subdistrict, AreaLevel::Community];
    let above = levels.into_iter().filter_map(|level| wanted.area.at(level));
    let here = Condition::any().add(wanted.area.holds(Column::AreaCode)).add(Column::AreaCode.is_in(above));
    let mut query = Entity::find().filter(here);
    if let Some(now) = wanted.holding_at {
        query = query
            .filter(Column::ExpiresAt.gt(now))
            .filter(Column::FollowedBy.is_null())
            .filter(Column::Cancels.eq(false));
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::SentAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::SentAt.lt(at)).add(same_time));
    }
    let query = query.order_by_desc(Column::SentAt).order_by_desc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, Model::key)?;
    Ok((rows, next))
}

/// Notes what follows a message, if nothing does yet; says whether that was so.
pub async fn set_followed(db: &impl ConnectionTrait, id: Uuid, by: Uuid) -> Result<bool, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::FollowedBy, by.into())
        .filter(Column::Id.eq(id))
        .filter(Column::FollowedBy.is_null());
    Ok(update.exec(db).await?.rows_affected == 1)
}
