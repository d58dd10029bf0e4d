//! Following changes through the door of the whole program, as a page in a browser and as a program do, on both back ends.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, bail, ensure};
use linju_proto::{
    common::v1::Role,
    gateway::v1::{FollowChangesRequest, live_service_client::LiveServiceClient},
};
use serde_json::{Value, json};
use test_servers::Nats;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::{Duration, Instant, timeout},
};
use tonic::{Code, Request, transport::Endpoint};

use crate::ground::{Desk, Install, Person, Serving, asked, head, id, reason};

const HERE: &str = "511903001008";
const ELSEWHERE: &str = "511903001009";
const SUBDISTRICT: &str = "511903001";
const PATIENCE: Duration = Duration::from_mins(1);
/// Whoever is behind the eight changes at hand and has left one unread for so long is cut off.
const IDLE: Duration = Duration::from_secs(2);

/// A whole program in one process, and people at its door.
struct Scene {
    serving: Serving,
    desk: Desk,
    dispatcher: Person,
    clerk: Person,
    /// Keeps the bus, where it is a server.
    _nats: Option<Nats>,
    _install: Install,
}

impl Scene {
    async fn set(install: Install, nats: Option<Nats>) -> Result<Self> {
        let install = install
            .with("service.gateway.live.ring_events", 8)
            .with("service.gateway.live.patience_s", IDLE.as_secs())
            // The door's own limit on readers would cut the whole line.
            .with("service.gateway.door.stall_s", 600);
        let serving = install.serve(&[], &[]).await?;
        let desk = Desk::open(&install, &serving).await?;
        let dispatcher = desk.person("desk.one", Role::Dispatcher, HERE).await?;
        let clerk = desk.person("clerk.one", Role::CallClerk, SUBDISTRICT).await?;
        Ok(Self { serving, desk, dispatcher, clerk, _nats: nats, _install: install })
    }

    async fn both() -> Result<[Self; 2]> {
        let embedded = Self::set(Install::embedded()?, None).await?;
        let nats = tokio::task::spawn_blocking(Nats::start).await??;
        let install = Install::shared_stack(&nats)?;
        Ok([embedded, Self::set(install, Some(nats)).await?])
    }

    /// Reports something in a grid of an area; the incident's id.
    async fn report(&self, area: &str) -> Result<String> {
        let report = json!({
            "channel": "CHANNEL_PHONE",
            "place": { "areaCode": format!("{area}001"), "address": "白玉小区3栋" },
            "description": "楼道的灯坏了",
            "requestId": id(),
        });
        let made = self.desk.post("/v1/incidents", &self.clerk.token, &report).await?.good()?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    }

    async fn reports(&self, area: &str, count: usize) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.report(area).await?);
        }
        Ok(ids)
    }

    /// Follows as a page does; the first event has come.
    async fn follow(&self, who: &Person, after: &str) -> Result<Follower> {
        let mut line = BufReader::new(TcpStream::connect(self.desk.at).await?);
        let last = format!("last-event-id: {after}");
        let more: &[&str] = if after.is_empty() { &[] } else { &[&last] };
        let more = [&["accept: text/event-stream"], more].concat();
        line.write_all(asked("GET", "/v1/changes:follow", (&who.token, &more), None).as_bytes()).await?;
        let (status, head) = head(&mut line).await?;
        ensure!(status == 200 && head.contains("text/event-stream"), "{head}");
        let mut follower = Follower { line, text: String::new(), last: String::new(), come: VecDeque::new() };
        let greeting = follower.event().await?.context("a first event")?;
        ensure!(greeting["kind"].as_str().is_none_or(str::is_empty), "a sign of life comes first: {greeting}");
        ensure!(after.is_empty() || follower.last == after, "it goes on where it was");
        Ok(follower)
    }
}

/// A page that follows: the stream's text, and the id of the last event.
struct Follower {
    line: BufReader<TcpStream>,
    text: String,
    last: String,
    come: VecDeque<(String, Value)>,
}

impl Follower {
    /// The next event; none where the stream has ended. An event `error` is an error.
    async fn event(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some((kind, data)) = self.come.pop_front() {
                ensure!(kind != "error", "{data}");
                return Ok(Some(data));
            }
            if !timeout(PATIENCE, self.piece()).await.context("nothing came")?? {
                return Ok(None);
            }
        }
    }

    /// Reads one piece of the body; false at its end.
    async fn piece(&mut self) -> Result<bool> {
        let mut size = String::new();
        if self.line.read_line(&mut size).await? == 0 {
            return Ok(false);
        }
        let size = usize::from_str_radix(size.trim(), 16).with_context(|| format!("a size: {size:?}"))?;
        let mut piece = vec![0; size + 2];
        self.line.read_exact(&mut piece).await?;
        self.text += std::str::from_utf8(&piece[..size])?;
        while let Some((event, rest)) = self.text.split_once("\n\n").map(|(e, r)| (e.to_owned(), r.to_owned())) {
            self.text = rest;
            self.take(&event)?;
        }
        Ok(size > 0)
    }

    fn take(&mut self, event: &str) -> Result<()> {
        let (mut kind, mut data) = (String::new(), None);
        for line in event.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => id.clone_into(&mut self.last),
                Some(("event", name)) => name.clone_into(&mut kind),
                Some(("data", text)) => data = Some(serde_json::from_str(text)?),
                // A comment keeps the line alive.
                Some(("", _)) => {}
                _ => bail!("not an event: {event}"),
            }
        }
        self.come.extend(data.map(|data| (kind, data)));
        Ok(())
    }

    /// The incidents whose report it hears of, one after the other.
    async fn reported(&mut self, count: usize) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let change = self.event().await?.context("the stream has ended")?;
            let area = change["areaCode"].as_str().unwrap_or_default();
            ensure!(area.is_empty() || area.starts_with(HERE), "another area's change: {change}");
            if change["kind"] == "IncidentReported" {
                ids.push(change["recordId"].as_str().context("an id")?.to_owned());
            }
        }
        Ok(ids)
    }

    /// Why the stream ends.
    async fn end(&mut self) -> Result<Value> {
        loop {
            if let Some((kind, data)) = self.come.pop_front() {
                if kind == "error" {
                    return Ok(data);
                }
            } else if !timeout(PATIENCE, self.piece()).await.context("the stream goes on")?? {
                bail!("the stream ended without a word");
            }
        }
    }
}

/// What happens while nobody follows comes with the next connection: each change once, in order, and never another area's.
#[tokio::test(flavor = "multi_thread")]
async fn a_desk_misses_nothing_across_reconnects() -> Result<()> {
    for scene in Scene::both().await? {
        let mut follower = scene.follow(&scene.dispatcher, "").await?;
        let (mut wanted, mut heard) = (Vec::new(), Vec::new());
        for (sent, taken) in [(3, 2), (20, 1), (1, 15), (4, 4)] {
            scene.reports(ELSEWHERE, 2).await?;
            wanted.extend(scene.reports(HERE, sent).await?);
            heard.extend(follower.reported(taken).await?);
            let last = follower.last.clone();
            drop(follower);
            wanted.extend(scene.reports(HERE, 2).await?);
            follower = scene.follow(&scene.dispatcher, &last).await?;
        }
        heard.extend(follower.reported(wanted.len() - heard.len()).await?);
        assert_eq!(heard, wanted);
        let next = scene.report(HERE).await?;
        assert_eq!(follower.reported(1).await?, [next]);
        drop(follower);
        ensure!(scene.serving.stop().await?.success());
    }
    Ok(())
}

/// A program that stops reading is cut off and can go on where it was; a desk beside it hears everything at once.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_is_cut_off_and_harms_nobody() -> Result<()> {
    for scene in Scene::both().await? {
        // The stream has room for one message or two; what follows waits at the door.
        let endpoint = Endpoint::from_shared(format!("http://{}", scene.desk.at))?.initial_stream_window_size(1_024);
        let mut client = LiveServiceClient::new(endpoint.connect().await?);
        let mut request = Request::new(FollowChangesRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {}", scene.dispatcher.token).parse()?);
        let mut idle = client.follow_changes(request).await?.into_inner();
        let mut quick = scene.follow(&scene.dispatcher, "").await?;
        let mut sent = Vec::new();
        let began = Instant::now();
        while sent.len() < 40 || began.elapsed() < 2 * IDLE {
            sent.push(scene.report(HERE).await?);
            assert_eq!(quick.reported(1).await?, sent[sent.len() - 1..]);
        }
        let (mut read, mut last) = (Vec::new(), String::new());
        let status = loop {
            match timeout(PATIENCE, idle.message()).await.context("it was not cut off")? {
                Ok(change) => {
                    let change = change.context("the stream ended without a word")?;
                    if change.kind == "IncidentReported" {
                        read.push(change.record_id);
                    }
                    last = change.event_id;
                    ensure!(read.len() < sent.len(), "it was given everything");
                }
                Err(status) => break status,
            }
        };
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "FOLLOW_AGAIN"));
        let mut again = scene.follow(&scene.dispatcher, &last).await?;
        read.extend(again.reported(sent.len() - read.len()).await?);
        assert_eq!(read, sent);
        drop((quick, again));
        ensure!(scene.serving.stop().await?.success());
    }
    Ok(())
}

/// Whatever takes the right away ends the stream: the session, the grant, the account. Another's stream goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_ends_the_stream() -> Result<()> {
    for scene in Scene::both().await? {
        let desk = &scene.desk;
        let mut other = scene.follow(&scene.dispatcher, "").await?;
        let leaving = desk.person("desk.leaving", Role::Dispatcher, HERE).await?;
        let locked = desk.person("desk.locked", Role::Dispatcher, HERE).await?;
        let moved = desk.invite("desk.moved").await?;
        let grant = desk.grant(&moved, Role::Dispatcher, HERE, json!({})).await?;
        let mut streams = Vec::new();
        for person in [&leaving, &locked, &moved] {
            streams.push(scene.follow(person, "").await?);
        }
        desk.post("/auth/revoke", "", &json!({ "token": leaving.token })).await?.good()?;
        let lock = format!("/v1/accounts/{}:lock", locked.account);
        desk.post(&lock, &desk.admin, &json!({})).await?.good()?;
        let revoke = format!("/v1/grants/{grant}:revoke");
        desk.post(&revoke, &desk.admin, &json!({ "reason": "moved to another desk" })).await?.good()?;
        for stream in &mut streams {
            let why = stream.end().await?;
            assert_eq!(why["details"][0]["reason"], "NOT_SIGNED_IN", "{why}");
        }
        for (person, status) in [(&leaving, 401), (&locked, 401), (&moved, 403)] {
            assert_eq!(desk.get("/v1/changes:follow", &person.token).await?.status, status, "at once");
        }
        let next = scene.report(HERE).await?;
        assert_eq!(other.reported(1).await?, [next]);
        drop((other, streams));
        ensure!(scene.serving.stop().await?.success());
    }
    Ok(())
}
