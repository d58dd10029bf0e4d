//! Reports as the public is shown them. There is no scope of a caller here: what may be shown at all is in each query.

use std::collections::HashMap;

use chassis::{Fault, data::Page};
use chrono::{DateTime, Utc};
use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::publication;
use crate::{
    domain::{Channel, EventKind, Recorded, Status, Visibility, public},
    store::{
        Code, incident,
        incident::{Column, Entity, Model},
        timeline,
    },
};

/// Which reports are asked for.
#[derive(Clone, Debug)]
pub struct Reports {
    /// The codes that may be shown, of which those that were asked for.
    pub categories: Vec<String>,
    /// None: all numbers.
    pub numbers: Option<Vec<String>>,
    /// Empty: all.
    pub states: Vec<Status>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub skip: u64,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// Reports that may be shown, the newest first; and the token of the next page.
pub async fn reports(db: &impl ConnectionTrait, of: &Reports) -> Result<(Vec<Model>, String), Fault> {
    let Reports { categories, numbers, states, from, until, skip, page } = of;
    let mut query = published(categories);
    if let Some(numbers) = numbers {
        query = query.filter(Column::Number.is_in(numbers.iter().map(String::as_str)));
    }
    if !states.is_empty() {
        query = query.filter(Column::State.is_in(states.iter().copied().map(Code)));
    }
    if let Some(from) = from {
        query = query.filter(Column::ReportedAt.gte(*from));
    }
    if let Some(until) = until {
        query = query.filter(Column::ReportedAt.lt(*until));
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::ReportedAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::ReportedAt.lt(at)).add(same_time));
    } else if *skip > 0 {
        query = query.offset(*skip);
    }
    let query = query.order_by_desc(Column::ReportedAt).order_by_desc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.reported_at, row.id))?;
    Ok((rows, next))
}

/// Reports of these categories that nobody has taken out.
fn published(categories: &[String]) -> Select<Entity> {
    Entity::find()
        .filter(Column::Category.is_in(categories.iter().map(String::as_str)))
        .filter(Column::Id.not_in_subquery(withheld()))
}

fn withheld() -> SelectStatement {
    Query::select()
        .column(publication::Column::IncidentId)
        .from(publication::Entity)
        .and_where(Expr::col((publication::Entity, publication::Column::Withheld)).eq(true))
        .to_owned()
}

/// The report with this number, whatever it is about.
pub async fn find_numbered(db: &impl ConnectionTrait, number: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find().filter(Column::Number.eq(number)).one(db).await?)
}

/// Which entries are asked for.
#[derive(Clone, Debug)]
pub struct Entries {
    pub categories: Vec<String>,
    /// None: all numbers.
    pub numbers: Option<Vec<String>>,
    pub from: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub skip: u64,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// Entries of reports that came for the public, the oldest first; and the token of the next page.
pub async fn entries(db: &impl ConnectionTrait, of: &Entries) -> Result<(Vec<timeline::Model>, String), Fault> {
    use timeline::Column;
    let Entries { categories, numbers, from, until, skip, page } = of;
    let mut reports = published(categories)
        .filter(incident::Column::Channel.eq(Code(Channel::Open311)))
        .filter(incident::Column::UpdatedAt.gte(*from));
    if let Some(numbers) = numbers {
        reports = reports.filter(incident::Column::Number.is_in(numbers.iter().map(String::as_str)));
    }
    let ids = reports.select_only().column(incident::Column::Id).into_query();
    // That it was reported is no news of it.
    let kinds = public::steps().into_iter().filter(|kind| *kind != EventKind::Reported).map(Code);
    let mut query = timeline::Entity::find()
        .filter(Column::IncidentId.in_subquery(ids))
        .filter(Column::Visibility.eq(Code(Visibility::Public)))
        .filter(Column::Kind.is_in(kinds))
        .filter(Column::At.gte(*from));
    if let Some(until) = until {
        query = query.filter(Column::At.lt(*until));
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::At.eq(at)).add(Column::Id.gt(id));
        query = query.filter(Condition::any().add(Column::At.gt(at)).add(same_time));
    } else if *skip > 0 {
        query = query.offset(*skip);
    }
    let query = query.order_by_asc(Column::At).order_by_asc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.at, row.id))?;
    Ok((rows, next))
}

/// Everything that happened to these incidents, each in order.
pub async fn timelines(
    db: &impl ConnectionTrait,
    incidents: impl IntoIterator<Item = Uuid> + Send,
) -> Result<HashMap<Uuid, Vec<(timeline::Model, Recorded)>>, Fault> {
    let rows = timeline::Entity::find()
        .filter(timeline::Column::IncidentId.is_in(incidents))
        .order_by_asc(timeline::Column::IncidentId)
        .order_by_asc(timeline::Column::Version)
        .all(db)
        .await?;
    let mut timelines: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let recorded = row.recorded()?;
        timelines.entry(row.incident_id).or_default().push((row, recorded));
    }
    Ok(timelines)
}

/// The entries of these incidents in which something was said publicly, each in order.
pub async fn notes(
    db: &impl ConnectionTrait,
    incidents: impl IntoIterator<Item = Uuid> + Send,
) -> Result<Vec<timeline::Model>, Fault> {
    use timeline::Column;
    let rows = timeline::Entity::find()
        .filter(Column::IncidentId.is_in(incidents))
        .filter(Column::Visibility.eq(Code(Visibility::Public)))
        .filter(Column::Text.is_not_null())
        .order_by_asc(Column::IncidentId)
        .order_by_asc(Column::Version);
    Ok(rows.all(db).await?)
}
