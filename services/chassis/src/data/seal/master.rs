//! The master key, which wraps data keys and lies outside of every database.

use std::{fmt, path::Path};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    file::{KeyFileError, create_secret, read_secret},
    suite::{Cipher, NONCE, Suite},
};

const WANTED: &str = "32 random bytes as base64 or hex";

/// Wraps and opens data keys. [`MasterKey`] does it with a file; a key service or a certified module is another.
#[async_trait]
pub trait Kek: Send + Sync {
    /// Encrypts `key`; `label` says which key of which ring it is and must be the same to open it.
    async fn wrap(&self, label: &[u8], key: &[u8]) -> Result<Vec<u8>, KekError>;

    /// Opens what [`wrap`](Self::wrap) made.
    async fn unwrap(&self, label: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KekError>;
}

/// Why a data key could not be wrapped or opened.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    #[error("it was wrapped by another master key, or changed since")]
    NotMine,
    #[error("the key service does not answer: {0}")]
    Unavailable(String),
}

/// A master key from a file of 32 random bytes, written as base64 or hex. It wraps with AES-256-GCM.
pub struct MasterKey(Cipher);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

impl MasterKey {
    /// Reads the key; the file must be readable by its owner only.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let text = read_secret(path, WANTED)?;
        Self::of_text(text.trim()).ok_or_else(|| KeyFileError::Content { path: path.to_owned(), wanted: WANTED })
    }

    /// Makes a new key in a new file with mode 0600.
    pub fn new_to_file(path: &Path) -> Result<Self, KeyFileError> {
        let mut key = Zeroizing::new([0u8; 32]);
        aws_lc_rs::rand::fill(&mut *key).map_err(|_| no_randomness(path))?;
        create_secret(path, &Zeroizing::new(STANDARD.encode(*key) + "\n"))?;
        Cipher::new(Suite::Aes256Gcm, &*key).map(Self).map_err(|_| no_randomness(path))
    }

    fn of_text(text: &str) -> Option<Self> {
        let decoded = if text.len() == 64 { hex::decode(text).ok() } else { STANDARD.decode(text).ok() };
        Cipher::new(Suite::Aes256Gcm, &Zeroizing::new(decoded?)).ok().map(Self)
    }
}

fn no_randomness(path: &Path) -> KeyFileError {
    let source = std::io::Error::other("the machine gave no random numbers");
    KeyFileError::Io { path: path.to_owned(), source }
}

/// `nonce | ciphertext | tag`
#[async_trait]
impl Kek for MasterKey {
    async fn wrap(&self, label: &[u8], key: &[u8]) -> Result<Vec<u8>, KekError> {
        let mut nonce = [0; NONCE];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| KekError::Unavailable("no random numbers".to_owned()))?;
        let mut wrapped = [&nonce, key].concat();
        let tag = self.0.seal(nonce, label, &mut wrapped[NONCE..]).map_err(|_| KekError::NotMine)?;
        wrapped.extend(tag);
        Ok(wrapped)
    }

    async fn unwrap(&self, label: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KekError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or(KekError::NotMine)?;
        self.0.open(*nonce, label, sealed).map_err(|_| KekError::NotMine)
    }
}
