//! Drains a full outbox to JetStream, against bare atomic batches of the same messages; every write is synced on both sides.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::{
    Client, HeaderMap, Request,
    jetstream::{self, publish::PublishAck, response::Response, stream},
};
use bytes::Bytes;

use super::report::{METHOD, request, wait_for_relay};
use crate::{
    Plan,
    ground::{Ground, Install},
    stats::Spread,
    table::{Table, Target},
};

/// Events of one batch, as the relay's default.
const BATCH: usize = 500;
const STREAM: &str = "LINJU_EVENTS";
const BARE: &str = "bare.events";

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let events = if plan.full { 50_000 } else { 20_000 };
    let install = ground.install()?;
    {
        // One real event is the pattern of all.
        let serving = install.serve(&["incidents"])?;
        install.caller(&serving, METHOD).await?.call(0, request()).await?;
        wait_for_relay(&install)?;
    }
    let client = async_nats::connect(install.nats.url()).await?;
    let context = jetstream::new(client.clone());
    let pattern = context.get_stream(STREAM).await?.get_raw_message(1).await?;
    let bare = Bare { client, headers: pattern.headers, body: pattern.payload };
    let config = stream::Config {
        name: "BARE".to_owned(),
        subjects: vec![BARE.to_owned()],
        allow_atomic_publish: true,
        duplicate_window: Duration::from_mins(2),
        ..stream::Config::default()
    };
    context.create_stream(config).await?;

    let (mut ratios, mut rates, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let limit = bare.publish(events, round).await?;
        let rate = drain(&install, &context, events).await?;
        eprintln!("  bare batches {limit:.0} events/s, relay {rate:.0} events/s");
        if round > 0 {
            ratios.push(rate / limit);
            rates.push(rate);
            limits.push(limit);
        }
    }
    let ratio = Spread::of(&ratios);
    let name = format!("Relay drain of {events} events, of bare atomic batches of {BATCH}, all synced");
    table.held(&name, (Target::AtLeast(0.6), "≥ 60 %"), ratio, ratio.percent());
    table.shown("– relay, events/s", Spread::of(&rates).whole(""));
    table.shown("– bare batches, events/s", Spread::of(&limits).whole(""));
    Ok(())
}

/// Fills the outbox with copies of its first event, lets the service start, and reads off the rows when each batch was
/// marked. The first batch is not counted, since it is where the clock starts.
async fn drain(install: &Install<'_>, context: &jetstream::Context, events: usize) -> Result<f64> {
    install.sql(
        "incidents",
        &format!(
            "DELETE FROM outbox WHERE position > (SELECT min(position) FROM outbox); \
             INSERT INTO outbox (id, kind, source, subject, key, version, at, trace, data) \
             SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '70008' \
                    || lpad(to_hex(n), 15, '0'))::uuid, kind, source, subject, key, n + 1, at, trace, data \
             FROM (SELECT * FROM outbox ORDER BY position LIMIT 1) first, generate_series(1, {events}) n"
        ),
    )?;
    install.settle("incidents")?;
    let before = context.get_stream(STREAM).await?.cached_info().state.messages;
    let wanted = before + u64::try_from(events)?;
    {
        let _serving = install.serve(&["incidents"])?;
        let began = Instant::now();
        while context.get_stream(STREAM).await?.cached_info().state.messages < wanted {
            ensure!(began.elapsed() < Duration::from_mins(2), "the outbox was not drained in two minutes");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        wait_for_relay(install)?;
    }
    let seconds = "SELECT extract(epoch FROM max(published_at) - min(published_at)) FROM outbox WHERE version > 1";
    let seconds: f64 = install.sql("incidents", seconds)?.parse()?;
    Ok(f64::from(u32::try_from(events - BATCH)?) / seconds)
}

/// The pattern message, published by nobody but this.
struct Bare {
    client: Client,
    headers: HeaderMap,
    body: Bytes,
}

impl Bare {
    /// Messages per second in batches that are synced one after the other.
    async fn publish(&self, events: usize, round: usize) -> Result<f64> {
        let began = Instant::now();
        for batch in 0..events / BATCH {
            let id = format!("b{round}-{batch}");
            for n in 1..=BATCH {
                let mut headers = self.headers.clone();
                // As long as the id of an event.
                headers.insert("Nats-Msg-Id", format!("{round:08}-{batch:012}-{n:014}"));
                headers.insert("Nats-Batch-Id", id.as_str());
                headers.insert("Nats-Batch-Sequence", n.to_string());
                if n < BATCH {
                    self.client.publish_with_headers(BARE, headers, self.body.clone()).await?;
                    continue;
                }
                headers.insert("Nats-Batch-Commit", "1");
                let commit = Request::new().headers(headers).payload(self.body.clone());
                let answer = self.client.send_request(BARE, commit).await?;
                match serde_json::from_slice(&answer.payload).context("no acknowledgement")? {
                    Response::<PublishAck>::Ok(_) => {}
                    Response::Err { error } => return Err(error.into()),
                }
            }
        }
        Ok(f64::from(u32::try_from(events / BATCH * BATCH)?) / began.elapsed().as_secs_f64())
    }
}
