//! An install: its folder, databases, keys and bus, opened and checked before anything is done with them.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc};

use sea_orm::DbErr;

use super::{BadSettings, Context, Service, Settings, TlsError, migrate};
use crate::{
    access::{self, PublicKeys, SigningKey, TokenVerifier},
    data::{self, Clock, Db, Ids, KeyError, KeyFileError, Keyring, MasterKey, SelfTestFailed},
    events::{BusError, JetStream, LocalLog, Outbox, SharedBus},
};

/// Why a program does not start. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {0}: {1}; is another copy running? choose another address with `listen` or `observe`")]
    Listen(SocketAddr, io::Error),
    #[error("the file or folder {0} cannot be used: {1}")]
    File(String, io::Error),
    #[error("the database of {0} cannot be opened: is it running, and is database.url right? ({1})")]
    Unreachable(&'static str, DbErr),
    #[error("the database of {0} cannot be used: {1}")]
    Database(&'static str, DbErr),
    #[error("the database of {0} is older than this program: run `linju migrate`")]
    NotMigrated(&'static str),
    #[error("the database of {0} was written by a newer program: update this one")]
    TooNew(&'static str),
    #[error("{0}: {1}")]
    Keys(&'static str, KeyError),
    #[error(
        "the master key {0} is missing, and the data in {1} can be opened with no other: restore it from your copy"
    )]
    LostMaster(String, String),
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    SelfTest(#[from] SelfTestFailed),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Settings(#[from] BadSettings),
    #[error("`tls`: {0}")]
    Tls(#[from] TlsError),
    #[error("{0}: {1}")]
    Door(&'static str, String),
    #[error("{0}")]
    Telemetry(String),
}

impl StartError {
    /// Whether a server is away, and not the configuration wrong.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(..) | Self::Bus(BusError::Unreachable(_)))
    }

    pub(super) fn of_migration(service: &'static str, error: DbErr) -> Self {
        // sea-orm tells of a migration that it does not know with this text and no type of its own.
        if error.to_string().contains("its file is missing") {
            Self::TooNew(service)
        } else {
            Self::Database(service, error)
        }
    }
}

/// Opened parts of an install, shared by all that the program does.
#[derive(Clone, Debug)]
pub struct Install {
    pub settings: Settings,
    pub clock: Clock,
    pub ids: Ids,
}

impl Install {
    /// Proves that the cryptography works, and makes the folder and keys of an embedded install where there are none.
    pub fn prepare(settings: Settings) -> Result<Self, StartError> {
        // Refused only where it is done already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        data::self_test()?;
        access::self_test()?;
        if settings.is_embedded() || settings.bus.nats.is_none() {
            let folder = &settings.data_dir;
            fs::create_dir_all(folder).map_err(|e| StartError::File(folder.display().to_string(), e))?;
        }
        if settings.is_embedded() {
            // Where data lie, their key was there once: a new one would open nothing and hide that.
            let has_data = holds_databases(&settings.data_dir);
            if !has_data || settings.master_key().exists() {
                new_keys(&settings)?;
            }
        }
        Ok(Self { settings, clock: Clock::system(), ids: Ids::random() })
    }

    /// Opens the database of `service`. An embedded one is migrated on the way; another must have been.
    pub async fn database(&self, service: &dyn Service) -> Result<Db, StartError> {
        let name = service.name();
        let db = self.open(name).await?;
        if self.settings.is_embedded() {
            migrate(&db, service).await?;
        } else if super::pending(&db, service).await? > 0 {
            return Err(StartError::NotMigrated(name));
        }
        Ok(db)
    }

    /// Opens the database of a service as it is.
    pub async fn open(&self, service: &'static str) -> Result<Db, StartError> {
        let opened = Db::open(&self.settings.database_url(service), &self.settings.database.pool).await;
        opened.map_err(|e| StartError::Unreachable(service, e))
    }

    /// The keys of a service's database.
    pub async fn keyring(&self, service: &'static str, db: &Db) -> Result<Keyring, StartError> {
        let file = self.settings.master_key();
        if self.settings.is_embedded() && !file.exists() {
            let folder = self.settings.data_dir.display().to_string();
            return Err(StartError::LostMaster(file.display().to_string(), folder));
        }
        let master = Arc::new(MasterKey::from_file(&file)?);
        let opened = Keyring::load(db, master, self.settings.keys.suite, &self.clock).await;
        opened.map_err(|e| StartError::Keys(service, e))
    }

    /// Everything a service is built from.
    pub async fn context(&self, service: &dyn Service) -> Result<Context, StartError> {
        let db = self.database(service).await?;
        let keys = self.keyring(service.name(), &db).await?;
        Ok(Context {
            db,
            keys,
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            outbox: Outbox::default(),
            message_bytes: self.settings.limits.message_bytes,
            settings: self.settings.of_service(service.name()),
        })
    }

    /// The bus: NATS where it is configured, else the log in the data folder.
    pub async fn bus(&self) -> Result<SharedBus, StartError> {
        Ok(match &self.settings.bus.nats {
            Some(nats) => JetStream::connect(nats.clone()).await?,
            None => LocalLog::open(&self.settings.event_log(), self.clock.clone()).await?,
        })
    }

    /// Checks the tokens of callers.
    pub fn verifier(&self) -> Result<TokenVerifier, StartError> {
        let keys = PublicKeys::from_file(&self.settings.token_public())?;
        let longest = chrono::TimeDelta::minutes(i64::from(self.settings.keys.longest_token_min));
        Ok(TokenVerifier::new(keys, self.clock.clone()).with_longest(longest))
    }

    /// Signs tokens, where this install holds the key to.
    pub fn signer(&self) -> Result<SigningKey, StartError> {
        Ok(SigningKey::from_file(&self.settings.token_private())?)
    }
}

/// Whether a folder holds databases of an embedded install.
fn holds_databases(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        path.extension().is_some_and(|end| end == "db") && path.file_name().is_some_and(|name| name != "events.db")
    })
}

/// Makes the master key and the key pair for tokens where the settings name files that are not there; says which it made.
pub fn new_keys(settings: &Settings) -> Result<Vec<String>, StartError> {
    let mut made = Vec::new();
    let mut note = |path: &Path| made.push(path.display().to_string());
    let (master, private, public) = (settings.master_key(), settings.token_private(), settings.token_public());
    for path in [&master, &private, &public] {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| StartError::File(folder.display().to_string(), e))?;
        }
    }
    if !master.exists() {
        if settings.is_embedded() && holds_databases(&settings.data_dir) {
            return Err(StartError::LostMaster(master.display().to_string(), settings.data_dir.display().to_string()));
        }
        MasterKey::new_to_file(&master)?;
        note(&master);
    }
    if !public.exists() {
        let key = if private.exists() {
            SigningKey::from_file(&private)?
        } else {
            note(&private);
            SigningKey::new_to_file(&private)?
        };
        fs::write(&public, key.public_pem()).map_err(|e| StartError::File(public.display().to_string(), e))?;
        note(&public);
    }
    Ok(made)
}
