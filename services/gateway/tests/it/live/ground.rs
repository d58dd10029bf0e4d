//! A bus with something that tells of it, and people who follow.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chassis::{
    access::{Gate, Gated, Grant, Principal, Role, SigningKey, TokenSigner, TokenVerifier},
    data::{AreaCode, AreaLevel, Clock, Ids},
    events::{Event, JetStream, LocalLog, NatsSettings, SharedBus},
    run::{Meter, Tasks},
};
use chrono::TimeDelta;
use linju_gateway::live::{Live, LiveSettings};
use linju_proto::gateway::v1::{Change, FollowChangesRequest, live_service_client::LiveServiceClient};
use test_servers::Nats;
use tonic::{Code, Request, Status, Streaming, service::Routes};
use tonic_types::StatusExt;
use tower::Layer;

pub(super) const LONG: Duration = Duration::from_mins(1);
pub(super) const AREA: &str = "511903001008";

/// A bus, and what tells of it.
pub(super) struct Ground {
    pub(super) bus: SharedBus,
    ids: Ids,
    key: SigningKey,
    clock: Clock,
    pub(super) settings: LiveSettings,
    pub(super) tasks: Tasks,
    door: LiveServiceClient<Gated<Routes>>,
    sent: std::sync::atomic::AtomicI64,
    pub(super) nats: Option<Nats>,
    _folder: tempfile::TempDir,
}

impl Ground {
    pub(super) async fn local(settings: LiveSettings) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let bus = LocalLog::open(&folder.path().join("events.db"), Clock::system()).await?;
        Self::on(bus, None, folder, settings)
    }

    pub(super) async fn jetstream(settings: LiveSettings) -> Result<Self> {
        let nats = tokio::task::spawn_blocking(Nats::start).await??;
        let of_nats = NatsSettings { url: nats.url().into(), request_ms: 2_000, ..NatsSettings::default() };
        Self::on(JetStream::connect(of_nats).await?, Some(nats), tempfile::tempdir()?, settings)
    }

    pub(super) async fn both(settings: LiveSettings) -> Result<[Self; 2]> {
        Ok([Self::local(settings.clone()).await?, Self::jetstream(settings).await?])
    }

    fn on(bus: SharedBus, nats: Option<Nats>, folder: tempfile::TempDir, settings: LiveSettings) -> Result<Self> {
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let clock = Clock::system();
        let (tasks, door) = serve(&bus, &settings, &key, &clock)?;
        let ids = Ids::random();
        Ok(Self { bus, ids, key, clock, settings, tasks, door, sent: 0.into(), nats, _folder: folder })
    }

    /// Stops what tells of the bus and starts another, as when the program is started anew.
    pub(super) async fn restart(&mut self) -> Result<()> {
        self.tasks.stop();
        ensure!(self.tasks.wait(LONG).await, "the reader of the bus has ended");
        (self.tasks, self.door) = serve(&self.bus, &self.settings, &self.key, &self.clock)?;
        Ok(())
    }

    pub(super) fn event(&self, area: &str) -> Event {
        let n = self.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        let code: AreaCode = area.parse().expect("a code");
        let [county, subdistrict, community] =
            [AreaLevel::County, AreaLevel::Subdistrict, AreaLevel::Community].map(|level| code.token(level));
        Event {
            id: self.ids.next(),
            kind: "linju.incidents.v1.IncidentReported".into(),
            source: "incidents".into(),
            subject: format!("linju.incidents.v1.{county}.{subdistrict}.{community}.incident_reported"),
            key: self.ids.next(),
            version: n,
            at: self.clock.now(),
            trace: None,
            data: format!(r#"{{"areaCode":"{area}","category":"lamp"}}"#),
        }
    }

    /// Publishes `count` events of an area; their versions, which count all that were sent.
    pub(super) async fn send(&self, area: &str, count: usize) -> Result<Vec<i64>> {
        let events: Vec<_> = (0..count).map(|_| self.event(area)).collect();
        self.bus.publish(&events).await?;
        Ok(events.iter().map(|event| event.version).collect())
    }

    fn request(&self, who: &Principal, message: FollowChangesRequest) -> Result<Request<FollowChangesRequest>> {
        let token = TokenSigner::new(&self.key, self.clock.clone()).sign(who, TimeDelta::minutes(5))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        Ok(request)
    }

    pub(super) async fn ask(&self, who: &Principal, message: FollowChangesRequest) -> Result<Result<Follower, Status>> {
        // The reader of the bus may not be up yet, or be coming back.
        let asking = async {
            loop {
                match self.door.clone().follow_changes(self.request(who, message.clone())?).await {
                    Err(status) if status.message().starts_with("changes cannot be followed now") => {
                        tokio::task::yield_now().await;
                    }
                    answer => return anyhow::Ok(answer.map(|stream| Follower(stream.into_inner()))),
                }
            }
        };
        tokio::time::timeout(LONG, asking).await.context("nobody can follow")?
    }

    /// Follows; the first message has come.
    pub(super) async fn follow(&self, who: &Principal, after: &str) -> Result<(Follower, String)> {
        let request = FollowChangesRequest { after: after.to_owned(), ..FollowChangesRequest::default() };
        let mut follower = self.ask(who, request).await??;
        let first = follower.message().await?;
        ensure!(first.kind.is_empty(), "a sign of life comes first: {first:?}");
        Ok((follower, first.event_id))
    }
}

fn serve(
    bus: &SharedBus,
    settings: &LiveSettings,
    key: &SigningKey,
    clock: &Clock,
) -> Result<(Tasks, LiveServiceClient<Gated<Routes>>)> {
    let (tasks, live) = (Tasks::default(), Live::new(bus.clone(), settings.clone()));
    live.start(&tasks);
    let gate =
        Gate::new(TokenVerifier::new(key.public(), clock.clone()), 10_000, Meter::new().map_err(anyhow::Error::msg)?);
    Ok((tasks, LiveServiceClient::new(gate.layer(Routes::new(live.server())))))
}

pub(super) struct Follower(pub(super) Streaming<Change>);

impl Follower {
    pub(super) async fn message(&mut self) -> Result<Change> {
        let message = tokio::time::timeout(LONG, self.0.message()).await.context("nothing came")??;
        message.context("the stream has ended")
    }

    /// The next change; signs of life are passed over.
    pub(super) async fn change(&mut self) -> Result<Change> {
        loop {
            let message = self.message().await?;
            if !message.kind.is_empty() {
                return Ok(message);
            }
        }
    }

    pub(super) async fn versions(&mut self, count: usize) -> Result<Vec<i64>> {
        let mut versions = Vec::new();
        while versions.len() < count {
            versions.push(self.change().await?.version);
        }
        Ok(versions)
    }

    /// The status the stream ends with.
    pub(super) async fn end(&mut self) -> Result<Status> {
        loop {
            match tokio::time::timeout(LONG, self.0.message()).await.context("the stream goes on")? {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Status::ok("")),
                Err(status) => return Ok(status),
            }
        }
    }
}

pub(super) fn person(role: Role, areas: Option<&[&str]>) -> Principal {
    let codes = areas.map(|areas| areas.iter().map(|area| area.parse().expect("a code")).collect());
    Principal { subject: format!("u-{role:?}"), on_behalf: None, grants: vec![Grant::new(role, codes)] }
}

pub(super) fn dispatcher() -> Principal {
    person(Role::Dispatcher, Some(&[AREA]))
}

pub(super) fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().map(|info| info.reason).unwrap_or_default())
}
