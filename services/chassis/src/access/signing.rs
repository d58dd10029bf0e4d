//! Ed25519 keys (RFC 8032) that sign tokens and checkpoints, in the files that every tool reads: PKCS #8 and SPKI as PEM.

use std::{collections::BTreeMap, fmt, path::Path};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::data::{KeyFileError, create_secret, read_secret};

const PRIVATE: &str = "an Ed25519 private key (PKCS #8, PEM)";
const PUBLIC: &str = "Ed25519 public keys (PEM)";
/// What stands before the 32 bytes of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A private key. It prints only its id.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: [u8; 32],
    id: String,
}

impl SigningKey {
    /// Reads a private key; the file must be readable by its owner only.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let pem = read_secret(path, PRIVATE)?;
        let wrong = || KeyFileError::Content { path: path.to_owned(), wanted: PRIVATE };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong())?;
        Self::of_der(der.secret_pkcs8_der()).ok_or_else(wrong)
    }

    /// Makes a new key in a new file with mode 0600.
    pub fn new_to_file(path: &Path) -> Result<Self, KeyFileError> {
        let no_key = || {
            let source = std::io::Error::other("the machine made no key");
            KeyFileError::Io { path: path.to_owned(), source }
        };
        let pkcs8 = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(|_| no_key())?;
        create_secret(path, &Zeroizing::new(pem("PRIVATE KEY", pkcs8.as_ref())))?;
        Self::of_der(pkcs8.as_ref()).ok_or_else(no_key)
    }

    /// A key that lives only in memory.
    pub(super) fn ephemeral() -> Option<Self> {
        let pkcs8 = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).ok()?;
        Self::of_der(pkcs8.as_ref())
    }

    fn of_der(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let public = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { pair, pkcs8: Zeroizing::new(pkcs8.to_vec()), public, id: key_id(&public) })
    }

    /// Names the key: 16 hex digits of the SHA-256 of its public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half as PEM, for those who verify.
    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &[&SPKI_HEAD[..], &self.public].concat())
    }

    /// The public half.
    pub fn public(&self) -> PublicKeys {
        PublicKeys(BTreeMap::from([(self.id.clone(), self.public)]))
    }

    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// Public keys by id. There are several while a new key takes over from an old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<String, [u8; 32]>);

impl PublicKeys {
    /// Reads one or more PEM blocks from a file.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let wrong = || KeyFileError::Content { path: path.to_owned(), wanted: PUBLIC };
        let pem = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
            std::io::ErrorKind::InvalidData => wrong(),
            _ => KeyFileError::Io { path: path.to_owned(), source },
        })?;
        Self::from_pem(&pem).ok_or_else(wrong)
    }

    /// Reads one or more PEM blocks; none where there is no key or something that is not one.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let mut keys = BTreeMap::new();
        for block in SubjectPublicKeyInfoDer::pem_slice_iter(pem.as_bytes()) {
            let block = block.ok()?;
            let key = <[u8; 32]>::try_from(block.as_ref().strip_prefix(&SPKI_HEAD)?).ok()?;
            keys.insert(key_id(&key), key);
        }
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// These keys and those.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    pub(super) fn get(&self, id: &str) -> Option<&[u8; 32]> {
        self.0.get(id)
    }

    /// Whether `signature` of `message` was made by the key `id`, and that key is one of these.
    pub(super) fn verify(&self, id: &str, message: &[u8], signature: &[u8]) -> bool {
        self.get(id).is_some_and(|key| UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok())
    }
}

fn key_id(public: &[u8]) -> String {
    hex::encode(&digest(&SHA256, public).as_ref()[..8])
}

/// RFC 7468: base64 in lines of 64.
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text + "-----END " + label + "-----\n"
}
