//! The audit log: who looked at whose data, and why. Nobody can change it unnoticed.
//!
//! An entry is appended with the rows of its call, and at first stands alone, so that no call waits for a lock. A moment
//! later the sealer gives it a number and the hash `SHA-256(previous hash | entry)`, one entry after the other. [`verify`]
//! computes the chain again. A [`Checkpoint`], signed and kept outside of the database, shows a cut end or an older backup,
//! which a chain alone cannot show.
//!
//! What is not covered: an entry that somebody with full rights to the database removes or makes in the few seconds before
//! it is sealed, and whatever happened since the last checkpoint if the chain is computed anew from there.

mod chain;
mod checkpoint;
mod migration;
mod reading;
mod sealer;
mod store;
mod verify;

use sea_orm::ActiveValue::Set;
use uuid::Uuid;

pub use chain::Head;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use migration::{migration, migration_of_acting};
pub use reading::{Looked, LookedAfter, looks_at, looks_on};
pub use sealer::seal_pending;
pub use verify::{AuditFault, Verified, verify};

use crate::data::{Clock, Ids, Tx};

/// What is noted of one call. Ids and codes only: no name, number or other content of what was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub who: String,
    pub on_behalf: Option<String>,
    /// The purpose's code; empty where none was stated.
    pub purpose: String,
    pub method: String,
    /// The id of the person or thing whose data it is.
    pub subject: String,
    /// The fields shown, separated by commas.
    pub fields: String,
    /// The trace of the call.
    pub request: String,
    /// The roles in which it was done, as [`Scope::acting`](super::Scope::acting) writes them.
    pub acting: Option<String>,
    /// The id of the approval that it needed.
    pub basis: Option<String>,
}

/// Appends an entry to the rows of this transaction.
pub fn record(tx: &Tx, ids: &Ids, clock: &Clock, entry: Entry) {
    let Entry { who, on_behalf, purpose, method, subject, fields, request, acting, basis } = entry;
    tx.append(store::ActiveModel {
        id: Set(ids.next::<Uuid>()),
        at: Set(clock.now()),
        who: Set(who),
        on_behalf: Set(on_behalf),
        purpose: Set(purpose),
        method: Set(method),
        subject: Set(subject),
        fields: Set(fields),
        request: Set(request),
        acting: Set(acting),
        basis: Set(basis),
        seq: Set(None),
        prev: Set(None),
        hash: Set(None),
    });
}
