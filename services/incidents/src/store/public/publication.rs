//! The table `publications`: pictures that came with a report, and whether it is taken out of what the public is shown.

use std::collections::HashMap;

use chassis::{
    Fault,
    data::{Sealed, SealedColumn},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, entity::prelude::*, sea_query::OnConflict};

use crate::domain::IncidentId;

/// One row of `publications`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "publications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub incident_id: Uuid,
    /// JSON array.
    pub media_urls: Option<Sealed>,
    pub withheld: bool,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MEDIA_URLS: SealedColumn =
    SealedColumn { table: "publications", column: "media_urls", id_column: "incident_id" };

/// A row of a report that came with pictures.
pub fn new(incident: IncidentId, media_urls: Sealed) -> ActiveModel {
    ActiveModel {
        incident_id: Set(incident.0),
        media_urls: Set(Some(media_urls)),
        withheld: Set(false),
        decided_by: Set(None),
        decided_at: Set(None),
    }
}

/// The rows of these incidents.
pub async fn of(
    db: &impl ConnectionTrait,
    incidents: impl IntoIterator<Item = Uuid> + Send,
) -> Result<HashMap<Uuid, Model>, Fault> {
    let rows = Entity::find().filter(Column::IncidentId.is_in(incidents)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.incident_id, row)).collect())
}

/// Takes a report out of what is shown, or puts it back.
pub async fn withhold(
    db: &impl ConnectionTrait,
    incident: IncidentId,
    withheld: bool,
    by: &str,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let row = ActiveModel {
        incident_id: Set(incident.0),
        media_urls: Set(None),
        withheld: Set(withheld),
        decided_by: Set(Some(by.to_owned())),
        decided_at: Set(Some(at)),
    };
    let over = OnConflict::column(Column::IncidentId)
        .update_columns([Column::Withheld, Column::DecidedBy, Column::DecidedAt])
        .to_owned();
    Entity::insert(row).on_conflict(over).exec_without_returning(db).await?;
    Ok(())
}
