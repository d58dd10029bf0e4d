//! Finding a sealed value without opening any.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Salt},
    hmac,
};
use sea_orm::DeriveValueType;

use super::keyring::Keyring;

const BYTES: usize = 16;

/// A keyed hash of a value: equal values of one column have equal indexes, and nothing else can be told from them without
/// the key. HMAC-SHA-256, cut to 16 bytes.
///
/// Whoever holds the table sees which rows are equal and how often; so do not index alone what has few values, such as a
/// yes or no.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct BlindIndex(Vec<u8>);

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex")
    }
}

impl Keyring {
    /// The index of `value` in `column`, which names table and column (`resident.id_number`). The caller brings the value
    /// into its one form first: a phone in E.164, an ID number in upper case.
    pub fn index(&self, column: &'static str, value: impl AsRef<[u8]>) -> BlindIndex {
        let tag = hmac::sign(&self.keys().index.of(column), value.as_ref());
        BlindIndex(tag.as_ref()[..BYTES].to_vec())
    }
}

/// The index key and the keys derived from it, one for each column.
pub(super) struct IndexKeys {
    secret: aws_lc_rs::hkdf::Prk,
    columns: RwLock<HashMap<&'static str, Arc<hmac::Key>>>,
}

impl IndexKeys {
    pub(super) fn new(secret: &[u8]) -> Self {
        let secret = Salt::new(HKDF_SHA256, b"linju blind index v1").extract(secret);
        Self { secret, columns: RwLock::default() }
    }

    fn of(&self, column: &'static str) -> Arc<hmac::Key> {
        if let Some(key) = self.columns.read().unwrap_or_else(PoisonError::into_inner).get(column) {
            return key.clone();
        }
        let info = [column.as_bytes()];
        let key = self.secret.expand(&info, hmac::HMAC_SHA256).expect("32 bytes are a length that HKDF gives");
        let key = Arc::new(hmac::Key::from(key));
        self.columns.write().unwrap_or_else(PoisonError::into_inner).insert(column, key.clone());
        key
    }
}
