//! NATS is away, or its line is dead: work goes on, and what happened is told when it is back.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use test_servers::{Mode, Nats, Proxy};

use super::{answered, desk, endanger, exactly_once, report};
use crate::ground::{Caller, House, Install, holds};

const REPORTS: usize = 30;

async fn work(desk: &Caller) -> Result<String> {
    for _ in 1..REPORTS {
        report(desk).await?;
    }
    let last = report(desk).await?.id;
    endanger(desk, &last).await?;
    Ok(last)
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_is_killed_while_people_work() -> Result<()> {
    let mut nats = Nats::start()?;
    let install = Install::shared_stack(&nats)?;
    install.settle()?;
    let house = House::open(install).await?;
    let desk = desk(&house).await?;
    holds("the outboxes are empty", async || house.install.is_drained().await).await?;
    nats.kill9()?;
    let last = work(&desk).await?;
    let waiting = house.install.count("incidents", "outbox WHERE published_at IS NULL").await?;
    ensure!(waiting >= i64::try_from(REPORTS)?, "{waiting} events wait");
    nats.restart()?;
    answered(&desk, &last).await?;
    exactly_once(&house.install, 1).await?;
    house.close().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_to_nats_goes_dead() -> Result<()> {
    let nats = Nats::start()?;
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, nats.port()))).await?;
    let url = format!("nats://127.0.0.1:{}", proxy.port());
    let install = Install::shared_stack(&nats)?.with("bus.nats.url", url);
    install.settle()?;
    let house = House::open(install).await?;
    let desk = desk(&house).await?;
    holds("the outboxes are empty", async || house.install.is_drained().await).await?;
    // Open connections never move again and nobody is told; the program has to notice by itself.
    proxy.set(Mode::FreezeOpen);
    let first = work(&desk).await?;
    answered(&desk, &first).await?;
    // Nothing passes at all, new connections included.
    proxy.set(Mode::BlackHole);
    let second = work(&desk).await?;
    let waiting = house.install.count("incidents", "outbox WHERE published_at IS NULL").await?;
    ensure!(waiting >= i64::try_from(REPORTS)?, "{waiting} events wait");
    proxy.set(Mode::Pass);
    answered(&desk, &second).await?;
    exactly_once(&house.install, 2).await?;
    house.close().await?;
    Ok(())
}
