//! A server with two partners' accounts, written by `linju partner`, and the program beside it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use async_nats::{Client, ConnectOptions, Event as Change, HeaderMap, jetstream::response::Response};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, alarm_service_client::AlarmServiceClient},
};
use serde_json::Value;
use test_servers::Nats;

use crate::ground::{Caller, House, Install, Who, until};

pub(super) const HERE: &str = "511903001008";
pub(super) const THERE: &str = "511903001009";

/// Two partners, each with a community and a pump; `pa` has HERE, `pb` has THERE.
pub(super) struct Partners {
    pub(super) house: House,
    pub(super) nats: Nats,
    pub(super) keeper: Caller,
}

impl Partners {
    pub(super) async fn open() -> Result<Self> {
        let nats = tokio::task::spawn_blocking(Nats::start).await??;
        let install = Install::shared_stack(&nats)?;
        let key = install.folder().join("platform.nk");
        let install = install.with("bus.nats.nkey_file", key.display());
        for (name, area) in [("pa", HERE), ("pb", THERE)] {
            let done = install.run(&[
                "partner",
                "add",
                name,
                "--areas",
                area,
                "--kinds",
                "fire,flooding,device_fault",
                "--rate",
                "200",
                "--nats-config",
                config(&nats)?.to_str().context("UTF-8")?,
            ])?;
            ensure!(done.code == Some(0), "{done:?}");
        }
        let mut nats = nats;
        nats.configure("include ./partners.conf")?;
        let nats = tokio::task::spawn_blocking(move || {
            nats.stop()?;
            nats.restart()?;
            Ok::<_, anyhow::Error>(nats)
        })
        .await??;
        let house = House::open(install).await?;
        let who = Who::new("u-keeper", Role::CommunityManager, "511903001").also(Role::Dispatcher);
        let keeper = house.caller(&who).await?;
        let this = Self { house, nats, keeper };
        for (partner, area) in [("pa", HERE), ("pb", THERE)] {
            let device = v1::RegisterDeviceRequest {
                partner: partner.to_owned(),
                code: format!("PUMP-{partner}"),
                area_code: area.to_owned(),
                place: "水泵房".to_owned(),
                latitude: 31.86,
                longitude: 106.75,
                damping_s: Some(0),
                ..Default::default()
            };
            this.desk().register_device(device).await?;
        }
        Ok(this)
    }

    pub(super) fn desk(&self) -> AlarmServiceClient<crate::ground::Line> {
        self.keeper.alarms()
    }

    /// All situations, the newest first.
    pub(super) async fn situations(&self) -> Result<Vec<v1::Situation>> {
        let request = v1::ListSituationsRequest { area_code: "511903001".to_owned(), ..Default::default() };
        Ok(self.desk().list_situations(request).await?.into_inner().situations)
    }

    /// Runs `linju partner …`, and has the server reload.
    pub(super) fn partner(&self, words: &[&str]) -> Result<()> {
        let (config, pid) = (config(&self.nats)?, self.nats.pid()?.to_string());
        let files = ["--nats-config", config.to_str().context("UTF-8")?, "--reload", &pid];
        let done = self.house.install.run(&[&["partner"], words, &files].concat())?;
        ensure!(done.code == Some(0), "{done:?}");
        Ok(())
    }

    /// Lets a partner in with its key as it lies in the file now.
    pub(super) async fn connect(&self, name: &str) -> Result<Line> {
        let seed = std::fs::read_to_string(self.house.install.data().join(format!("nats/{name}.nk")))?;
        Line::open(&self.nats, name, seed.trim().to_owned()).await
    }
}

/// The file that the server includes, in its own folder.
fn config(nats: &Nats) -> Result<PathBuf> {
    Ok(std::fs::read_link(format!("/proc/{}/cwd", nats.pid()?))?.join("partners.conf"))
}

/// A partner's connection, and what the server said on it.
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) name: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Line {
    async fn open(nats: &Nats, name: &str, seed: String) -> Result<Self> {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let noting = heard.clone();
        let options = ConnectOptions::with_nkey(seed)
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .request_timeout(Some(std::time::Duration::from_secs(20)))
            .event_callback(move |change| {
                let text = match change {
                    Change::ServerError(error) => format!("error {error}"),
                    Change::Disconnected | Change::Closed => "cut off".to_owned(),
                    other => format!("{other}"),
                };
                noting.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                std::future::ready(())
            });
        Ok(Self { client: options.connect(nats.url()).await?, name: name.to_owned(), heard })
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the server has said something with this in it, once more than before.
    pub(super) async fn hears(&self, what: &str) -> Result<()> {
        until(&format!("{} hears `{what}`; it heard {:?}", self.name, self.heard()), async || {
            let found = self.heard().iter().any(|text| text.to_ascii_lowercase().contains(what));
            Ok(found.then_some(()))
        })
        .await
    }

    /// Waits until the server has refused `act` on `subject`.
    pub(super) async fn refused(&self, act: &str, subject: &str) -> Result<()> {
        self.client.flush().await?;
        self.hears(&format!("{act} to \"{subject}\"").to_ascii_lowercase()).await
    }

    /// Asks, and reads the answer as JSON.
    pub(super) async fn ask(&self, subject: &'static str, body: &Value) -> Result<Value> {
        let answer = self.client.request(subject, body.to_string().into()).await?;
        serde_json::from_slice(&answer.payload).with_context(|| format!("{:?}", answer.payload))
    }

    /// Publishes and waits until the server has kept it; false where it would not.
    pub(super) async fn keep(&self, body: &Value, headers: &[(&str, &str)]) -> Result<bool> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.insert(*name, *value);
        }
        let answer = self.client.request_with_headers("alarm", all, body.to_string().into()).await?;
        let ack: Response<async_nats::jetstream::publish::PublishAck> = serde_json::from_slice(&answer.payload)?;
        Ok(matches!(ack, Response::Ok(ack) if !ack.duplicate && ack.stream == format!("LINJU_IN_{}", self.name)))
    }

    /// An alarm of the partner's pump.
    pub(super) fn alarm(&self, id: &str, kind: &str) -> Value {
        let at = chassis::data::Clock::system().now().to_rfc3339();
        serde_json::json!({ "id": id, "device": format!("PUMP-{}", self.name), "kind": kind, "at": at })
    }
}
