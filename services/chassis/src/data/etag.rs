//! Etags: the version of a row, so that nobody overwrites what they have not read.

use crate::Fault;

/// The etag of a row of this version.
pub fn etag(version: i64) -> String {
    format!("v{version}")
}

/// Refuses a change that was made of another version. An empty etag asks for no check (AIP-154).
pub fn check_etag(given: &str, version: i64) -> Result<(), Fault> {
    if given.is_empty() || given == etag(version) { Ok(()) } else { Err(Fault::StaleEtag) }
}
