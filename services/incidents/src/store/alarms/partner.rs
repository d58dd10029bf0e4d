//! The table `partners`: who may send alarms, and what was agreed.

use chassis::{Fault, data::AreaCode};
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, entity::prelude::*};

use crate::domain::alarm::{Agreement, AlarmKind};

/// One row of `partners`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partners")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The public nkey by which the NATS server knows it.
    pub key: String,
    /// JSON arrays: area codes, kinds of alarms, hosts of video.
    #[sea_orm(column_type = "Text")]
    pub areas: String,
    #[sea_orm(column_type = "Text")]
    pub kinds: String,
    #[sea_orm(column_type = "Text")]
    pub video_hosts: String,
    /// Messages a second.
    pub rate: i32,
    pub removed: bool,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What was agreed.
    pub fn agreement(&self) -> Result<Agreement, Fault> {
        let damaged = |what: &str| Fault::Internal(format!("partner {} has a damaged {what}", self.name));
        let list = |text: &str, what| serde_json::from_str::<Vec<String>>(text).map_err(|_| damaged(what));
        let kinds = list(&self.kinds, "kinds")?;
        Ok(Agreement {
            areas: self.areas()?,
            // A kind that this version no longer knows is one that it does not take.
            kinds: kinds.iter().filter_map(|kind| AlarmKind::accept(kind).ok()).collect(),
            video_hosts: list(&self.video_hosts, "video_hosts")?,
        })
    }

    /// Its areas.
    pub fn areas(&self) -> Result<Vec<AreaCode>, Fault> {
        let damaged = || Fault::Internal(format!("partner {} has damaged areas", self.name));
        let codes: Vec<String> = serde_json::from_str(&self.areas).map_err(|_| damaged())?;
        codes.iter().map(|code| code.parse().map_err(|_| damaged())).collect()
    }
}

/// The partner of this name, where it is let in.
pub async fn find(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(name).filter(Column::Removed.eq(false)).one(db).await?)
}

/// The partner of this name, removed or not.
pub async fn find_any(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(name).one(db).await?)
}

/// All partners by name, those that were removed too.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().order_by_asc(Column::Name).all(db).await?)
}
