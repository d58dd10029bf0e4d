//! Following changes, on both buses: through the real access layer, with real tokens.

mod ground;

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use chassis::access::{Principal, Role};
use linju_gateway::live::LiveSettings;
use linju_proto::gateway::v1::FollowChangesRequest;
use tonic::Code;

use ground::{AREA, Ground, LONG, dispatcher, person, reason};

fn small() -> LiveSettings {
    LiveSettings { ring_events: 8, heartbeat_s: 3_600, ..LiveSettings::default() }
}

#[tokio::test]
async fn a_desk_follows_its_areas_and_no_other() -> Result<()> {
    for ground in Ground::both(LiveSettings::default()).await? {
        let (mut desk, _) = ground.follow(&dispatcher(), "").await?;
        let two = person(Role::GridWorker, Some(&["511903001009001", "511903001008002"]));
        let (mut worker, _) = ground.follow(&two, "").await?;
        let (mut all, _) = ground.follow(&person(Role::SubdistrictManager, None), "").await?;
        let areas =
            ["511903001008001", "511903001008002", "511903001009001", "511903001009002", "511903001008", "511903001"];
        for area in areas {
            ground.send(area, 1).await?;
        }
        assert_eq!(all.versions(6).await?, [1, 2, 3, 4, 5, 6]);
        assert_eq!(desk.versions(3).await?, [1, 2, 5]);
        assert_eq!(worker.versions(2).await?, [2, 3]);
        ground.send("511903001008002", 1).await?;
        let change = desk.change().await?;
        assert_eq!(
            (change.version, change.kind.as_str(), change.service.as_str()),
            (7, "IncidentReported", "incidents")
        );
        assert_eq!(change.area_code, "511903001008002");
        assert_eq!(worker.versions(1).await?, [7]);
        assert_eq!(all.versions(1).await?, [7]);

        let one_grid = FollowChangesRequest { area_code: "511903001008001".into(), ..FollowChangesRequest::default() };
        let mut narrowed = ground.ask(&dispatcher(), one_grid).await??;
        let others = FollowChangesRequest { services: vec!["residents".into()], ..FollowChangesRequest::default() };
        let mut of_residents = ground.ask(&dispatcher(), others).await??;
        narrowed.message().await?;
        of_residents.message().await?;
        ground.send("511903001008002", 1).await?;
        ground.send("511903001008001", 1).await?;
        let mut moved = ground.event("511903001008001");
        (moved.source, moved.kind) = ("residents".into(), "linju.residents.v1.ResidentMoved".into());
        moved.subject = moved.subject.replace("incidents", "residents");
        ground.bus.publish(&[moved]).await?;
        assert_eq!(narrowed.versions(2).await?, [9, 10]);
        assert_eq!(of_residents.versions(1).await?, [10]);
    }
    Ok(())
}

#[tokio::test]
async fn whom_nobody_granted_it_is_refused() -> Result<()> {
    let ground = Ground::local(LiveSettings { followers_of_one: 2, ..LiveSettings::default() }).await?;
    let request = |area: &str, after: &str| FollowChangesRequest {
        area_code: area.to_owned(),
        after: after.to_owned(),
        ..FollowChangesRequest::default()
    };
    let cases = [
        (dispatcher(), request("511903001009", ""), Code::PermissionDenied, "AREA_NOT_GRANTED"),
        (dispatcher(), request("511903001", ""), Code::PermissionDenied, "AREA_NOT_GRANTED"),
        (dispatcher(), request("5119", ""), Code::InvalidArgument, ""),
        (dispatcher(), request("", "7"), Code::InvalidArgument, "INVALID_FIELD"),
        (dispatcher(), request("", "7-0000000g"), Code::InvalidArgument, "INVALID_FIELD"),
        (dispatcher(), request("", "7-00000001"), Code::OutOfRange, "EVENTS_NO_LONGER_KEPT"),
        (dispatcher(), request("", "9223372036854775807-00000001"), Code::OutOfRange, "EVENTS_NO_LONGER_KEPT"),
        (person(Role::Resident, Some(&[AREA])), request("", ""), Code::PermissionDenied, "ROLE_NOT_ALLOWED"),
        (person(Role::Auditor, None), request("", ""), Code::PermissionDenied, "ROLE_NOT_ALLOWED"),
        (Principal { grants: Vec::new(), ..dispatcher() }, request("", ""), Code::PermissionDenied, "ROLE_NOT_ALLOWED"),
    ];
    for (who, request, code, why) in cases {
        let what = format!("{who:?} {request:?}");
        let status = ground.ask(&who, request).await?.err().context(what.clone())?;
        assert_eq!(status.code(), code, "{what} {status:?}");
        assert!(why.is_empty() || reason(&status).1 == why, "{what} {status:?}");
    }

    // Nobody takes the places of others, and a place is free again when its stream is gone.
    let one = ground.follow(&dispatcher(), "").await?;
    let _other = ground.follow(&dispatcher(), "").await?;
    let third = ground.ask(&dispatcher(), request("", "")).await?.err().context("a third is refused")?;
    assert_eq!(reason(&third), (Code::ResourceExhausted, "TOO_MANY_STREAMS".to_owned()));
    ground.follow(&person(Role::Handler, Some(&[AREA])), "").await?;
    drop(one);
    ground.follow(&dispatcher(), "").await?;
    Ok(())
}

/// Reads a few, goes away, comes again with the last id: in the ring, far behind it, and after the program was started anew.
#[tokio::test]
async fn nothing_is_lost_and_nothing_comes_twice_across_reconnects() -> Result<()> {
    for mut ground in Ground::both(small()).await? {
        let (mut follower, mut last) = ground.follow(&dispatcher(), "").await?;
        let mut wanted = Vec::new();
        let mut read = Vec::new();
        for (round, (sent, taken)) in [(3, 2), (50, 1), (1, 20), (7, 7), (200, 100), (5, 3)].into_iter().enumerate() {
            for _ in 0..sent {
                ground.send("511903001009001", 1).await?;
                wanted.extend(ground.send("511903001008001", 1).await?);
            }
            for _ in 0..taken {
                let change = follower.change().await?;
                read.push(change.version);
                last = change.event_id;
            }
            drop(follower);
            if round % 2 == 1 {
                ground.restart().await?;
            }
            let begin;
            (follower, begin) = ground.follow(&dispatcher(), &last).await?;
            assert_eq!(begin, last, "it goes on where it was");
        }
        while read.len() < wanted.len() {
            read.push(follower.change().await?.version);
        }
        assert_eq!(read, wanted);
        wanted = ground.send(AREA, 1).await?;
        assert_eq!(follower.versions(1).await?, wanted);
    }
    Ok(())
}

#[tokio::test]
async fn signs_of_life_go_on_with_what_others_do() -> Result<()> {
    let settings = LiveSettings { heartbeat_s: 1, ring_events: 4, ..LiveSettings::default() };
    for ground in Ground::both(settings).await? {
        let (mut follower, begin) = ground.follow(&dispatcher(), "").await?;
        ground.send("511903001009001", 30).await?;
        let mut later = follower.message().await?;
        while later.event_id == begin {
            later = follower.message().await?;
        }
        assert!(later.kind.is_empty(), "{later:?}");
        drop(follower);
        let sent = ground.send(AREA, 10).await?;
        let (mut again, _) = ground.follow(&dispatcher(), &later.event_id).await?;
        assert_eq!(again.versions(10).await?, sent);
    }
    Ok(())
}

#[tokio::test]
async fn who_reads_slowly_misses_nothing_and_holds_nobody_up() -> Result<()> {
    for ground in Ground::both(small()).await? {
        let (mut slow, _) = ground.follow(&dispatcher(), "").await?;
        let (mut quick, _) = ground.follow(&dispatcher(), "").await?;
        let mut sent = Vec::new();
        for _ in 0..10 {
            sent.extend(ground.send(AREA, 50).await?);
            assert_eq!(quick.versions(50).await?, sent[sent.len() - 50..]);
        }
        assert_eq!(slow.versions(500).await?, sent);
    }
    Ok(())
}

#[tokio::test]
async fn who_leaves_too_much_unread_is_sent_away_and_comes_again() -> Result<()> {
    let mut ground = Ground::local(LiveSettings { patience_s: 0, ring_events: 64, ..small() }).await?;
    let (mut slow, mut last) = ground.follow(&dispatcher(), "").await?;
    let (mut quick, _) = ground.follow(&dispatcher(), "").await?;
    // More than the ring and any buffer on the way hold.
    let mut sent = Vec::new();
    for _ in 0..60 {
        sent.extend(ground.send(AREA, 50).await?);
        assert_eq!(quick.versions(50).await?, sent[sent.len() - 50..]);
    }
    let mut read = Vec::new();
    let status = loop {
        match tokio::time::timeout(LONG, slow.0.message()).await? {
            Ok(message) => {
                let message = message.context("the stream has ended")?;
                read.push(message.version);
                last = message.event_id;
            }
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&status), (Code::Unavailable, "FOLLOW_AGAIN".to_owned()));
    assert!(read.len() < sent.len());
    ground.settings.patience_s = 60;
    ground.restart().await?;
    let (mut again, _) = ground.follow(&dispatcher(), &last).await?;
    read.extend(again.versions(sent.len() - read.len()).await?);
    assert_eq!(read, sent);
    Ok(())
}

#[tokio::test]
async fn another_order_of_events_is_told() -> Result<()> {
    let ground = Ground::jetstream(small()).await?;
    let (mut follower, _) = ground.follow(&dispatcher(), "").await?;
    ground.send(AREA, 30).await?;
    let last = loop {
        let change = follower.change().await?;
        if change.version == 20 {
            break change.event_id;
        }
    };
    let nats = ground.nats.as_ref().context("a server")?;
    let raw = async_nats::jetstream::new(async_nats::connect(nats.url()).await?);
    raw.delete_stream("LINJU_EVENTS").await?;
    while ground.bus.check().await.is_err() {}
    assert_eq!(reason(&follower.end().await?), (Code::OutOfRange, "EVENTS_NO_LONGER_KEPT".to_owned()));

    // The new stream gives the same numbers to other events.
    ground.send(AREA, 30).await?;
    let request = FollowChangesRequest { after: last, ..FollowChangesRequest::default() };
    let status = ground.ask(&dispatcher(), request).await?.err().context("it must not go on")?;
    assert_eq!(reason(&status), (Code::OutOfRange, "EVENTS_NO_LONGER_KEPT".to_owned()));
    let (mut anew, _) = ground.follow(&dispatcher(), "").await?;
    let sent = ground.send(AREA, 2).await?;
    assert_eq!(anew.versions(2).await?, sent);
    Ok(())
}

#[tokio::test]
async fn a_bus_that_goes_away_comes_back_unnoticed() -> Result<()> {
    let mut ground = Ground::jetstream(small()).await?;
    let (mut follower, _) = ground.follow(&dispatcher(), "").await?;
    let sent = ground.send(AREA, 3).await?;
    assert_eq!(follower.versions(3).await?, sent);
    let mut nats = ground.nats.take().context("a server")?;
    ground.nats = Some(
        tokio::task::spawn_blocking(move || {
            nats.kill9()?;
            nats.restart()?;
            anyhow::Ok(nats)
        })
        .await??,
    );
    let events: Vec<_> = (0..20).map(|_| ground.event(AREA)).collect();
    while ground.bus.publish(&events).await.is_err() {}
    assert_eq!(follower.versions(20).await?, (4..24).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn streams_end_with_the_program() -> Result<()> {
    let ground = Ground::local(LiveSettings::default()).await?;
    let (mut follower, begin) = ground.follow(&dispatcher(), "").await?;
    ground.tasks.stop();
    assert_eq!(reason(&follower.end().await?), (Code::Unavailable, "FOLLOW_AGAIN".to_owned()));
    ensure!(ground.tasks.wait(LONG).await, "the reader of the bus has ended");
    assert!(begin.starts_with("0-"), "{begin}");
    Ok(())
}

/// A thousand desks, half of them of another community, get every event of theirs once.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_follow() -> Result<()> {
    let ground = Arc::new(Ground::local(LiveSettings::default()).await?);
    let mut desks = Vec::new();
    for n in 0..1_000 {
        let area = if n % 2 == 0 { AREA } else { "511903001009" };
        let who = Principal { subject: format!("u-{n}"), ..person(Role::Dispatcher, Some(&[area])) };
        desks.push((n, ground.follow(&who, "").await?.0));
    }
    for _ in 0..20 {
        ground.send(AREA, 5).await?;
        ground.send("511903001009", 5).await?;
    }
    for (n, desk) in &mut desks {
        let versions: BTreeSet<i64> = desk.versions(100).await?.into_iter().collect();
        let own = versions.iter().filter(|version| (*version - 1) / 5 % 2 == i64::from(*n % 2)).count();
        assert_eq!((versions.len(), own), (100, 100), "desk {n}");
    }
    Ok(())
}
