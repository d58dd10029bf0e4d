//! What a caller may touch, and in which part it acts.

use chassis::{
    access::{Areas, Call, Purpose, Role, Scope},
    data::AreaCode,
};

use crate::{
    domain::{Action, Actor, ActorKind},
    error::Error,
    store::incident::Model,
};

/// The roles of the office. Whoever has several acts in the first that fits the action and the incident.
const OFFICE: [(Role, ActorKind); 7] = [
    (Role::Handler, ActorKind::Handler),
    (Role::GridWorker, ActorKind::Worker),
    (Role::CallClerk, ActorKind::Clerk),
    (Role::Dispatcher, ActorKind::Dispatcher),
    (Role::CommunityManager, ActorKind::Dispatcher),
    (Role::CommunityManager, ActorKind::Reviewer),
    (Role::SubdistrictManager, ActorKind::Reviewer),
];

/// What the call may touch. Somebody who reads a matter of their own touches only their own, also where an office granted
/// them more: so this purpose never opens another person's text.
pub(super) fn reach(call: &Call) -> Scope {
    let mut scope = call.scope().clone();
    if call.purpose() == Some(Purpose::OwnMatter) {
        scope.areas = Areas::Within(Vec::new());
    }
    scope
}

/// Who reports something in `area`, and in which part.
pub(super) fn reporting(call: &Call, area: AreaCode) -> Actor {
    match office(call.scope(), area).next() {
        Some(kind) => Actor::new(call.subject(), kind),
        None => Actor::new(call.owner(), ActorKind::Reporter),
    }
}

/// Who does `action` to the incident: its reporter as such, anybody else in a part of the office that may do it. Where no
/// part may, the answer is one that the rules refuse by name.
pub(super) fn acting(call: &Call, scope: &Scope, row: &Model, action: Action) -> Actor {
    let own = row.reporter.as_deref().filter(|reporter| call.scope().owns(reporter));
    let resident = [Role::Resident, Role::Volunteer, Role::Partner].into_iter().any(|role| call.acts_as(role));
    let mut held: Vec<_> = (own.is_some() && resident).then_some(ActorKind::Reporter).into_iter().collect();
    held.extend(office(scope, row.area_code));
    let fitting = || held.iter().copied().filter(|kind| action.actors().contains(kind));
    let kind = fitting()
        .find(|kind| belongs(scope, row, *kind))
        .or_else(|| fitting().next())
        .or_else(|| held.first().copied())
        .unwrap_or(ActorKind::Reporter);
    // The reporter is named as in the row: by the register's record where that is known, and by it for whoever has a mandate.
    // Whoever worked on the incident stays who they are, and may not judge it in either name.
    let named = own.filter(|_| kind == ActorKind::Reporter && !row.was_worked_by(call.subject()));
    Actor::new(named.unwrap_or(call.subject()), kind)
}

/// Whether somebody in this part acts for the unit that has the incident.
pub(super) fn for_unit(scope: &Scope, row: &Model, kind: ActorKind) -> bool {
    kind.handles() && belongs(scope, row, kind)
}

/// The incident is in the hands of one unit; those of another only talk about it.
pub(super) fn check_unit(scope: &Scope, row: &Model, kind: ActorKind, action: Action) -> Result<(), Error> {
    if in_unit(scope, row, kind, action) { Ok(()) } else { Err(Error::NotYourUnit { unit: row.unit.clone() }) }
}

fn in_unit(scope: &Scope, row: &Model, kind: ActorKind, action: Action) -> bool {
    matches!(action, Action::AddNote | Action::Answer) || belongs(scope, row, kind)
}

/// Whether the part is one that the person has in this very incident: only the unit it was given to handles it. A clerk who
/// also works elsewhere and leaves a note leaves it as a clerk, and may still call the reporter back.
fn belongs(scope: &Scope, row: &Model, kind: ActorKind) -> bool {
    !kind.handles() || row.unit.as_ref().is_some_and(|unit| scope.works_for(unit, row.area_code))
}

fn office(scope: &Scope, area: AreaCode) -> impl Iterator<Item = ActorKind> {
    OFFICE.into_iter().filter(move |(role, _)| scope.acts_as(*role, area)).map(|(_, kind)| kind)
}
