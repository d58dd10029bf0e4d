//! What happens to servers and lines, and must not be noticed in the events.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use async_nats::jetstream;
use chassis::events::{BusError, Event, JetStream, NatsSettings, SharedBus, Subscription};
use test_servers::{Mode, Nats, Proxy};

use crate::tools::{LONG, NatsHouse, Reader, Source, all, until};

/// As the relay does: the same events again until they are kept.
async fn publish_until_kept(bus: &SharedBus, events: &[Event]) -> Result<u32> {
    for failures in 0.. {
        match bus.publish(events).await {
            Ok(()) => return Ok(failures),
            Err(BusError::Unreachable(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    unreachable!()
}

/// What a dead line has swallowed comes again soon.
fn impatient() -> Subscription {
    Subscription { ack_wait: Duration::from_millis(500), ..all("one") }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

#[tokio::test]
async fn a_server_killed_under_load_loses_nothing() -> Result<()> {
    let house = NatsHouse::start("")?;
    let bus: SharedBus = JetStream::connect(NatsSettings { request_ms: 2_000, ..house.settings() }).await?;
    let events = Source::new().events(6_000);
    let seen = tokio::sync::watch::channel(0).0;
    let publish = async {
        for chunk in events.chunks(25) {
            publish_until_kept(&bus, chunk).await?;
        }
        anyhow::Ok(())
    };
    let receive = async {
        let mut reader = Reader::open(&bus, &impatient()).await?;
        let mut came = BTreeSet::new();
        while came.len() < events.len() {
            came.insert(reader.event().await?.id);
            seen.send_replace(came.len());
        }
        Ok(came)
    };
    let kill = async {
        let NatsHouse(mut nats) = house;
        for mark in [500, 2_000, 4_000] {
            seen.subscribe().wait_for(|count| *count >= mark).await?;
            nats = blocking(move || {
                nats.kill9()?;
                nats.restart()?;
                Ok(nats)
            })
            .await?;
        }
        anyhow::Ok(nats)
    };
    let ((), came, _nats) =
        tokio::time::timeout(LONG * 2, async { tokio::try_join!(publish, receive, kill) }).await??;
    assert_eq!(came, events.iter().map(|e| e.id).collect());
    Ok(())
}

#[tokio::test]
async fn a_black_hole_is_noticed_and_left_behind() -> Result<()> {
    let house = NatsHouse::start("")?;
    let proxy = Proxy::start(([127, 0, 0, 1], house.0.port()).into()).await?;
    let url = format!("nats://{}", proxy.address());
    let settings = NatsSettings { url, ping_ms: 300, connect_ms: 500, request_ms: 500, ..NatsSettings::default() };
    let jetstream = JetStream::connect(settings).await?;
    let bus: SharedBus = jetstream.clone();
    let events = Source::new().events(40);
    let mut reader = Reader::open(&bus, &impatient()).await?;
    bus.publish(&events[..20]).await?;
    assert_eq!(reader.events(20).await?, events[..20]);

    proxy.set(Mode::BlackHole);
    let outcome = bus.publish(&events[20..]).await;
    assert!(matches!(outcome, Err(BusError::Unreachable(_))), "{outcome:?}");
    until("the client gives the line up", async || Ok(jetstream.trouble().disconnects > 0)).await?;
    assert!(matches!(bus.check().await, Err(BusError::Unreachable(_))));

    proxy.set(Mode::Pass);
    publish_until_kept(&bus, &events[20..]).await?;
    let mut came = BTreeSet::new();
    while came.len() < 20 {
        came.insert(reader.event().await?.version);
    }
    assert_eq!(came, (21..=40).collect());
    Ok(())
}

#[tokio::test]
async fn lines_that_break_lose_nothing() -> Result<()> {
    let house = NatsHouse::start("")?;
    let proxy = Proxy::start(([127, 0, 0, 1], house.0.port()).into()).await?;
    let url = format!("nats://{}", proxy.address());
    let settings = NatsSettings { url, request_ms: 500, connect_ms: 500, ..NatsSettings::default() };
    let bus: SharedBus = JetStream::connect(settings).await?;
    let events = Source::new().events(300);
    let mut reader = Reader::open(&bus, &impatient()).await?;
    let mut came = BTreeSet::new();
    for (i, chunk) in events.chunks(50).enumerate() {
        proxy.set(if i % 2 == 0 { Mode::CutAfter(9_000) } else { Mode::Reset });
        let outcome = bus.publish(chunk).await;
        ensure!(matches!(outcome, Ok(()) | Err(BusError::Unreachable(_))), "{outcome:?}");
        proxy.set(Mode::Pass);
        publish_until_kept(&bus, chunk).await?;
        while came.len() < (i + 1) * 50 {
            came.insert(reader.event().await?.version);
        }
    }
    assert_eq!(came, (1..=300).collect());
    Ok(())
}

#[tokio::test]
async fn a_lost_store_is_made_again() -> Result<()> {
    let NatsHouse(nats) = NatsHouse::start("")?;
    let bus: SharedBus = JetStream::connect(NatsSettings { url: nats.url().into(), ..NatsSettings::default() }).await?;
    let mut reader = Reader::open(&bus, &impatient()).await?;
    let events = Source::new().events(6);
    bus.publish(&events[..3]).await?;
    assert_eq!(reader.events(3).await?, events[..3]);

    let _nats: Nats = blocking(move || {
        let mut nats = nats;
        nats.kill9()?;
        nats.wipe_store()?;
        nats.restart()?;
        Ok(nats)
    })
    .await?;
    publish_until_kept(&bus, &events).await?;
    let mut came = BTreeSet::new();
    while came.len() < 6 {
        came.insert(reader.event().await?.version);
    }
    Ok(())
}

#[tokio::test]
async fn deleted_streams_and_consumers_are_made_again() -> Result<()> {
    let house = NatsHouse::start("")?;
    let settings = NatsSettings { ping_ms: 500, ..house.settings() };
    let bus: SharedBus = JetStream::connect(settings).await?;
    let raw = jetstream::new(async_nats::connect(house.0.url()).await?);
    let mut reader = Reader::open(&bus, &impatient()).await?;
    let mut source = Source::new();

    raw.delete_consumer_from_stream("one", "LINJU_EVENTS").await?;
    let event = source.event();
    bus.publish(std::slice::from_ref(&event)).await?;
    assert_eq!(reader.event().await?, event);

    raw.delete_stream("LINJU_EVENTS").await?;
    let events = source.events(2);
    publish_until_kept(&bus, &events).await?;
    assert_eq!(reader.events(2).await?, events);

    raw.delete_stream("LINJU_DLQ").await?;
    bus.park("one", &events[0], "after the loss").await?;
    assert_eq!(bus.parked(2).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_program_starts_without_the_server() -> Result<()> {
    let NatsHouse(mut nats) = NatsHouse::start("")?;
    nats.stop()?;
    let settings = NatsSettings { url: nats.url().into(), request_ms: 500, ..NatsSettings::default() };
    let jetstream: Arc<JetStream> = JetStream::connect(settings).await?;
    let bus: SharedBus = jetstream;
    let event = Source::new().event();
    let refused = bus.publish(std::slice::from_ref(&event)).await;
    assert!(matches!(refused, Err(BusError::Unreachable(_))), "{refused:?}");
    let mut reader = Reader::open(&bus, &impatient()).await?;
    let _nats = blocking(move || {
        nats.restart()?;
        Ok(nats)
    })
    .await?;
    publish_until_kept(&bus, std::slice::from_ref(&event)).await?;
    assert_eq!(reader.event().await?, event);
    Ok(())
}

#[tokio::test]
async fn a_frozen_server_goes_on_where_it_was() -> Result<()> {
    let house = NatsHouse::start("")?;
    let settings = NatsSettings { ping_ms: 300, request_ms: 500, connect_ms: 500, ..house.settings() };
    let bus: SharedBus = JetStream::connect(settings).await?;
    let mut reader = Reader::open(&bus, &impatient()).await?;
    let events = Source::new().events(20);
    bus.publish(&events[..10]).await?;
    house.0.pause()?;
    assert!(bus.publish(&events[10..]).await.is_err());
    let mut feed = bus.subscribe(&all("other")).await?;
    let silent = feed.next(1, Duration::from_secs(5)).await;
    assert!(matches!(silent, Err(BusError::Unreachable(_))), "{silent:?}");
    house.0.resume()?;
    publish_until_kept(&bus, &events[10..]).await?;
    let mut came = BTreeSet::new();
    while came.len() < 20 {
        came.insert(reader.event().await?.version);
    }
    Ok(())
}
