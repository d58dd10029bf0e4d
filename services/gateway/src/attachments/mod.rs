//! Files that belong to a record of some service.
//!
//! A row says what there is; the content lies sealed in a store of objects. The row comes first and goes last, so that a
//! program that is stopped in between leaves only what [`Attachments::sweep`] finds. Whoever may read a record may read its
//! files, which its service is asked with every call; what a file is, its bytes say.

mod app;
mod crypt;
mod destroyed;
mod error;
mod grpc;
mod http;
mod intake;
mod objects;
mod policy;
mod records;
mod settings;
mod store;

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use chassis::{
    data::{Clock, Db, Ids, Keyring, SealedColumn},
    run::{Context, Tasks},
};
use linju_proto::gateway::v1::attachment_service_server::AttachmentServiceServer;
use sea_orm_migration::MigrationTrait;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;

pub use app::Swept;
pub use error::Error;
pub use settings::{AttachmentSettings, S3Settings};

use objects::Objects;
use records::Services;

/// Its tables.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(store::Migration)]
}

/// Its sealed columns. The contents need no new seal when keys are rotated: their keys lie here.
pub fn sealed_columns() -> Vec<SealedColumn> {
    vec![store::FILENAME, store::CONTENT_KEY]
}

/// Attachments of this process. Clones are the same.
#[derive(Clone)]
pub struct Attachments(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    ids: Ids,
    keys: Keyring,
    message_bytes: usize,
    settings: AttachmentSettings,
    /// Counts [`intake::UNIT`]s of files on their way in.
    memory: Arc<Semaphore>,
    /// Pictures take much memory while they are decoded: one at a time.
    decoding: Semaphore,
    open: OnceLock<Open>,
}

#[derive(Clone)]
struct Open {
    objects: Objects,
    services: Services,
}

impl Attachments {
    pub fn new(context: &Context, settings: AttachmentSettings) -> Self {
        let Context { db, clock, ids, keys, outbox: _, message_bytes, settings: _ } = context.clone();
        let memory = Arc::new(Semaphore::new(settings.memory_bytes / intake::UNIT));
        let inner = Inner {
            db,
            clock,
            ids,
            keys,
            message_bytes,
            settings,
            memory,
            decoding: Semaphore::new(1),
            open: OnceLock::new(),
        };
        Self(Arc::new(inner))
    }

    /// Opens the store, below `data` where it is a folder, and learns how to reach the records' services. The error says
    /// what is wrong with the settings.
    pub fn open<S>(&self, services: S, data: &Path) -> Result<(), String>
    where
        S: tower::Service<
                ::http::Request<Body>,
                Response = ::http::Response<Body>,
                Error = std::convert::Infallible,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        let objects = Objects::open(&self.0.settings, data)?;
        let services = BoxCloneSyncService::new(services);
        self.0.open.set(Open { objects, services }).map_err(|_| "attachments are open already".to_owned())
    }

    /// Tidies up until the program stops.
    pub fn start(&self, tasks: &Tasks) {
        tasks.spawn(self.clone().tidy(tasks.clone()));
    }

    /// Answers `linju.gateway.v1.AttachmentService`.
    pub fn server(&self) -> AttachmentServiceServer<grpc::Grpc> {
        AttachmentServiceServer::new(grpc::Grpc(self.clone())).max_decoding_message_size(self.0.message_bytes)
    }

    /// Whether a request of the door is for [`http_routes`](Self::http_routes): files are no JSON.
    pub fn takes(method: &::http::Method, path: &str) -> bool {
        http::takes(method, path)
    }

    /// Files over HTTP: up as the body or a form, down with headers under which no browser runs them. Requests carry the
    /// door's own `authorization`.
    pub fn http_routes(&self) -> axum::Router {
        http::routes(self.clone())
    }

    fn opened(&self) -> Result<&Open, Error> {
        self.0.open.get().ok_or(Error::NotOpen)
    }
}

impl fmt::Debug for Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachments").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
