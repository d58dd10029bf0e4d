//! Copies of a service that come and go behind one door: killed, silent, cut off, restarted one after the other.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use linju_proto::residents::v1::{ListAreasRequest, area_service_client::AreaServiceClient};
use test_servers::{Mode, Nats, Proxy, free_port};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::ground::{Install, Serving, areas, holds};

const COPIES: u8 = 3;
/// 200 calls a second.
const EVERY: Duration = Duration::from_millis(5);
/// So many calls pass in five seconds.
const FIVE_SECONDS: usize = 1_000;

/// One copy of residents, reached through a proxy that can break the line.
struct Copy {
    at: SocketAddr,
    line: Proxy,
    serving: Option<Serving>,
}

/// Three copies and one door.
struct Scene {
    install: Install,
    copies: Vec<Copy>,
    door: Serving,
    /// Keeps the bus.
    _nats: Nats,
}

impl Copy {
    async fn start(&mut self, install: &Install) -> Result<()> {
        let at = self.at.to_string();
        self.serving = Some(install.serve(&["residents"], &[("LINJU__LISTEN", &at)]).await?);
        Ok(())
    }

    fn serving(&self) -> Result<&Serving> {
        self.serving.as_ref().context("the copy runs")
    }

    /// How many calls this process has answered.
    async fn answered(&self) -> Result<u64> {
        let text = self.serving()?.metrics().await?;
        let lines = text.lines().filter(|line| line.contains("_count") && line.contains("ListAreas"));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }
}

impl Scene {
    async fn set() -> Result<Self> {
        let nats = tokio::task::spawn_blocking(Nats::start).await??;
        let install = Install::shared_stack(&nats)?
            .with("shutdown.announce_s", 3)
            .with("service.gateway.door.rates.anonymous.calls", 0)
            .with("service.gateway.door.rates.anonymous.seconds", 1)
            .with("service.gateway.door.rates.address.calls", 0)
            .with("service.gateway.door.rates.address.seconds", 1);
        let (code, answer) = install.import("areas", &areas(), &[])?;
        ensure!(code == Some(0), "{answer}");
        let mut copies = Vec::new();
        for n in 0..COPIES {
            let at = SocketAddr::from(([127, 0, 0, 2 + n], free_port()?));
            let mut copy = Copy { at, line: Proxy::start(at).await?, serving: None };
            copy.start(&install).await?;
            copies.push(copy);
        }
        let places: Vec<String> = copies.iter().map(|copy| copy.line.address().to_string()).collect();
        let upstream = [("LINJU__SERVICE__GATEWAY__UPSTREAMS__RESIDENTS", places.join(","))];
        let upstream: Vec<_> = upstream.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let door = install.serve(&["gateway"], &upstream).await?;
        Ok(Self { install, copies, door, _nats: nats })
    }

    async fn calls(&self) -> Result<Calls> {
        let channel = Endpoint::from_shared(format!("http://{}", self.door.door()?))?.connect().await?;
        Ok(Calls::start(channel))
    }

    /// Waits until a copy gets calls.
    async fn serves(&self, copy: usize) -> Result<()> {
        let before = self.copies[copy].answered().await?;
        holds("the copy gets calls again", async || Ok(self.copies[copy].answered().await? > before + 20)).await
    }
}

/// Calls that go on at their pace, whatever becomes of those before.
struct Calls {
    made: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    work: JoinSet<()>,
}

impl Calls {
    fn start(channel: Channel) -> Self {
        let (made, failed, stop) = (Arc::default(), Arc::default(), Arc::default());
        let mut work = JoinSet::new();
        work.spawn(keep_calling(channel, Arc::clone(&made), Arc::clone(&failed), Arc::clone(&stop)));
        Self { made, failed, stop, work }
    }

    fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    /// Waits until so many more calls were made.
    async fn pass(&self, calls: usize) -> Result<()> {
        let until = self.made.load(Ordering::Relaxed) + calls;
        holds("calls go on", async || Ok(self.made.load(Ordering::Relaxed) >= until)).await
    }

    /// Ends them; how many failed, of how many.
    async fn end(mut self) -> Result<(usize, usize)> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.work.join_next().await {
            done?;
        }
        Ok((self.failed(), self.made.load(Ordering::Relaxed)))
    }
}

async fn keep_calling(channel: Channel, made: Arc<AtomicUsize>, failed: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
    let mut pace = tokio::time::interval(EVERY);
    let mut open = JoinSet::new();
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let (channel, failed) = (channel.clone(), failed.clone());
        made.fetch_add(1, Ordering::Relaxed);
        open.spawn(async move {
            let areas = AreaServiceClient::new(channel).list_areas(ListAreasRequest::default()).await;
            if let Err(status) = areas {
                failed.fetch_add(1, Ordering::Relaxed);
                // Shown where the test fails.
                eprintln!("a call failed: {status:?}");
            }
        });
        while open.try_join_next().is_some() {}
    }
    open.join_all().await;
}

/// Less than one call of a hundred fails meanwhile, and none from five seconds after it on.
async fn survives(scene: &Scene, what: &str, broken: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let calls = scene.calls().await?;
    calls.pass(100).await?;
    broken().await?;
    calls.pass(FIVE_SECONDS).await?;
    let failed = calls.failed();
    calls.pass(FIVE_SECONDS).await?;
    let (all_failed, all) = calls.end().await?;
    ensure!(all_failed == failed, "{what}: {} calls failed after five seconds", all_failed - failed);
    ensure!(failed * 100 < all, "{what}: {failed} of {all} failed");
    Ok(())
}

/// Each copy stops as Kubernetes stops it and starts again while calls go on; none fails.
async fn rolls(scene: &mut Scene) -> Result<()> {
    let calls = scene.calls().await?;
    calls.pass(100).await?;
    for n in 0..scene.copies.len() {
        let copy = &mut scene.copies[n];
        let status = copy.serving.take().context("it runs")?.stop().await?;
        ensure!(status.success(), "{status}");
        copy.start(&scene.install).await?;
        scene.serves(n).await?;
    }
    let (failed, all) = calls.end().await?;
    ensure!(failed == 0, "{failed} of {all} calls failed during a rolling restart");
    ensure!(all > FIVE_SECONDS, "{all}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_come_and_go_and_calls_go_on() -> Result<()> {
    let mut scene = Box::pin(Scene::set()).await?;
    let calls = scene.calls().await?;
    for n in 0..scene.copies.len() {
        scene.serves(n).await?;
    }
    ensure!(calls.end().await?.0 == 0, "all copies are well");

    survives(&scene, "silent", async || scene.copies[0].serving()?.freeze()).await?;
    scene.copies[0].serving()?.thaw()?;
    back(&scene, 0).await?;

    survives(&scene, "cut off", async || {
        scene.copies[1].line.set(Mode::BlackHole);
        Ok(())
    })
    .await?;
    scene.copies[1].line.set(Mode::Pass);
    back(&scene, 1).await?;

    let killed = scene.copies[2].serving.take().context("it runs")?;
    survives(&scene, "killed", async || killed.kill9().await).await?;
    scene.copies[2].start(&scene.install).await?;
    back(&scene, 2).await?;

    Box::pin(rolls(&mut scene)).await
}

/// A copy that is well again gets calls again.
async fn back(scene: &Scene, copy: usize) -> Result<()> {
    let calls = scene.calls().await?;
    scene.serves(copy).await?;
    let (failed, all) = calls.end().await?;
    ensure!(failed == 0, "{failed} of {all} failed while a copy came back");
    Ok(())
}
