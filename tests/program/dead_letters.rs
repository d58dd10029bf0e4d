//! Events that cannot be used, and a stream that was lost.

use anyhow::{Context as _, Result, ensure};
use async_nats::{HeaderMap, jetstream};
use serde_json::Value;
use test_servers::Nats;

use super::says;
use crate::ground::{House, Install, holds, id, until};

const SUBJECT: &str = "linju.incidents.v1.511903.001.234.building_endangered";

/// Puts a message onto the stream past every check of ours.
async fn publish(nats: &Nats, headers: HeaderMap, body: &'static str) -> Result<()> {
    let context = jetstream::new(async_nats::connect(nats.url()).await?);
    context.publish_with_headers(SUBJECT, headers, body.into()).await?.await?;
    Ok(())
}

/// Headers of an event whose body says nothing that residents could use.
fn poison() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let (event, key) = (id(), id());
    for (name, value) in [
        ("Nats-Msg-Id", event.as_str()),
        ("ce-specversion", "1.0"),
        ("ce-id", &event),
        ("ce-type", "linju.incidents.v1.BuildingEndangered"),
        ("ce-source", "incidents"),
        ("ce-time", "2026-11-22T08:00:00Z"),
        ("ce-linjukey", &key),
        ("ce-linjuversion", "1"),
        ("content-type", "application/json"),
    ] {
        headers.insert(name, value);
    }
    headers
}

async fn parked(install: &Install, wanted: usize) -> Result<Vec<Value>> {
    until("the event is parked", async || {
        let list = install.told(&["dlq", "list"])?;
        let list = list.as_array().context("a list")?;
        Ok((list.len() == wanted).then(|| list.clone()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_put_aside_and_others_go_on() -> Result<()> {
    let nats = Nats::start()?;
    let house = House::open(Install::shared_stack(&nats)?).await?;
    let install = &house.install;
    publish(&nats, poison(), r#"{"incidentId":"nobody","areaCode":"511903001234"}"#).await?;
    publish(&nats, HeaderMap::new(), "no event at all").await?;
    let list = parked(install, 2).await?;
    for letter in &list {
        ensure!(letter["consumer"] == "residents-care", "{letter}");
        ensure!(letter["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{letter}");
    }
    ensure!(list.iter().any(|letter| letter["kind"] == "linju.incidents.v1.BuildingEndangered"), "{list:?}");
    let doctor = install.run(&["--json", "doctor"])?;
    says(&doctor, Some(3), &["linju dlq list"])?;

    let number = |letter: &Value| letter["id"].as_u64().map(|id| id.to_string()).context("a number");
    let first = number(&list[0])?;
    install.told(&["dlq", "retry", &first])?;
    // It is as useless as before, and comes back under another number.
    let again = until("it is parked again", async || {
        let list = install.told(&["dlq", "list"])?;
        let list = list.as_array().context("a list")?.clone();
        let back = list.len() == 2 && list.iter().all(|letter| number(letter).is_ok_and(|number| number != first));
        Ok(back.then_some(list))
    });
    for letter in again.await? {
        install.told(&["dlq", "drop", &number(&letter)?])?;
    }
    parked(install, 0).await?;
    says(&install.run(&["dlq", "retry", &first])?, Some(1), &["linju dlq list"])?;
    house.close().await?;
    Ok(())
}

/// The store of NATS is lost; `linju replay` fills it again, and nothing is done twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_stream_is_filled_again() -> Result<()> {
    let mut nats = Nats::start()?;
    let install = Install::shared_stack(&nats)?;
    install.settle()?;
    let house = House::open(install).await?;
    holds("every event is published", async || house.install.is_drained().await).await?;
    let install = house.close().await?;
    let before = install.events().await?;
    nats.stop()?;
    nats.wipe_store()?;
    nats.restart()?;

    let told = install.told(&["replay", "--from", "2020-01-01T00:00:00Z"])?;
    ensure!(told["residents"]["published"].as_u64() == u64::try_from(before.len()).ok(), "{told}");
    let after = install.events().await?;
    let ids = |events: &[crate::ground::Told]| events.iter().map(|event| event.id.clone()).collect::<Vec<_>>();
    ensure!(ids(&before) == ids(&after), "in the same order");
    install.told(&["replay", "--from", "2020-01-01T00:00:00Z"])?;
    ensure!(install.events().await?.len() == before.len(), "a second time adds nothing");
    Ok(())
}
