//! The table `timeline`: what happened to each incident, in order. Rows are only ever added; triggers see to it.

use std::collections::BTreeMap;

use chassis::{
    Fault,
    data::{Sealed, SealedColumn, Tx},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, entity::prelude::*};

use super::Code;
use crate::domain::{Actor, ActorKind, Event, EventKind, IncidentId, Recorded, Subject, Visibility};

/// One row of `timeline`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline")]
pub struct Model {
    /// Names the entry; the text is sealed to it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub incident_id: Uuid,
    /// Counts from 1 within the incident.
    pub version: i64,
    pub at: DateTime<Utc>,
    pub kind: Code<EventKind>,
    pub actor: String,
    pub actor_kind: Code<ActorKind>,
    pub visibility: Code<Visibility>,
    /// What was said.
    pub text: Option<Sealed>,
    /// The event as JSON.
    #[sea_orm(column_type = "Text")]
    pub facts: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const TEXT: SealedColumn = SealedColumn { table: "timeline", column: "text", id_column: "id" };

/// An entry about to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Uuid,
    pub incident: IncidentId,
    pub version: i64,
    pub recorded: Recorded,
    pub text: Option<Sealed>,
}

/// Writes an entry at the commit. A second entry of one version breaks the unique key.
pub fn append(tx: &Tx, entry: Entry) -> Result<(), Fault> {
    let Entry { id, incident, version, recorded: Recorded { at, actor: Actor { id: actor, kind }, event }, text } =
        entry;
    let facts = serde_json::to_string(&event).map_err(|e| Fault::Internal(e.to_string()))?;
    tx.append(ActiveModel {
        id: Set(id),
        incident_id: Set(incident.0),
        version: Set(version),
        at: Set(at),
        kind: Set(Code(event.kind())),
        actor: Set(actor.0),
        actor_kind: Set(Code(kind)),
        visibility: Set(Code(event.visibility())),
        text: Set(text),
        facts: Set(facts),
    });
    Ok(())
}

impl Model {
    /// What the rules and figures need to know of it.
    pub fn recorded(&self) -> Result<Recorded, Fault> {
        let event: Event = serde_json::from_str(&self.facts)
            .map_err(|e| Fault::Internal(format!("timeline entry {} has damaged facts: {e}", self.id)))?;
        Ok(Recorded { at: self.at, actor: Actor { id: Subject(self.actor.clone()), kind: self.actor_kind.0 }, event })
    }
}

/// The timeline of an incident that the caller was found to be allowed to see.
pub async fn of_incident(
    db: &impl ConnectionTrait,
    incident: IncidentId,
    public_only: bool,
) -> Result<Vec<Model>, Fault> {
    let mut query = Entity::find().filter(Column::IncidentId.eq(incident.0));
    if public_only {
        query = query.filter(Column::Visibility.eq(Code(Visibility::Public)));
    }
    Ok(query.order_by_asc(Column::Version).all(db).await?)
}

/// The timelines of these incidents.
pub async fn of_incidents(
    db: &impl ConnectionTrait,
    incidents: &[Uuid],
) -> Result<BTreeMap<IncidentId, Vec<Recorded>>, Fault> {
    let rows = Entity::find()
        .filter(Column::IncidentId.is_in(incidents.iter().copied()))
        .order_by_asc(Column::IncidentId)
        .order_by_asc(Column::Version)
        .all(db)
        .await?;
    let mut timelines: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        timelines.entry(IncidentId(row.incident_id)).or_default().push(row.recorded()?);
    }
    Ok(timelines)
}
