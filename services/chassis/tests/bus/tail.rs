//! Readers without a name: what both buses must do, and what each must stand.

use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use chassis::{
    data::Clock,
    events::{Bus as _, BusError, Event, JetStream, LocalLog, NatsSettings, Numbered, SharedBus, Tail},
};
use chrono::TimeDelta;

use crate::tools::{House, LONG, LocalHouse, NatsHouse, Reader, Source, all};

fn everything() -> Vec<String> {
    vec!["linju.*.v1.>".to_owned()]
}

/// The next `count` events, each once and in order. A bus that is away is asked again.
async fn read(tail: &mut dyn Tail, count: usize) -> Result<Vec<Numbered>> {
    let reading = async {
        let mut come: Vec<Numbered> = Vec::new();
        while come.len() < count {
            match tail.next(3, Duration::from_secs(1)).await {
                Ok(list) => come.extend(list),
                Err(BusError::Unreachable(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        anyhow::Ok(come)
    };
    let come = tokio::time::timeout(LONG, reading).await.context("nothing came")??;
    assert!(come.windows(2).all(|pair| pair[0].number < pair[1].number), "in order, each once: {come:?}");
    Ok(come)
}

fn events(come: &[Numbered]) -> Vec<Event> {
    come.iter().map(|numbered| numbered.event.clone()).collect()
}

pub(crate) async fn a_tail_reads_after_a_number(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let sent = Source::new().events(7);
    bus.publish(&sent).await?;
    let all = read(bus.tail(Some(0), &everything()).await?.as_mut(), 7).await?;
    assert_eq!(events(&all), sent);
    for (i, numbered) in all.iter().enumerate() {
        let mut tail = bus.tail(Some(numbered.number), &everything()).await?;
        assert_eq!(read(tail.as_mut(), 6 - i).await?, all[i + 1..]);
        assert!(tail.next(10, Duration::ZERO).await?.is_empty());
        assert_eq!(tail.seen(), all[6].number);
    }
    let newest = all[6].number;
    let beyond = bus.tail(Some(newest + 1), &everything()).await.err();
    assert!(matches!(beyond, Some(BusError::Lost { after }) if after == newest + 1), "{beyond:?}");

    // Another program on the same store gives the same numbers.
    bus.close().await;
    let again = house.open().await?;
    assert_eq!(read(again.tail(Some(0), &everything()).await?.as_mut(), 7).await?, all);
    Ok(())
}

pub(crate) async fn a_tail_from_now_is_woken(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let sent = Source::new().events(4);
    bus.publish(&sent[..2]).await?;
    let mut tail = bus.tail(None, &everything()).await?;
    let before = tail.seen();
    assert!(tail.next(10, Duration::ZERO).await?.is_empty());
    {
        let mut waiting = Box::pin(tail.next(10, LONG));
        assert!(futures::poll!(&mut waiting).is_pending());
        bus.publish(&sent[2..3]).await?;
        assert_eq!(events(&waiting.await?), sent[2..3]);
    }
    bus.publish(&sent[3..]).await?;
    let last = read(tail.as_mut(), 1).await?;
    assert_eq!(events(&last), sent[3..]);
    assert_eq!(read(bus.tail(Some(before), &everything()).await?.as_mut(), 2).await?[1..], last);
    Ok(())
}

pub(crate) async fn a_tail_gets_what_it_asked_for(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let mut source = Source::new();
    let mut sent = Vec::new();
    for area in ["511903.001.008", "511903.001.009", "511903.002.-"] {
        sent.extend([source.named(area, "incident_closed"), source.named(area, "incident_reported")]);
    }
    bus.publish(&sent).await?;
    for (subjects, expected) in [
        (vec!["linju.*.v1.511903.001.>"], vec![0, 1, 2, 3]),
        (vec!["linju.incidents.v1.511903.*.*.incident_closed"], vec![0, 2, 4]),
        (vec!["linju.incidents.v1.511903.002.>", "linju.incidents.v1.511903.001.008.>"], vec![0, 1, 4, 5]),
    ] {
        let subjects: Vec<String> = subjects.into_iter().map(str::to_owned).collect();
        let mut tail = bus.tail(Some(0), &subjects).await?;
        let wanted: Vec<_> = expected.into_iter().map(|i: usize| sent[i].clone()).collect();
        assert_eq!(events(&read(tail.as_mut(), wanted.len()).await?), wanted, "{subjects:?}");
        assert!(tail.next(10, Duration::ZERO).await?.is_empty());
    }
    for bad in [vec![], vec!["other.>".to_owned()], vec!["linju.>".to_owned(), "linju.incidents.>".to_owned()]] {
        assert!(matches!(bus.tail(None, &bad).await.err(), Some(BusError::Refused(_))), "{bad:?}");
    }
    Ok(())
}

pub(crate) async fn tails_and_consumers_leave_each_other_alone(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let sent = Source::new().events(5);
    let mut reader = Reader::open(&bus, &all("one")).await?;
    let (mut one, mut other) = (bus.tail(Some(0), &everything()).await?, bus.tail(Some(0), &everything()).await?);
    bus.publish(&sent).await?;
    assert_eq!(events(&read(one.as_mut(), 5).await?), sent);
    let parked = reader.delivery().await?;
    bus.park("one", &sent[0], "given again below").await?;
    reader.ack(&parked).await?;
    bus.retry(bus.parked(1).await?.remove(0).id).await?;
    let mut again = reader.events(5).await?;
    again.sort_by_key(|event| event.version);
    assert_eq!(again, sent);
    assert_eq!(events(&read(other.as_mut(), 5).await?), sent);
    assert!(other.next(10, Duration::ZERO).await?.is_empty(), "what is given to one consumer again is nobody else's");
    Ok(())
}

#[tokio::test]
async fn what_the_log_has_forgotten_is_told() -> Result<()> {
    let house = LocalHouse::new()?;
    let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH);
    let bus: SharedBus = LocalLog::open(&house.path(), clock.clone()).await?;
    let sent = Source::new().events(5);
    let mut one = Reader::open(&bus, &all("one")).await?;
    bus.publish(&sent[..3]).await?;
    let parked = one.delivery().await?;
    bus.park("one", &sent[0], "stays beyond its time").await?;
    one.ack(&parked).await?;
    one.events(2).await?;
    crate::tools::until("all is passed", async || Ok(bus.lag("one").await? == 0)).await?;
    let kept = read(bus.tail(Some(0), &everything()).await?.as_mut(), 3).await?;

    clock.advance(TimeDelta::days(31));
    bus.publish(&sent[3..]).await?;
    for numbered in &kept[..2] {
        let lost = bus.tail(Some(numbered.number), &everything()).await.err();
        assert!(matches!(lost, Some(BusError::Lost { .. })), "{numbered:?} {lost:?}");
    }
    let after_the_last_forgotten = bus.tail(Some(kept[2].number), &everything()).await?;
    assert_eq!(events(&read({ after_the_last_forgotten }.as_mut(), 2).await?), sent[3..]);
    Ok(())
}

#[tokio::test]
async fn what_the_stream_has_forgotten_is_told() -> Result<()> {
    let house = NatsHouse::start("")?;
    let bus = house.open().await?;
    let sent = Source::new().events(5);
    bus.publish(&sent).await?;
    let kept = read(bus.tail(Some(0), &everything()).await?.as_mut(), 5).await?;
    let raw = jetstream::new(async_nats::connect(house.0.url()).await?);
    let mut reading = bus.tail(Some(kept[0].number), &everything()).await?;
    raw.get_stream("LINJU_EVENTS").await?.purge().sequence(kept[3].number).await?;
    let lost = bus.tail(Some(kept[1].number), &everything()).await.err();
    assert!(matches!(lost, Some(BusError::Lost { .. })), "{lost:?}");
    assert_eq!(read(bus.tail(Some(kept[2].number), &everything()).await?.as_mut(), 2).await?, kept[3..]);

    // A stream that was made anew counts from 1 again.
    raw.delete_stream("LINJU_EVENTS").await?;
    let lost = loop {
        match reading.next(10, Duration::from_millis(200)).await {
            Err(BusError::Unreachable(_)) | Ok(_) => bus.check().await.unwrap_or_default(),
            Err(other) => break other,
        }
    };
    assert!(matches!(lost, BusError::Lost { .. }), "{lost:?}");
    Ok(())
}

#[tokio::test]
async fn a_tail_outlives_the_server() -> Result<()> {
    let house = NatsHouse::start("")?;
    let settings = NatsSettings { request_ms: 1_000, ..house.settings() };
    let bus = JetStream::connect(settings).await?;
    let sent = Source::new().events(30);
    let mut tail = bus.tail(None, &everything()).await?;
    let NatsHouse(mut nats) = house;
    for part in sent.chunks(10) {
        while bus.publish(part).await.is_err() {}
        assert_eq!(events(&read(tail.as_mut(), 10).await?), part);
        nats = tokio::task::spawn_blocking(move || {
            nats.kill9()?;
            nats.restart()?;
            anyhow::Ok(nats)
        })
        .await??;
    }
    Ok(())
}
