//! The table `posted_updates`: which entry came of which update of somebody else's, so that it comes only once.

use chassis::{Fault, data::Tx};
use sea_orm::{ActiveValue::Set, ConnectionTrait, entity::prelude::*};

use crate::domain::IncidentId;

/// One row of `posted_updates`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posted_updates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub incident_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub caller: String,
    /// What the caller calls it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub update_id: String,
    /// Of the entry in the timeline.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes the entry at the commit. A second of the same update breaks the key.
pub fn note(tx: &Tx, incident: IncidentId, caller: &str, update_id: &str, version: i64) {
    tx.append(ActiveModel {
        incident_id: Set(incident.0),
        caller: Set(caller.to_owned()),
        update_id: Set(update_id.to_owned()),
        version: Set(version),
    });
}

/// The version of the entry that came of the update.
pub async fn find(
    db: &impl ConnectionTrait,
    incident: IncidentId,
    caller: &str,
    update_id: &str,
) -> Result<Option<i64>, Fault> {
    let key = (incident.0, caller.to_owned(), update_id.to_owned());
    Ok(Entity::find_by_id(key).one(db).await?.map(|row| row.version))
}
