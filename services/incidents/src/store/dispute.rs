//! The table `disputes`: what reviewers have to decide, and what they decided. What was said is in the timeline.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page, Tx},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, Condition, ConnectionTrait, QueryOrder, QuerySelect, entity::prelude::*};

use super::Code;
use crate::domain::{
    IncidentId, Subject,
    dispute::{Basis, Outcome},
};

/// One row of `disputes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disputes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub incident_id: Uuid,
    pub area_code: AreaCode,
    /// The unit that disputes.
    pub unit: String,
    pub basis: Code<Basis>,
    pub disputed_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub overdue: bool,
    /// None while it is open.
    pub outcome: Option<Code<Outcome>>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A dispute about to be written.
#[derive(Clone, Debug)]
pub struct NewDispute {
    pub id: Uuid,
    pub incident: IncidentId,
    pub area: AreaCode,
    pub unit: String,
    pub basis: Basis,
    pub at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
}

/// Writes a dispute at the commit.
pub fn open(tx: &Tx, new: NewDispute) {
    let NewDispute { id, incident, area, unit, basis, at, due_at } = new;
    tx.append(ActiveModel {
        id: Set(id),
        incident_id: Set(incident.0),
        area_code: Set(area),
        unit: Set(unit),
        basis: Set(Code(basis)),
        disputed_at: Set(at),
        due_at: Set(due_at),
        overdue: Set(false),
        outcome: Set(None),
        decided_at: Set(None),
        decided_by: Set(None),
    });
}

/// Ends the dispute of an incident that is open.
pub async fn close(
    db: &impl ConnectionTrait,
    incident: IncidentId,
    outcome: Outcome,
    by: &Subject,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let changed = ActiveModel {
        outcome: Set(Some(Code(outcome))),
        decided_at: Set(Some(at)),
        decided_by: Set(Some(by.0.clone())),
        ..Default::default()
    };
    Entity::update_many().set(changed).filter(is_open(incident)).exec(db).await?;
    Ok(())
}

/// Notes that the dispute of an incident is late; none where it is decided, or was noted before.
pub async fn note_overdue(db: &impl ConnectionTrait, incident: IncidentId) -> Result<Option<Model>, Fault> {
    let late = ActiveModel { overdue: Set(true), ..Default::default() };
    let of = is_open(incident).add(Column::Overdue.eq(false));
    if Entity::update_many().set(late).filter(of).exec(db).await?.rows_affected == 0 {
        return Ok(None);
    }
    Ok(Entity::find().filter(is_open(incident)).one(db).await?)
}

fn is_open(incident: IncidentId) -> Condition {
    Condition::all().add(Column::IncidentId.eq(incident.0)).add(Column::Outcome.is_null())
}

/// Disputes of an area that the caller may see, the one that is due first at the top; and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    (area, decided): (AreaCode, bool),
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(area.holds(Column::AreaCode));
    if !decided {
        query = query.filter(Column::Outcome.is_null());
    }
    if let Some((at, id)) = page.after {
        let same = Condition::all().add(Column::DueAt.eq(at)).add(Column::Id.gt(id));
        query = query.filter(Condition::any().add(Column::DueAt.gt(at)).add(same));
    }
    let query = query.order_by_asc(Column::DueAt).order_by_asc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.due_at, row.id))?;
    Ok((rows, next))
}
