//! Files that hold a key: made for their owner alone, and refused where others may read them.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// Larger than any key file; what is larger is something else.
const MOST_BYTES: u64 = 64 * 1024;

/// Why a key file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("there is no key file {0}: make one with `linju keys new`, or set the path of the one you have")]
    Missing(PathBuf),
    #[error(
        "the key file {0} can be read by others than its owner: run `chmod 600 {0}`, and if others did read it, change the key"
    )]
    Open(PathBuf),
    #[error(
        "{0} exists already: a new key in its place would make everything that the old one protects unreadable; move it away first"
    )]
    Exists(PathBuf),
    #[error("the key file {path} does not hold {wanted}: put the right file there, or restore it from your backup")]
    Content { path: PathBuf, wanted: &'static str },
    #[error("cannot use the key file {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// Reads a key file that only its owner may read. A file of root may also be read by its group, because Kubernetes mounts
/// secrets so for a program that is not root.
pub(crate) fn read_secret(path: &Path, wanted: &'static str) -> Result<Zeroizing<String>, KeyFileError> {
    let facts = fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), source },
    })?;
    let forbidden = if facts.uid() == 0 { 0o037 } else { 0o077 };
    if facts.mode() & forbidden != 0 {
        return Err(KeyFileError::Open(path.to_owned()));
    }
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return Err(KeyFileError::Content { path: path.to_owned(), wanted });
    }
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        ErrorKind::InvalidData => KeyFileError::Content { path: path.to_owned(), wanted },
        _ => KeyFileError::Io { path: path.to_owned(), source },
    })?;
    Ok(Zeroizing::new(text))
}

/// Writes a new file with mode 0600 and syncs it; never writes over one.
pub(crate) fn create_secret(path: &Path, content: &str) -> Result<(), KeyFileError> {
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), source },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
