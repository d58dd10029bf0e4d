//! The incidents of one problem: the one that leads it, and those that were joined to it.

use chassis::{Fault, access::Scope};
use sea_orm::{
    ConnectionTrait, ExprTrait, PaginatorTrait, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, Query},
};

use super::{Code, emergency, incident, timeline};
use crate::domain::{EventKind, IncidentId, Status};

/// All that were joined to the incident, locked until the commit in the order of ids; for the program itself.
pub async fn lock_joined(db: &impl ConnectionTrait, lead: IncidentId) -> Result<Vec<incident::Model>, Fault> {
    let find = incident::Entity::find().filter(incident::Column::DuplicateOf.eq(lead.0));
    Ok(find.order_by_asc(incident::Column::Id).lock_exclusive().all(db).await?)
}

/// Those joined to the incident whose areas the caller may see, the first reported first.
pub async fn joined(
    db: &impl ConnectionTrait,
    scope: &Scope,
    lead: IncidentId,
    most: u64,
) -> Result<Vec<incident::Model>, Fault> {
    let find = within(scope, lead).limit(most);
    let find = find.order_by_asc(incident::Column::ReportedAt).order_by_asc(incident::Column::Id);
    Ok(find.all(db).await?)
}

/// How many of them there are, and how many of these may judge a solution now.
pub async fn count(db: &impl ConnectionTrait, scope: &Scope, lead: IncidentId) -> Result<(u64, u64), Fault> {
    let asked = within(scope, lead).filter(incident::Column::State.eq(Code(Status::SolutionProposed)));
    Ok((within(scope, lead).count(db).await?, asked.count(db).await?))
}

/// Who left the problem by withdrawing is not one of its reporters.
fn within(scope: &Scope, lead: IncidentId) -> sea_orm::Select<incident::Entity> {
    incident::Entity::find()
        .filter(incident::Column::DuplicateOf.eq(lead.0))
        .filter(incident::Column::State.ne(Code(Status::Withdrawn)))
        .filter(scope.areas.hold(incident::Column::AreaCode))
}

/// The entry with which the last solution was proposed.
pub async fn last_solution(db: &impl ConnectionTrait, lead: IncidentId) -> Result<Option<timeline::Model>, Fault> {
    let find = timeline::Entity::find()
        .filter(timeline::Column::IncidentId.eq(lead.0))
        .filter(timeline::Column::Kind.eq(Code(EventKind::SolutionProposed)))
        .order_by_desc(timeline::Column::Version);
    Ok(find.one(db).await?)
}

/// An emergency goes on with the incident that now leads, unless that one is an emergency of its own: what was collected for
/// it is destroyed with all incidents of the problem.
pub async fn move_emergency(db: &impl ConnectionTrait, from: Uuid, to: Uuid) -> Result<(), Fault> {
    let known = Query::select()
        .expr(Expr::val(1))
        .from(emergency::Entity)
        .and_where(emergency::Column::IncidentId.eq(to))
        .to_owned();
    emergency::Entity::update_many()
        .col_expr(emergency::Column::IncidentId, Expr::value(to))
        .filter(emergency::Column::IncidentId.eq(from))
        .filter(Expr::exists(known).not())
        .exec(db)
        .await?;
    Ok(())
}
