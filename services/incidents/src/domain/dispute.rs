//! How an incident came to the unit that has it, and what that unit may say against it.
//!
//! The first receiver stays responsible until somebody else has decided (北京市接诉即办工作条例, Art. 12 and 14): a dispute changes
//! neither the state nor the promise. A plain return leaves it to the dispatcher where the incident goes next; a dispute is for the
//! unit that is sure, and its end binds: what was decided to stay cannot be returned.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::actor::{Actor, Subject, Unit};
use super::codes::coded_enum;
use super::event::{Event, Recorded};
use super::incident::Incident;
use super::promise::Duty;
use super::refused::Refused;

coded_enum! {
    /// On what a unit bases its dispute.
    Basis, "basis of a dispute" {
        /// The list of the unit's duties does not have it.
        DutyList = "duty_list",
        Territory = "territory",
        /// Somebody else owns or maintains the thing.
        Ownership = "ownership",
        Statute = "statute",
    }
}

coded_enum! {
    /// What becomes of a disputed dispatch.
    Outcome, "outcome of a dispute" {
        Stays = "stays",
        Moves = "moves",
        /// Several units do it, one of them as the main handler.
        Shared = "shared",
        /// It is nobody's in this office.
        Elsewhere = "elsewhere",
        /// It came to an end without a decision.
        Moot = "moot",
    }
}

/// A decision, with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    Stays,
    Moves { unit: Unit },
    Shared { main: Unit, with: BTreeSet<Unit> },
    Elsewhere,
}

impl Ruling {
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Stays => Outcome::Stays,
            Self::Moves { .. } => Outcome::Moves,
            Self::Shared { .. } => Outcome::Shared,
            Self::Elsewhere => Outcome::Elsewhere,
        }
    }
}

/// Where the dispute of the dispatch that stands has got to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Dispute {
    #[default]
    None,
    Open {
        basis: Basis,
        at: DateTime<Utc>,
    },
    Decided {
        outcome: Outcome,
    },
}

/// How an incident came to its unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handing {
    /// Who dispatched it.
    pub by: Option<Subject>,
    pub dispute: Dispute,
    /// The units that help the main one.
    pub shared_with: BTreeSet<Unit>,
}

impl Handing {
    pub const fn is_disputed(&self) -> bool {
        matches!(self.dispute, Dispute::Open { .. })
    }

    /// A dispatch, which can be disputed anew. Helpers of the unit it goes to stay where the ruling named them.
    pub(super) fn dispatched(&mut self, by: &Actor) {
        let shared_with = match self.dispute {
            Dispute::Decided { outcome: Outcome::Shared } => std::mem::take(&mut self.shared_with),
            _ => BTreeSet::new(),
        };
        *self = Self { by: Some(by.id.clone()), dispute: Dispute::None, shared_with };
    }

    /// The matter came to a solution or an end: nothing is left to decide.
    pub(super) fn settle(&mut self) {
        if self.is_disputed() {
            self.dispute = Dispute::Decided { outcome: Outcome::Moot };
        }
    }
}

pub(super) fn dispute(incident: &Incident, basis: Basis) -> Result<Event, Refused> {
    match incident.handing.dispute {
        Dispute::None => Ok(Event::DispatchDisputed { basis }),
        Dispute::Open { .. } => Err(Refused::DisputeOpen),
        Dispute::Decided { .. } => Err(Refused::DisputedBefore),
    }
}

/// The events of a ruling. One that gives the incident to another unit is a dispatch, by whoever decided.
pub(super) fn rule(
    incident: &Incident,
    ruling: Ruling,
    decided_as: Duty,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, Refused> {
    let handing = &incident.handing;
    if !handing.is_disputed() {
        return Err(Refused::NotDisputed);
    }
    if handing.by.as_ref() == Some(&actor.id) {
        return Err(Refused::OwnDispatch);
    }
    let outcome = ruling.outcome();
    let moves_to = match &ruling {
        Ruling::Moves { unit } if incident.unit.as_ref() == Some(unit) => {
            return Err(Refused::AlreadyWithUnit { unit: unit.clone() });
        }
        Ruling::Shared { main, with } if with.is_empty() || with.contains(main) => return Err(Refused::NotShared),
        Ruling::Moves { unit: to } | Ruling::Shared { main: to, .. } => Some(to.clone()),
        Ruling::Stays | Ruling::Elsewhere => None,
    };
    let shared_with = match ruling {
        Ruling::Shared { with, .. } => with,
        _ => BTreeSet::new(),
    };
    let decided = Event::DisputeDecided { outcome, decided_as, shared_with };
    let follows = match moves_to.filter(|unit| incident.unit.as_ref() != Some(unit)) {
        Some(unit) => Some(Event::Dispatched { unit }),
        None => (outcome == Outcome::Elsewhere).then_some(Event::ReferredElsewhere),
    };
    let recorded = |event| Recorded { at: now, actor: actor.clone(), event };
    Ok(std::iter::once(decided).chain(follows).map(recorded).collect())
}
