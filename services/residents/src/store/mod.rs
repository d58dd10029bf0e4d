//! The tables, and every query on them. A finder takes the caller's scope first.

pub mod area;
pub mod call;
pub mod care_tag;
mod columns;
pub mod data_request;
pub mod dwelling;
pub mod household;
mod ids;
pub mod membership;
pub mod merge;
pub mod migrations;
pub mod minor_access;
pub mod name_key;
pub mod resident;

pub use ids::{DataRequestId, DwellingId, HouseholdId, MembershipId, MergeId, MinorAccessId, ResidentId};

use chassis::{
    Fault,
    data::{KeyError, Keyring, OpenError, Place, SealError, Sealed, SecretText},
};
use uuid::Uuid;

/// Where a sealed value lies.
pub(crate) fn place(table: &'static str, column: &'static str, row: Uuid) -> Place {
    Place { table, column, row }
}

pub(crate) fn seal_fault(error: SealError) -> Fault {
    Fault::Internal(error.to_string())
}

/// Opens a value, if there is one.
pub(crate) async fn open(keys: &Keyring, place: Place, sealed: Option<&Sealed>) -> Result<Option<SecretText>, Fault> {
    let Some(sealed) = sealed else { return Ok(None) };
    match keys.open_fresh(place, sealed).await {
        Ok(text) => Ok(Some(text)),
        Err(OpenError::Keys(KeyError::Db(error))) => Err(error.into()),
        Err(error) => Err(Fault::Internal(error.to_string())),
    }
}
