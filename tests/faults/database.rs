//! Postgres goes away under people's hands.

use anyhow::{Context as _, Result, ensure};
use linju_proto::incidents::v1::{GetIncidentRequest, ReportIncidentRequest};
use test_servers::{Durability, Nats, Postgres, Stop};
use tonic::Code;

use super::{a_report, desk, report};
use crate::ground::{Caller, House, Install, holds, reason};

const WRITERS: usize = 4;

/// Reports until a report fails; what was answered, and what was not.
async fn write(desk: Caller) -> Result<(Vec<String>, ReportIncidentRequest)> {
    let mut answered = Vec::new();
    loop {
        let report = a_report();
        match desk.incidents().report_incident(report.clone()).await {
            Ok(incident) => answered.push(incident.into_inner().id),
            Err(status) => {
                ensure!(status.code() == Code::Unavailable, "{status:?}");
                return Ok((answered, report));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stops_and_comes_back() -> Result<()> {
    let nats = Nats::start()?;
    let mut postgres = tokio::task::spawn_blocking(|| Postgres::start(Durability::Durable)).await??;
    let install = Install::stack(&postgres, &nats)?.with("database.pool.acquire_ms", 1_000);
    let house = House::open(install).await?;
    let desk = desk(&house).await?;
    report(&desk).await?;

    let writers = futures::stream::FuturesUnordered::new();
    for _ in 0..WRITERS {
        writers.push(write(desk.clone()));
    }
    let stop = async {
        // In the middle of their work.
        holds("they are at work", async || Ok(house.install.count("incidents", "incidents").await? > 20)).await?;
        let stopped = tokio::task::spawn_blocking(move || postgres.stop(Stop::Immediate).map(|()| postgres));
        stopped.await?
    };
    let (stopped, written) = tokio::join!(stop, futures::StreamExt::collect::<Vec<_>>(writers));
    let mut postgres = stopped?;

    let down = report(&desk).await.err().context("nothing can be reported")?;
    ensure!(down.code() == Code::Unavailable, "{down:?}");
    ensure!(reason(&down).starts_with("DATABASE_"), "{down:?}");
    let ready = ready(&house).await?;
    ensure!(ready.contains("503"), "not ready without a database: {ready}");

    let postgres = tokio::task::spawn_blocking(move || postgres.restart().map(|()| postgres)).await??;
    holds("it serves again by itself", async || Ok(report(&desk).await.is_ok())).await?;
    for written in written {
        let (answered, unanswered) = written?;
        for id in answered {
            desk.incidents().get_incident(GetIncidentRequest { id }).await.context("an answered report is lost")?;
        }
        // Written or not, asked again it is written once.
        let again = desk.incidents().report_incident(unanswered.clone()).await?.into_inner();
        ensure!(desk.incidents().report_incident(unanswered).await?.into_inner().id == again.id);
    }
    let requests = house.install.count("incidents", "requests").await?;
    ensure!(house.install.count("incidents", "incidents").await? == requests, "one incident a request");
    ensure!(house.install.count("incidents", "timeline").await? == requests, "one entry an incident");
    holds("every event is published", async || house.install.is_drained().await).await?;
    house.close().await?;
    drop(postgres);
    Ok(())
}

/// The answer of `/healthz/ready`.
async fn ready(house: &House) -> Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(house.incidents().observe).await?;
    stream.write_all(b"GET /healthz/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
