//! Where attachments lie, and which are taken.

use std::path::PathBuf;

use serde::Deserialize;

use super::policy::ImageLimits;

/// The part `attachments` of the gateway's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttachmentSettings {
    /// The folder they lie in where there is no S3; within the data folder unless it is absolute.
    pub folder: PathBuf,
    pub s3: Option<S3Settings>,
    /// Bytes of a picture, and of a PDF, as it is sent.
    pub image_bytes: usize,
    pub pdf_bytes: usize,
    /// Pixels of a picture as it is sent, and of the longer edge of what is kept.
    pub pixels: u64,
    pub longest_edge: u32,
    /// Files of one record, and their bytes together.
    pub files_per_record: usize,
    pub bytes_per_record: u64,
    /// Bytes of files on their way in, over all callers; whoever comes beyond is told to come again.
    pub memory_bytes: usize,
    /// Seconds in which a file must have come in.
    pub upload_s: u64,
}

/// A bucket of S3 or of what speaks like it. It must be there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    /// `https://…`; with `http://` the way is open to whoever listens, though every file is sealed.
    pub endpoint: String,
    pub bucket: String,
    #[serde(default = "region")]
    pub region: String,
    /// Files that hold the access key's id and its secret, nothing else.
    pub access_key_file: PathBuf,
    pub secret_key_file: PathBuf,
    /// What the names of all objects begin with, for example `linju/`. No other install may share bucket and prefix: what is
    /// unknown here is deleted there.
    #[serde(default)]
    pub prefix: String,
}

fn region() -> String {
    "us-east-1".to_owned()
}

impl Default for AttachmentSettings {
    fn default() -> Self {
        Self {
            folder: "attachments".into(),
            s3: None,
            image_bytes: 20 << 20,
            pdf_bytes: 20 << 20,
            pixels: 50_000_000,
            longest_edge: 4_096,
            files_per_record: 20,
            bytes_per_record: 100 << 20,
            memory_bytes: 128 << 20,
            upload_s: 300,
        }
    }
}

impl AttachmentSettings {
    pub(super) fn images(&self) -> ImageLimits {
        ImageLimits { pixels: self.pixels, longest_edge: self.longest_edge }
    }
}
