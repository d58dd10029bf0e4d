//! Who acts, and the names that stand for people and units.

use serde::{Deserialize, Serialize};

use super::codes::coded_enum;

/// The subject of a caller's token: an opaque id, never a name or number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(pub String);

/// The code of a unit that handles incidents, for example `sanitation` or a community's area code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unit(pub String);

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

coded_enum! {
    /// In which part somebody acts. One person may have several parts; the rules therefore also look at the subject.
    ActorKind, "kind of actor" {
        /// The person who reported it.
        Reporter = "reporter",
        /// Takes calls and calls back.
        Clerk = "clerk",
        /// Triages and gives work to units.
        Dispatcher = "dispatcher",
        /// Works on incidents in a unit.
        Handler = "handler",
        /// A grid worker, who also handles what the community can do itself.
        Worker = "worker",
        /// Answers for several units: gives more time, and judges what they dispute.
        Reviewer = "reviewer",
        /// The program itself: imports, timers, answers of other services.
        System = "system",
    }
}

impl ActorKind {
    /// Handles incidents, and so may never confirm, reopen or withdraw what it handled.
    pub const fn handles(self) -> bool {
        matches!(self, Self::Handler | Self::Worker)
    }
}

/// Who gives a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub id: Subject,
    pub kind: ActorKind,
}

impl Actor {
    pub fn new(id: impl Into<String>, kind: ActorKind) -> Self {
        Self { id: Subject(id.into()), kind }
    }
}
