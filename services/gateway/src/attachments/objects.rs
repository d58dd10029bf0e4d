//! The store of contents: a folder, or a bucket of S3. It sees sealed bytes under names that say nothing.

use std::{fs, path::Path as File, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt, stream::BoxStream};
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path,
};
use uuid::Uuid;

use super::settings::{AttachmentSettings, S3Settings};

const CONNECT: Duration = Duration::from_secs(3);
/// One try of one request, and all tries together.
const REQUEST: Duration = Duration::from_secs(10);
const TRIES: Duration = Duration::from_secs(10);

/// Where contents lie.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// The folder, where it is one.
    folder: Option<std::path::PathBuf>,
}

impl Objects {
    /// Opens the store; the error says what is wrong with the settings.
    pub(super) fn open(settings: &AttachmentSettings, data: &File) -> Result<Self, String> {
        if let Some(s3) = &settings.s3 {
            return Ok(Self { store: Arc::new(bucket(s3)?), prefix: s3.prefix.clone(), folder: None });
        }
        let folder = data.join(&settings.folder);
        let cannot = |e: &dyn std::fmt::Display| format!("the folder {} cannot be used: {e}", folder.display());
        fs::create_dir_all(&folder).map_err(|e| cannot(&e))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|e| cannot(&e))?.with_fsync(true);
        Ok(Self { store: Arc::new(store), prefix: String::new(), folder: Some(folder) })
    }

    /// Spread over 256 folders by what is random in an id.
    fn path(&self, object: Uuid) -> Path {
        let [.., shard] = *object.as_bytes();
        Path::from(format!("{}{shard:02x}/{object}", self.prefix))
    }

    /// Keeps a content whole, or not at all.
    pub(super) async fn put(&self, object: Uuid, content: Bytes) -> Result<(), Error> {
        self.store.put(&self.path(object), content.into()).await.map(drop)
    }

    pub(super) async fn get(&self, object: Uuid) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        Ok(self.store.get(&self.path(object)).await?.into_stream())
    }

    /// What is not there is deleted already.
    pub(super) async fn delete(&self, object: Uuid) -> Result<(), Error> {
        match self.store.delete(&self.path(object)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// What lies in one of the 256 folders, and since when.
    pub(super) fn list(&self, shard: u8) -> impl Stream<Item = Result<(Uuid, DateTime<Utc>), Error>> + Send + use<> {
        let folder = Path::from(format!("{}{shard:02x}", self.prefix));
        let found = self.store.list(Some(&folder));
        // What has another name was put there by somebody else.
        found.try_filter_map(|meta| async move {
            let object = meta.location.filename().and_then(|name| name.parse().ok());
            Ok(object.map(|object| (object, meta.last_modified)))
        })
    }

    /// Removes what an unfinished write before `before` has left in one of the folders.
    pub(super) async fn clear_unfinished(&self, shard: u8, before: DateTime<Utc>) -> std::io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut entries = match tokio::fs::read_dir(folder.join(format!("{shard:02x}"))).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        while let Some(entry) = entries.next_entry().await? {
            let staged = entry.file_name().to_str().is_some_and(|name| name.contains('#'));
            if staged && DateTime::<Utc>::from(entry.metadata().await?.modified()?) < before {
                tokio::fs::remove_file(entry.path()).await?;
            }
        }
        Ok(())
    }
}

fn bucket(settings: &S3Settings) -> Result<impl ObjectStore + use<>, String> {
    let S3Settings { endpoint, bucket, region, access_key_file, secret_key_file, prefix } = settings;
    if !prefix.is_empty() && !prefix.ends_with('/') {
        return Err("s3.prefix must be empty or end with `/`".to_owned());
    }
    let key = |file: &File| {
        let text = fs::read_to_string(file).map_err(|e| format!("the key file {} cannot be read: {e}", file.display()));
        text.map(|text| text.trim().to_owned())
    };
    let retry = RetryConfig {
        backoff: BackoffConfig { init_backoff: Duration::from_millis(50), ..BackoffConfig::default() },
        max_retries: 3,
        retry_timeout: TRIES,
    };
    let client = ClientOptions::new()
        .with_allow_http(endpoint.starts_with("http://"))
        .with_connect_timeout(CONNECT)
        .with_timeout(REQUEST);
    AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(key(access_key_file)?)
        .with_secret_access_key(key(secret_key_file)?)
        .with_client_options(client)
        .with_retry(retry)
        .build()
        .map_err(|e| format!("s3: {e}"))
}
