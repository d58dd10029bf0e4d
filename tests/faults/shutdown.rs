//! Nobody who keeps a line open keeps the program from ending.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::net::TcpStream;

use super::{desk, report};
use crate::ground::{House, Install};

const DEADLINE: Duration = Duration::from_secs(5);

/// A bare TCP connection and an HTTP/2 connection that has served, both idle; then SIGTERM.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_it_up() -> Result<()> {
    let house = House::open(Install::embedded()?.with("shutdown.deadline_s", DEADLINE.as_secs())).await?;
    let desk = desk(&house).await?;
    let bare = TcpStream::connect(house.residents.grpc).await?;
    let metrics = TcpStream::connect(house.residents.observe).await?;
    let last = report(&desk).await?;

    let start = Instant::now();
    let House { install, residents, .. } = house;
    let mut residents = residents;
    residents.ask_to_stop()?;
    let status = residents.ended().await?;
    // The process is given a second on a busy machine to leave, once it has stopped.
    ensure!(start.elapsed() < DEADLINE + Duration::from_secs(2), "it took {:?}", start.elapsed());
    ensure!(status.success(), "{status}");
    drop((bare, metrics, desk));

    let house = House::open(install).await?;
    ensure!(house.install.count("incidents", &format!("incidents WHERE number = '{}'", last.number)).await? == 1);
    house.close().await?;
    Ok(())
}
