//! JetStream alone: what only a server can do to us.

use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::{HeaderMap, jetstream};
use chassis::events::{Bus as _, BusError, Event, JetStream, NatsSettings};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::tools::{House, NatsHouse, Reader, Source, all, read};

#[tokio::test]
async fn what_is_no_event_comes_with_the_reason() -> Result<()> {
    let house = NatsHouse::start("")?;
    let bus = house.open().await?;
    let mut source = Source::new();
    let events = source.events(2);
    bus.publish(&events[..1]).await?;
    let raw = jetstream::new(async_nats::connect(house.0.url()).await?);
    raw.publish("linju.incidents.v1.-.-.-.garbage", "{}".into()).await?.await?;
    let mut headers = HeaderMap::new();
    headers.insert("ce-specversion", "1.0");
    let body: &[u8] = &[0xff, 0x00, 0xfe];
    raw.publish_with_headers("linju.incidents.v1.-.-.-.garbage", headers, body.into()).await?.await?;
    bus.publish(&events[1..]).await?;

    let mut reader = Reader::open(&bus, &all("one")).await?;
    assert_eq!(reader.event().await?, events[0]);
    let mut reasons = Vec::new();
    for _ in 0..2 {
        let delivery = reader.delivery().await?;
        reader.ack(&delivery).await?;
        let unreadable = delivery.event.err().context("garbage was read as an event")?;
        assert_eq!(unreadable.subject, "linju.incidents.v1.-.-.-.garbage");
        reasons.push((unreadable.reason, unreadable.body));
    }
    assert_eq!(reasons[0].0, "it has no headers, so it is no CloudEvents message in binary mode");
    assert_eq!(reasons[1], ("header content-type is missing".to_owned(), body.to_vec()));
    assert_eq!(reader.event().await?, events[1]);

    // What a consumer parks in the place of such a message.
    let stand_in = Event { version: 0, kind: "unreadable".into(), data: "\"/wD+\"".into(), ..source.event() };
    bus.park("one", &stand_in, &reasons[1].0).await?;
    assert_eq!(bus.parked(2).await?.remove(0).event, stand_in);
    Ok(())
}

#[tokio::test]
async fn an_event_beyond_the_server_is_named_and_nothing_is_sent() -> Result<()> {
    let house = NatsHouse::start("max_payload: 8192")?;
    let bus = house.open().await?;
    let mut events = Source::new().events(3);
    events[1].data = format!("\"{}\"", "x".repeat(8_000));
    let outcome = bus.publish(&events).await;
    let Err(BusError::Unpublishable { id, reason }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(id, events[1].id);
    assert!(reason.contains("8192") && reason.contains("max_payload"), "{reason}");
    let _reader = Reader::open(&bus, &all("one")).await?;
    assert_eq!(bus.lag("one").await?, 0);
    Ok(())
}

/// The first lines of a server of any version, which is all that is needed to be refused.
async fn old_server(version: &'static str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("nats://{}", listener.local_addr()?);
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (reader, mut writer) = stream.split();
            let info = format!(
                "INFO {{\"version\":\"{version}\",\"jetstream\":true,\"headers\":true,\"max_payload\":1048576}}\r\n"
            );
            let _ = writer.write_all(info.as_bytes()).await;
            let mut lines = BufReader::new(reader).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.starts_with("PING") {
                    let _ = writer.write_all(b"PONG\r\n").await;
                }
            }
        }
    });
    Ok(url)
}

#[tokio::test]
async fn an_old_server_is_refused() -> Result<()> {
    let refused = async {
        let url = old_server("2.9.10").await?;
        anyhow::Ok(JetStream::connect(NatsSettings { url, ..NatsSettings::default() }).await)
    };
    let outcome = Box::pin(tokio::task::LocalSet::new().run_until(refused)).await?;
    let Err(BusError::Refused(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("`2.9.10`") && why.contains("2.12.12"), "{why}");
    Ok(())
}

#[tokio::test]
async fn an_account_without_jetstream_is_refused() -> Result<()> {
    let house = NatsHouse::start("accounts { A { users: [ { user: a, password: a } ] } }, no_auth_user: a")?;
    let outcome = JetStream::connect(house.settings()).await;
    let Err(BusError::Refused(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("jetstream: enabled"), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_missing_permission_is_named() -> Result<()> {
    let user = "users: [ { user: a, password: a, permissions: { publish: { deny: [\"$JS.API.STREAM.CREATE.>\"] } } } ]";
    let house = NatsHouse::start(&format!("accounts {{ A {{ jetstream: enabled, {user} }} }}, no_auth_user: a"))?;
    let outcome = JetStream::connect(NatsSettings { request_ms: 1_000, ..house.settings() }).await;
    let Err(BusError::Refused(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("permission") && why.contains("$JS.API.STREAM.CREATE.LINJU_EVENTS"), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_user_the_server_does_not_know_is_told() -> Result<()> {
    let house = NatsHouse::start("authorization { user: a, password: a }")?;
    let outcome = JetStream::connect(NatsSettings { request_ms: 1_000, ..house.settings() }).await;
    let Err(BusError::Refused(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("nats.credentials_file"), "{why}");
    Ok(())
}

#[tokio::test]
async fn bad_settings_are_refused() -> Result<()> {
    let bad_url = NatsSettings { url: "http://x:y:z".into(), ..NatsSettings::default() };
    let password = NatsSettings { url: "nats://a:b@127.0.0.1".into(), ..NatsSettings::default() };
    let missing = NatsSettings { credentials_file: Some("/nowhere/x.creds".into()), ..NatsSettings::default() };
    for (settings, name) in [(bad_url, "nats.url"), (password, "holds a user"), (missing, "nats.credentials_file")] {
        let outcome = JetStream::connect(settings).await;
        assert!(matches!(&outcome, Err(BusError::Refused(why)) if why.contains(name)), "{outcome:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_of_other_settings_is_mended_and_what_the_operator_set_is_left() -> Result<()> {
    let house = NatsHouse::start("")?;
    let raw = jetstream::new(async_nats::connect(house.0.url()).await?);
    let config = jetstream::stream::Config {
        name: "LINJU_EVENTS".into(),
        subjects: vec!["linju.*.v1.>".into()],
        max_bytes: 10_000_000,
        ..jetstream::stream::Config::default()
    };
    raw.create_stream(config).await?;
    let bus = JetStream::connect(NatsSettings { max_age_days: 3, ..house.settings() }).await?;
    let config = raw.get_stream("LINJU_EVENTS").await?.cached_info().config.clone();
    assert_eq!(config.subjects, ["linju.*.v1.>", "linju-retry.>"]);
    assert_eq!((config.max_bytes, config.max_age), (10_000_000, Duration::from_hours(72)));
    assert!(config.allow_atomic_publish);
    bus.publish(&Source::new().events(2)).await?;

    raw.delete_stream("LINJU_DLQ").await?;
    let memory = jetstream::stream::Config {
        name: "LINJU_DLQ".into(),
        subjects: vec!["linju-dlq.>".into()],
        storage: jetstream::stream::StorageType::Memory,
        ..jetstream::stream::Config::default()
    };
    raw.create_stream(memory).await?;
    let outcome = JetStream::connect(house.settings()).await;
    assert!(matches!(&outcome, Err(BusError::Refused(why)) if why.contains("LINJU_DLQ")), "{outcome:?}");
    Ok(())
}

#[tokio::test]
async fn a_poisoned_event_does_not_stop_a_list() -> Result<()> {
    let house = NatsHouse::start("")?;
    let bus = house.open().await?;
    let events = Source::new().events(100);
    bus.publish(&events).await?;
    let mut reader = Reader::open(&bus, &all("one")).await?;
    let mut came = Vec::new();
    while came.len() < 99 {
        let delivery = reader.delivery().await?;
        if read(delivery.clone())? == events[0] {
            reader.nak(&delivery, Duration::from_millis(50)).await?;
        } else {
            reader.ack(&delivery).await?;
            came.push(read(delivery)?);
        }
    }
    assert_eq!(came, events[1..]);
    Ok(())
}
