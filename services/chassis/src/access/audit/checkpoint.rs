//! A signed note of where the log ended, kept outside of the database.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::chain::Head;
use crate::access::signing::{PublicKeys, SigningKey};

/// Where the log of `service` ended at a time. It exists only signed: made with a key, or read and found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    head: Head,
    at: DateTime<Utc>,
    file: File,
}

/// The form in the file: JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: String,
    seq: i64,
    /// Hex.
    hash: String,
    /// RFC 3339 in microseconds.
    at: String,
    /// The id of the key.
    key: String,
    /// Ed25519 in hex, over the lines `linju audit checkpoint v1`, seq, hash, at, service.
    signature: String,
}

/// Why a checkpoint is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("this is not a checkpoint: {0}")]
    Malformed(String),
    #[error("this checkpoint belongs to the service {0}")]
    OfAnotherService(String),
    #[error("this checkpoint was not signed by a key of this installation, or was changed since")]
    Forged,
}

impl Checkpoint {
    /// Signs that the log of `service` ends at `head`.
    pub fn sign(service: &str, head: Head, at: DateTime<Utc>, key: &SigningKey) -> Self {
        let mut file = File {
            service: service.to_owned(),
            seq: head.seq,
            hash: hex::encode(head.hash),
            at: at.to_rfc3339_opts(SecondsFormat::Micros, true),
            key: key.id().to_owned(),
            signature: String::new(),
        };
        file.signature = hex::encode(key.sign(&file.message()));
        Self { head, at, file }
    }

    /// Reads what [`to_json`](Self::to_json) wrote and checks service and signature.
    pub fn from_json(json: &str, service: &str, keys: &PublicKeys) -> Result<Self, CheckpointError> {
        let file: File = serde_json::from_str(json).map_err(|e| CheckpointError::Malformed(e.to_string()))?;
        let signature = hex::decode(&file.signature).map_err(|e| CheckpointError::Malformed(e.to_string()))?;
        if !keys.verify(&file.key, &file.message(), &signature) {
            return Err(CheckpointError::Forged);
        }
        if file.service != service {
            return Err(CheckpointError::OfAnotherService(file.service));
        }
        let mut head = Head { seq: file.seq, hash: [0; 32] };
        hex::decode_to_slice(&file.hash, &mut head.hash).map_err(|e| CheckpointError::Malformed(e.to_string()))?;
        let at = DateTime::parse_from_rfc3339(&file.at).map_err(|e| CheckpointError::Malformed(e.to_string()))?;
        Ok(Self { head, at: at.to_utc(), file })
    }

    /// One line for the file.
    pub fn to_json(&self) -> String {
        let File { service, seq, hash, at, key, signature } = &self.file;
        serde_json::json!({
            "service": service, "seq": seq, "hash": hash, "at": at, "key": key, "signature": signature,
        })
        .to_string()
    }

    pub fn head(&self) -> Head {
        self.head
    }

    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

impl File {
    fn message(&self) -> Vec<u8> {
        let Self { service, seq, hash, at, key: _, signature: _ } = self;
        format!("linju audit checkpoint v1\n{seq}\n{hash}\n{at}\n{service}").into_bytes()
    }
}
