//! What every bus must do.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use chassis::events::{BusError, Event, Subscription};

use crate::tools::{House, LONG, Reader, Source, all, read, until};

pub(crate) async fn all_come_in_order_and_whole(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let mut source = Source::new();
    let events = source.events(7);
    bus.publish(&[]).await?;
    bus.publish(&events[..1]).await?;
    bus.publish(&events[1..5]).await?;
    let mut reader = Reader::open(&bus, &all("one")).await?;
    bus.publish(&events[5..]).await?;
    assert_eq!(reader.events(7).await?, events);
    bus.check().await?;
    bus.close().await;
    Ok(())
}

pub(crate) async fn an_id_is_kept_once(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let events = Source::new().events(6);
    let [one, two, three, four, five, last] = &events[..] else { unreachable!() };
    let publish = async |list: &[&Event]| bus.publish(&list.iter().copied().cloned().collect::<Vec<_>>()).await;
    publish(&[one, two]).await?;
    publish(&[two, three]).await?; // one of them is known
    publish(&[four, four, five]).await?; // twice in one list
    publish(&[one]).await?;
    publish(&[one, two, three, four, five]).await?;
    publish(&[last]).await?;
    let mut reader = Reader::open(&bus, &all("one")).await?;
    assert_eq!(reader.events(6).await?, events);
    until("nothing is left", async || Ok(bus.lag("one").await? == 0)).await
}

pub(crate) async fn every_consumer_gets_what_it_asked_for(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let mut source = Source::new();
    let mut events = Vec::new();
    for area in ["511903.001.008", "511903.001.009", "511903.002.-", "110101.001.001"] {
        events.extend([source.named(area, "incident_closed"), source.named(area, "incident_reported")]);
    }
    let last = Event { subject: "linju.last.v1.-".into(), ..source.event() };
    let cases: &[(&str, &[&str])] = &[
        ("everything", &["linju.>"]),
        ("one-subject", &["linju.incidents.v1.511903.001.008.incident_closed"]),
        ("one-kind", &["linju.incidents.v1.*.*.*.incident_closed"]),
        ("one-county", &["linju.incidents.v1.511903.>"]),
        ("one-subdistrict", &["linju.*.v1.511903.001.*.*"]),
        ("two-communities", &["linju.*.v1.511903.001.008.>", "linju.*.v1.511903.002.-.>"]),
        ("nothing", &["linju.residents.v1.>"]),
    ];
    let expected = |name: &str, subject: &str| match name {
        "everything" => true,
        "one-subject" => subject == "linju.incidents.v1.511903.001.008.incident_closed",
        "one-kind" => subject.ends_with("incident_closed"),
        "one-county" => subject.contains(".511903."),
        "one-subdistrict" => subject.contains(".511903.001."),
        "two-communities" => subject.contains(".008.") || subject.contains("002.-"),
        _ => false,
    };
    let mut readers = Vec::new();
    for (name, subjects) in cases {
        let mut subjects: Vec<String> = subjects.iter().map(|s| (*s).to_owned()).collect();
        if *name != "everything" {
            subjects.push("linju.last.v1.-".into());
        }
        readers.push((*name, Reader::open(&bus, &Subscription { subjects, ..all(name) }).await?));
    }
    bus.publish(&events).await?;
    bus.publish(std::slice::from_ref(&last)).await?;
    for (name, mut reader) in readers {
        let mut wanted: Vec<_> = events.iter().filter(|e| expected(name, &e.subject)).cloned().collect();
        wanted.push(last.clone());
        assert_eq!(bus.lag(name).await?, wanted.len() as u64, "{name}");
        assert_eq!(reader.events(wanted.len()).await?, wanted, "{name}");
    }
    Ok(())
}

pub(crate) async fn feeds_of_one_consumer_share(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let events = Source::new().events(200);
    let count = std::sync::Mutex::new(BTreeMap::new());
    let read = async |name: &'static str| {
        let mut feed = bus.subscribe(&all("shared")).await?;
        while count.lock().is_ok_and(|c| c.len() < 200) {
            for delivery in feed.next(7, Duration::from_millis(100)).await? {
                ensure!(delivery.attempt == 1, "{name} was given what the other has");
                feed.ack(&delivery).await?;
                let event = read(delivery)?;
                count
                    .lock()
                    .map_err(|_| anyhow::anyhow!("poisoned"))?
                    .entry(event.id)
                    .or_insert_with(Vec::new)
                    .push(name);
            }
        }
        anyhow::Ok(())
    };
    let publish = async {
        for chunk in events.chunks(20) {
            bus.publish(chunk).await?;
        }
        Ok(())
    };
    tokio::try_join!(read("first"), read("second"), publish)?;
    let count = count.into_inner()?;
    assert_eq!(count.len(), 200);
    assert!(count.values().all(|readers| readers.len() == 1), "{count:?}");
    Ok(())
}

pub(crate) async fn a_failed_delivery_comes_again_and_blocks_nobody(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let events = Source::new().events(3);
    bus.publish(&events).await?;
    let mut reader = Reader::open(&bus, &all("one")).await?;
    let bad = reader.delivery().await?;
    assert_eq!((bad.attempt, read(bad.clone())?), (1, events[0].clone()));
    reader.nak(&bad, Duration::from_millis(600)).await?;
    assert_eq!(reader.events(2).await?, events[1..]);
    for attempt in 2..5 {
        let again = reader.delivery().await?;
        assert_eq!((again.attempt, read(again.clone())?), (attempt, events[0].clone()));
        reader.nak(&again, Duration::ZERO).await?;
    }
    assert_eq!(reader.event().await?, events[0]);
    until("all is done", async || Ok(bus.lag("one").await? == 0)).await
}

pub(crate) async fn an_unanswered_delivery_comes_again(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let events = Source::new().events(2);
    bus.publish(&events).await?;
    let mut reader = Reader::open(&bus, &Subscription { ack_wait: Duration::from_millis(500), ..all("one") }).await?;
    let lost = reader.delivery().await?;
    assert_eq!(reader.event().await?, events[1]);
    let again = reader.delivery().await?;
    assert_eq!((lost.attempt, again.attempt), (1, 2));
    reader.ack(&again).await?;
    assert_eq!(read(again)?, events[0]);
    until("all is done", async || Ok(bus.lag("one").await? == 0)).await
}

pub(crate) async fn a_consumer_goes_on_where_it_was(house: &impl House) -> Result<()> {
    let events = Source::new().events(5);
    let subscription = Subscription { ack_wait: Duration::from_millis(500), ..all("one") };
    let bus = house.open().await?;
    bus.publish(&events[..4]).await?;
    let mut reader = Reader::open(&bus, &subscription).await?;
    assert_eq!(reader.events(2).await?, events[..2]);
    let unanswered = reader.delivery().await?;
    assert_eq!(read(unanswered)?, events[2]);
    drop(reader);
    bus.close().await;

    let bus = house.open().await?;
    bus.publish(&events[4..]).await?;
    let mut reader = Reader::open(&bus, &subscription).await?;
    let mut rest = reader.events(3).await?;
    rest.sort_by_key(|event| event.version);
    assert_eq!(rest, events[2..]);
    Ok(())
}

pub(crate) async fn a_waiting_feed_is_woken(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let event = Source::new().event();
    let mut feed = bus.subscribe(&all("one")).await?;
    let mut waiting = Box::pin(feed.next(10, LONG));
    assert!(futures::poll!(&mut waiting).is_pending());
    let (list, published) = tokio::join!(waiting, bus.publish(std::slice::from_ref(&event)));
    published?;
    let list: Vec<_> = list?.into_iter().map(read).collect::<Result<_>>()?;
    assert_eq!(list, [event]);
    Ok(())
}

pub(crate) async fn parked_is_listed_given_again_or_dropped(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let mut source = Source::new();
    let events = source.events(2);
    bus.publish(&events).await?;
    let (mut one, mut other) = (Reader::open(&bus, &all("one")).await?, Reader::open(&bus, &all("other")).await?);
    for event in &events {
        let delivery = one.delivery().await?;
        bus.park("one", event, "its area\nis not known\u{7}: 邻聚").await?;
        one.ack(&delivery).await?;
    }
    assert_eq!(other.events(2).await?, events);

    let parked = bus.parked(10).await?;
    assert_eq!(parked.iter().map(|p| p.event.clone()).collect::<Vec<_>>(), events);
    assert!(parked.iter().all(|p| p.consumer == "one" && p.reason.contains("is not known")));
    assert!(parked[0].parked_at <= parked[1].parked_at && parked[0].parked_at.timestamp() > 1_700_000_000);
    assert_eq!(bus.parked(1).await?.len(), 1);

    bus.retry(parked[0].id).await?;
    let again = one.delivery().await?;
    one.ack(&again).await?;
    assert_eq!((again.attempt, read(again)?), (1, events[0].clone()), "as it was, subject and all");
    bus.drop_parked(parked[1].id).await?;
    assert!(bus.parked(10).await?.is_empty());
    for id in [parked[0].id, parked[1].id, 0, 4_711, u64::MAX] {
        assert!(matches!(bus.retry(id).await, Err(BusError::NotParked(told)) if told == id), "{id}");
        assert!(matches!(bus.drop_parked(id).await, Err(BusError::NotParked(told)) if told == id), "{id}");
    }
    let last = source.event();
    bus.publish(std::slice::from_ref(&last)).await?;
    assert_eq!(other.event().await?, last, "what one was given again is no event for the other");
    assert_eq!(one.event().await?, last, "what was dropped does not come again");
    Ok(())
}

pub(crate) async fn parked_twice_is_once_and_anew_after_a_retry(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let event = Source::new().event();
    bus.publish(std::slice::from_ref(&event)).await?;
    let mut one = Reader::open(&bus, &all("one")).await?;
    let mut delivery = one.delivery().await?;
    for round in 1..=3 {
        bus.park("one", &event, "first").await?;
        bus.park("one", &event, "again").await?;
        bus.park("other", &event, "elsewhere").await?;
        one.ack(&delivery).await?;
        let parked = bus.parked(10).await?;
        let consumers: Vec<_> = parked.iter().map(|p| p.consumer.as_str()).collect();
        assert_eq!(consumers, ["one", "other"], "round {round}");
        bus.drop_parked(parked[1].id).await?;
        bus.retry(parked[0].id).await?;
        delivery = one.delivery().await?;
        assert_eq!(read(delivery.clone())?, event);
    }
    Ok(())
}

pub(crate) async fn lag_counts_what_is_not_done(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    assert!(matches!(bus.lag("one").await, Err(BusError::Refused(why)) if why.contains("`one`")));
    let mut reader = Reader::open(&bus, &all("one")).await?;
    assert_eq!(bus.lag("one").await?, 0);
    bus.publish(&Source::new().events(3)).await?;
    assert_eq!(bus.lag("one").await?, 3);
    let delivery = reader.delivery().await?;
    assert_eq!(bus.lag("one").await?, 3, "given is not done");
    reader.ack(&delivery).await?;
    until("one is done", async || Ok(bus.lag("one").await? == 2)).await?;
    reader.events(2).await?;
    until("all are done", async || Ok(bus.lag("one").await? == 0)).await
}

pub(crate) async fn what_no_bus_carries_is_refused(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let mut source = Source::new();
    let good = source.event();
    let changes: &[fn(&mut Event)] = &[
        |e| e.subject = "linju.incidents.v1.511903.*.008.x".into(),
        |e| e.subject = "other.incidents.v1.x".into(),
        |e| e.subject = "linju.incidents.v1.a b.c".into(),
        |e| e.subject = "linju.incidents.v1..c".into(),
        |e| e.kind = "two\r\nlines".into(),
        |e| e.source = String::new(),
        |e| e.trace = Some("x\ny".into()),
    ];
    for change in changes {
        let mut bad = source.event();
        change(&mut bad);
        let outcome = bus.publish(&[good.clone(), bad.clone()]).await;
        assert!(matches!(outcome, Err(BusError::Unpublishable { id, .. }) if id == bad.id), "{bad:?}");
    }
    for name in ["", "a.b", "a b", "a*", "邻"] {
        assert!(matches!(bus.subscribe(&all(name)).await, Err(BusError::Refused(_))), "{name}");
    }
    for subjects in [
        vec![],
        vec!["linju..b"],
        vec!["linju.>.b"],
        vec![">"],
        vec!["*.a"],
        vec!["linju.*.v1.>", "linju.incidents.v1.511903.>"],
    ] {
        let subjects = subjects.into_iter().map(str::to_owned).collect();
        let refused = bus.subscribe(&Subscription { subjects, ..all("one") }).await;
        assert!(matches!(refused, Err(BusError::Refused(why)) if why.starts_with("consumer `one`")));
    }
    let mut reader = Reader::open(&bus, &all("one")).await?;
    assert_eq!(bus.lag("one").await?, 0, "nothing was kept, the good one beside a bad one neither");
    bus.publish(std::slice::from_ref(&good)).await?;
    assert_eq!(reader.event().await?, good);
    Ok(())
}

pub(crate) async fn ten_thousand_events(house: &impl House) -> Result<()> {
    let bus = house.open().await?;
    let events = Source::new().events(10_000);
    let mut feed = bus.subscribe(&all("one")).await?;
    let publish = async {
        for chunk in events.chunks(2_300) {
            bus.publish(chunk).await?;
        }
        anyhow::Ok(())
    };
    let receive = async {
        let mut came = Vec::with_capacity(events.len());
        while came.len() < events.len() {
            for delivery in feed.next(500, Duration::from_secs(5)).await? {
                ensure!(delivery.attempt == 1);
                feed.ack(&delivery).await?;
                came.push(read(delivery)?);
            }
        }
        Ok(came)
    };
    let ((), came) = tokio::try_join!(publish, receive)?;
    ensure!(came == events, "all of them, in order");
    until("all are done", async || Ok(bus.lag("one").await? == 0)).await
}
