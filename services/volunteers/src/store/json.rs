//! Lists in a text column.

use chassis::{Fault, data::AreaCode};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Reads a value of a row.
pub(super) fn read<T: DeserializeOwned>(table: &str, id: Uuid, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|e| Fault::Internal(format!("row {id} of {table} is damaged: {e}")))
}

/// Reads a list of areas.
pub(super) fn areas(table: &str, id: Uuid, text: &str) -> Result<Vec<AreaCode>, Fault> {
    let codes: Vec<String> = read(table, id, text)?;
    let damaged = |_| Fault::Internal(format!("row {id} of {table} has a damaged area code"));
    codes.iter().map(|code| code.parse().map_err(damaged)).collect()
}

/// Writes a value.
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| Fault::Internal(e.to_string()))
}

/// Writes a list of areas.
pub fn write_areas(areas: &[AreaCode]) -> Result<String, Fault> {
    write(&areas.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Reads a value of a row that was sealed.
pub fn parse<T: DeserializeOwned>(table: &str, id: Uuid, text: &str) -> Result<T, Fault> {
    read(table, id, text)
}
