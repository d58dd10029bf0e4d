//! The tables of identity.

pub mod account;
pub mod code;
pub mod device;
pub mod migrations;
pub mod revision;
pub mod session;
pub mod throttle;

/// The bytes of an index, for a column that is a primary key.
fn index_bytes(index: chassis::data::BlindIndex) -> Vec<u8> {
    match sea_orm::Value::from(index) {
        sea_orm::Value::Bytes(Some(bytes)) => bytes,
        _ => Vec::new(),
    }
}
