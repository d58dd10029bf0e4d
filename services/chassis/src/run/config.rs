//! Settings: defaults < file < environment (`LINJU__DATABASE__URL=…`). Secrets are files, named here, never values.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;

use super::TlsSettings;
use crate::{
    data::{PoolSettings, Suite},
    events::{ConsumerSettings, NatsSettings, RelaySettings, TimerSettings},
};

/// Everything a program of ours can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder of an embedded install: databases, event log, keys.
    pub data_dir: PathBuf,
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// Where `/metrics`, `/healthz/live` and `/healthz/ready` are served.
    pub observe: SocketAddr,
    pub database: DatabaseSettings,
    pub bus: BusSettings,
    pub keys: KeySettings,
    /// Mutual TLS of gRPC between our processes; absent: lines are plain.
    pub tls: Option<TlsSettings>,
    pub limits: Limits,
    pub telemetry: TelemetrySettings,
    pub shutdown: ShutdownSettings,
    /// What single services are told, by name: `[service.gateway]`, or `LINJU__SERVICE__GATEWAY__LISTEN`.
    pub service: BTreeMap<String, serde_json::Value>,
}

/// Where rows live.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `postgres://…/linju_{service}`; empty: one SQLite file per service in `data_dir`.
    pub url: String,
    pub pool: PoolSettings,
}

/// How events travel.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusSettings {
    /// The NATS server; absent: the log in `data_dir`.
    pub nats: Option<NatsSettings>,
    pub relay: RelaySettings,
    pub consumers: ConsumerSettings,
    pub timers: TimerSettings,
}

/// Files that hold keys. Where none is named, an embedded install makes its own in `data_dir`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    pub master: Option<PathBuf>,
    /// The cipher of new data keys: `aes-256-gcm` or `sm4-gcm`. What was sealed with the other one stays readable.
    pub suite: Suite,
    /// Public keys of whoever signs tokens.
    pub token_public: Option<PathBuf>,
    /// The key that signs tokens; only where `linju keys token` is used.
    pub token_private: Option<PathBuf>,
    /// Minutes that a token may be valid at most.
    pub longest_token_min: u32,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            master: None,
            suite: Suite::default(),
            token_public: None,
            token_private: None,
            longest_token_min: 24 * 60,
        }
    }
}

/// What one process takes on at most.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls at once; one more is refused with `UNAVAILABLE` before it queues.
    pub calls: usize,
    /// Seconds a call may take where it names no deadline, and the longest deadline it may name.
    pub deadline_s: u64,
    /// Bytes of one request message.
    pub message_bytes: usize,
    /// Streams at once on one connection.
    pub streams: u32,
    /// Seconds after which a connection is asked to come again, so that copies of a service share the load.
    pub connection_age_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls: 512, deadline_s: 15, message_bytes: 1 << 20, streams: 200, connection_age_s: 300 }
    }
}

/// Where the program tells how it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Where traces go (OTLP over gRPC), for example `http://otel-collector:4317`; empty: nowhere.
    pub otlp: String,
    pub format: LogFormat,
    /// As `RUST_LOG` is written.
    pub filter: String,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp: String::new(),
            format: LogFormat::Text,
            filter: "info,sea_orm_migration=warn,opentelemetry_sdk=warn,async_nats=warn".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// How long stopping takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// Seconds of being not ready but still serving, until nobody sends more calls.
    pub announce_s: u64,
    /// Seconds after which whatever still runs is cut off.
    pub deadline_s: u64,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { announce_s: 0, deadline_s: 20 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("linju-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7800)),
            observe: SocketAddr::from(([127, 0, 0, 1], 7801)),
            database: DatabaseSettings::default(),
            bus: BusSettings::default(),
            keys: KeySettings::default(),
            tls: None,
            limits: Limits::default(),
            telemetry: TelemetrySettings::default(),
            shutdown: ShutdownSettings::default(),
            service: BTreeMap::new(),
        }
    }
}

/// Settings that cannot be read: which file, which key, what to write.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(String);

impl BadSettings {
    /// Settings of one service that cannot be used, and what to write instead.
    pub fn of_service(service: &str, reason: &dyn std::fmt::Display) -> Self {
        Self(format!("the configuration of `service.{service}` cannot be used: {reason}"))
    }
}

impl Settings {
    /// Reads `file`, where one is named, then the environment.
    pub fn read(file: Option<&Path>) -> Result<Self, BadSettings> {
        let mut sources = Config::builder();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(BadSettings(format!("there is no configuration file {}", file.display())));
            }
            sources = sources.add_source(File::from(file).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("LINJU").prefix_separator("__").separator("__").try_parsing(true);
        let read = sources.add_source(environment).build().and_then(Config::try_deserialize::<Self>);
        let settings = read.map_err(|e| {
            let file = file.map_or_else(String::new, |f| format!("in {} or ", f.display()));
            BadSettings(format!("the configuration {file}in the environment (LINJU__…) cannot be used: {e}"))
        })?;
        settings.check()
    }

    fn check(self) -> Result<Self, BadSettings> {
        let url = &self.database.url;
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        if !url.is_empty() && !known {
            return Err(BadSettings(
                "database.url must start with postgres://, or be empty for SQLite files".to_owned(),
            ));
        }
        if !url.is_empty() && !url.contains("{service}") {
            return Err(BadSettings(
                "database.url must hold {service}: every service has a database of its own, for example \
                 postgres://linju@db/linju_{service}"
                    .to_owned(),
            ));
        }
        Ok(self)
    }

    /// Whether rows live in SQLite files.
    pub fn is_embedded(&self) -> bool {
        self.database.url.is_empty()
    }

    /// What one service is told; an empty table where nothing is.
    pub fn of_service(&self, name: &str) -> serde_json::Value {
        self.service.get(name).cloned().unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new()))
    }

    /// Where one service's rows live.
    pub fn database_url(&self, service: &str) -> String {
        if self.is_embedded() {
            format!("sqlite:{}", self.data_dir.join(format!("{service}.db")).display())
        } else {
            self.database.url.replace("{service}", service)
        }
    }

    /// The file of the master key.
    pub fn master_key(&self) -> PathBuf {
        self.keys.master.clone().unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// The file of the token issuers' public keys.
    pub fn token_public(&self) -> PathBuf {
        self.keys.token_public.clone().unwrap_or_else(|| self.data_dir.join("token.pub.pem"))
    }

    /// The file of the key that signs tokens.
    pub fn token_private(&self) -> PathBuf {
        self.keys.token_private.clone().unwrap_or_else(|| self.data_dir.join("token.key.pem"))
    }

    /// The file of the event log of an embedded install.
    pub fn event_log(&self) -> PathBuf {
        self.data_dir.join("events.db")
    }
}
