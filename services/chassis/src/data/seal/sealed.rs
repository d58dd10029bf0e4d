//! A sealed value, and how it is sealed and opened.

use std::fmt;

use sea_orm::DeriveValueType;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    keyring::{KeyError, Keyring, Keys},
    suite::{Cipher, NONCE, Suite, TAG},
};

const VERSION: u8 = 1;
/// Version, suite id, key id (4 bytes, big-endian).
const HEADER: usize = 6;

/// A value as it lies in a column: `version (1) | suite (1) | key id (4) | nonce (12) | ciphertext | tag (16)`.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The data key it was sealed with; none where these bytes were never sealed.
    pub fn key_id(&self) -> Option<u32> {
        self.parts().ok().map(|parts| parts.key)
    }

    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn parts(&self) -> Result<Parts<'_>, SealError> {
        let (header, rest) = self.0.split_first_chunk::<HEADER>().ok_or(SealError::NotSealed)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or(SealError::NotSealed)?;
        let [VERSION, suite, key @ ..] = *header else { return Err(SealError::NotSealed) };
        if body.len() < TAG {
            return Err(SealError::NotSealed);
        }
        let suite = Suite::of_id(suite).ok_or(SealError::NotSealed)?;
        Ok(Parts { header: *header, suite, key: u32::from_be_bytes(key), nonce: *nonce, body })
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

struct Parts<'s> {
    header: [u8; HEADER],
    suite: Suite,
    key: u32,
    nonce: [u8; NONCE],
    body: &'s [u8],
}

/// Where a value lies. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub table: &'static str,
    pub column: &'static str,
    pub row: Uuid,
}

impl Place {
    /// Table and column, each after its length (4 bytes, big-endian), row, header. The nonce is bound in by GCM itself.
    fn bound_to(&self, header: [u8; HEADER]) -> Vec<u8> {
        let mut aad = Vec::with_capacity(8 + self.table.len() + self.column.len() + 16 + HEADER);
        for name in [self.table, self.column] {
            aad.extend(u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes());
            aad.extend_from_slice(name.as_bytes());
        }
        aad.extend_from_slice(self.row.as_bytes());
        aad.extend(header);
        aad
    }
}

/// Why a value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the column holds something that was never sealed")]
    NotSealed,
    /// Another copy of the service may have made the key a moment ago: [`Keyring::open_fresh`] finds it.
    #[error("it was sealed with data key {0}, which is not in `data_keys`")]
    UnknownKey(u32),
    #[error("it was changed, or belongs to another row or column")]
    Forged,
    #[error("the machine gave no random numbers")]
    NoRandomness,
}

/// Why a value cannot be read, even with the newest keys.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// A text in clear that is on its way. It prints nothing of itself and is wiped when it goes.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(hidden)")
    }
}

impl Keyring {
    /// Seals `text` for `place` with the current data key.
    pub fn seal(&self, place: Place, text: &str) -> Result<Sealed, SealError> {
        seal(&self.keys(), place, text)
    }

    /// Opens what was sealed for `place`, with whichever data key that was.
    pub fn open(&self, place: Place, sealed: &Sealed) -> Result<SecretText, SealError> {
        open(&self.keys(), place, sealed)
    }

    /// As [`open`](Self::open); a key that another copy of the service made a moment ago is taken up first.
    pub async fn open_fresh(&self, place: Place, sealed: &Sealed) -> Result<SecretText, OpenError> {
        match self.open(place, sealed) {
            Err(SealError::UnknownKey(_)) => {
                self.refresh().await?;
                Ok(self.open(place, sealed)?)
            }
            opened => Ok(opened?),
        }
    }

    /// The same text sealed with the current key; none where it is already.
    pub fn reseal(&self, place: Place, sealed: &Sealed) -> Result<Option<Sealed>, SealError> {
        let keys = self.keys();
        if sealed.key_id() == Some(keys.current()) {
            return Ok(None);
        }
        let text = open(&keys, place, sealed)?;
        seal(&keys, place, text.expose()).map(Some)
    }
}

fn seal(keys: &Keys, place: Place, text: &str) -> Result<Sealed, SealError> {
    let (id, cipher) = keys.sealing();
    let mut nonce = [0; NONCE];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
    let header = header(cipher, id);
    // As long as needed from the start: a buffer that grows leaves copies of the text behind.
    let mut bytes = Vec::with_capacity(HEADER + NONCE + text.len() + TAG);
    bytes.extend(header);
    bytes.extend(nonce);
    bytes.extend_from_slice(text.as_bytes());
    let tag =
        cipher.seal(nonce, &place.bound_to(header), &mut bytes[HEADER + NONCE..]).map_err(|_| SealError::Forged)?;
    bytes.extend(tag);
    Ok(Sealed(bytes))
}

fn open(keys: &Keys, place: Place, sealed: &Sealed) -> Result<SecretText, SealError> {
    let Parts { header, suite, key, nonce, body } = sealed.parts()?;
    let cipher = keys.cipher(key).ok_or(SealError::UnknownKey(key))?;
    if cipher.suite() != suite {
        return Err(SealError::Forged);
    }
    let mut text = cipher.open(nonce, &place.bound_to(header), body).map_err(|_| SealError::Forged)?;
    let text = String::from_utf8(std::mem::take(&mut *text)).map_err(|e| {
        drop(Zeroizing::new(e.into_bytes()));
        SealError::Forged
    })?;
    Ok(SecretText::from(text))
}

fn header(cipher: &Cipher, key: u32) -> [u8; HEADER] {
    let [a, b, c, d] = key.to_be_bytes();
    [VERSION, cipher.suite().id(), a, b, c, d]
}
