//! Matters that concern many: raised, deliberated, done, evaluated.

mod change;
mod due;
mod gather;
mod raise;
mod read;

use chassis::{
    access::{Call, Role},
    data::AreaCode,
};

pub use change::{MatterChange, Wording};
pub use due::MATTER_DUE;
pub use raise::NewMatter;
pub use read::{MattersOf, ShownMatter, ShownMatterEntry};

use crate::domain::{Actor, ActorKind};

/// The roles of the office, as in [`super::parts`]; whoever answers for units convenes.
const OFFICE: [(Role, ActorKind); 6] = [
    (Role::Handler, ActorKind::Handler),
    (Role::GridWorker, ActorKind::Worker),
    (Role::CallClerk, ActorKind::Clerk),
    (Role::Dispatcher, ActorKind::Dispatcher),
    (Role::CommunityManager, ActorKind::Reviewer),
    (Role::SubdistrictManager, ActorKind::Reviewer),
];

/// In which part somebody takes a step in this area: the first of theirs that may. Where none may, the rules refuse it by name.
fn acting(call: &Call, area: AreaCode, may: &[ActorKind]) -> Actor {
    let resident = call.acts_as(Role::Resident) || call.acts_as(Role::Volunteer);
    let mut held: Vec<_> = resident.then_some(ActorKind::Reporter).into_iter().collect();
    let office = OFFICE.into_iter().filter(|(role, _)| call.scope().acts_as(*role, area));
    held.extend(office.map(|(_, kind)| kind));
    let kind = held.iter().copied().find(|kind| may.contains(kind)).or_else(|| held.first().copied());
    match kind {
        Some(kind) if kind != ActorKind::Reporter => Actor::new(call.subject(), kind),
        _ => Actor::new(call.owner(), ActorKind::Reporter),
    }
}
