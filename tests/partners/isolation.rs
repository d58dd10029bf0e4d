//! What a partner cannot do to another, to the platform, or in another's name.

use anyhow::{Context as _, Result};
use futures::StreamExt;
use serde_json::{Value, json};

use super::ground::{Line, Partners, THERE};
use crate::ground::{holds, until};

#[tokio::test]
async fn partners_are_kept_apart() -> Result<()> {
    let partners = Partners::open().await?;
    let (pa, pb) = (partners.connect("pa").await?, partners.connect("pb").await?);
    answers(&partners, &pa, &pb).await?;
    subjects(&pa).await?;
    headers(&partners, &pa, &pb).await?;
    events(&partners, &pa, &pb).await?;
    partners.house.close().await?;
    Ok(())
}

/// What is asked is answered with the verdict, what is published is kept, and both come to the desk.
async fn answers(partners: &Partners, pa: &Line, pb: &Line) -> Result<()> {
    // The lane is opened within a second after the partner was entered.
    until("the lane is open", async || Ok(pa.ask("ask.heartbeat", &json!({"device": "PUMP-pa"})).await.ok())).await?;
    until("the other's too", async || Ok(pb.ask("ask.heartbeat", &json!({"device": "PUMP-pb"})).await.ok())).await?;
    let fire = pa.alarm("A-1", "fire");
    assert_eq!(pa.ask("ask.alarm", &fire).await?, json!({"result": "ok"}));
    assert_eq!(pa.ask("ask.alarm", &fire).await?, json!({"result": "ok", "repeated_alarm": true}));
    // The device is the other's, whatever the message says of its sender.
    let mut forged = pa.alarm("A-2", "fire");
    forged["device"] = json!("PUMP-pb");
    assert_eq!(pa.ask("ask.alarm", &forged).await?["reason"], "UNKNOWN_DEVICE");
    forged["partner"] = json!("pb");
    assert_eq!(pa.ask("ask.alarm", &forged).await?["reason"], "MALFORMED");
    assert_eq!(pa.ask("ask.alarm", &pa.alarm("A-3", "loitering")).await?["reason"], "ABOUT_PERSONS");
    assert!(pb.keep(&pb.alarm("A-1", "flooding"), &[]).await?);
    holds("both are on the desk", async || {
        let seen = partners.situations().await?;
        Ok(seen.iter().any(|s| s.kind == "fire") && seen.iter().any(|s| s.kind == "flooding" && s.area_code == THERE))
    })
    .await?;
    let dead = partners.house.install.told(&["dlq", "list"])?;
    let reasons: Vec<_> = dead.as_array().context("a list")?.iter().map(|entry| entry["kind"].clone()).collect();
    assert!(reasons.contains(&json!("ABOUT_PERSONS")), "{dead}");
    Ok(())
}

/// Subjects of others, of the platform, of JetStream and of the server.
async fn subjects(pa: &Line) -> Result<()> {
    for subject in [
        "linju.in.pb.alarm",
        "linju.in.pa.alarm",
        "linju.ask.pb.alarm",
        "linju.incidents.v1.511903.001.008.incident_reported",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.DELETE.LINJU_EVENTS",
        "$JS.API.CONSUMER.CREATE.LINJU_EVENTS.partner-pa",
        "LINJU.API.CONSUMER.CREATE.LINJU_EVENTS.partner-pa.linju.>",
        "LINJU.API.CONSUMER.MSG.NEXT.LINJU_EVENTS.partner-pb",
        "LINJU.API.CONSUMER.MSG.NEXT.LINJU_EVENTS.residents-care",
        "LINJU.API.STREAM.MSG.GET.LINJU_EVENTS",
        "$JS.ACK.LINJU_EVENTS.partner-pb.1.1.1.1.1",
        "$SYS.REQ.SERVER.PING",
        "_INBOX_pb.forged",
    ] {
        pa.client.publish(subject, "{}".into()).await?;
        pa.refused("publish", subject).await?;
    }
    for subject in [">", "_INBOX.>", "_INBOX_pb.>", "linju.>", "linju.in.>", "$JS.>", "$SYS.>"] {
        let _inbox = pa.client.subscribe(subject).await?;
        pa.refused("subscription", subject).await?;
    }
    // A queue group opens no other door.
    let _inbox = pa.client.queue_subscribe("linju.ask.pb.*", "linju".to_owned()).await?;
    pa.hears("linju.ask.pb.*").await
}

/// What headers ask of JetStream, and another's message id.
async fn headers(partners: &Partners, pa: &Line, pb: &Line) -> Result<()> {
    assert!(pa.keep(&pa.alarm("H-1", "fire"), &[("Nats-Msg-Id", "same")]).await?);
    assert!(pb.keep(&pb.alarm("H-1", "fire"), &[("Nats-Msg-Id", "same")]).await?, "it was another's");
    for header in [
        ("Nats-Rollup", "all"),
        ("Nats-Rollup", "sub"),
        ("Nats-TTL", "1s"),
        ("Nats-Expected-Stream", "LINJU_EVENTS"),
        ("Nats-Expected-Last-Sequence", "99999"),
        ("Nats-Incr", "1"),
    ] {
        assert!(!pa.keep(&pa.alarm("H-2", "fire"), &[header]).await?, "{header:?}");
    }
    let batch = [("Nats-Batch-Id", "b1"), ("Nats-Batch-Sequence", "1"), ("Nats-Batch-Commit", "1")];
    assert!(!pa.keep(&pa.alarm("H-3", "fire"), &batch).await?);
    holds("what was kept was taken", async || {
        Ok(partners
            .house
            .install
            .number("incidents", "SELECT count(*) FROM alarms WHERE partner_alarm_id = 'H-1'")
            .await?
            == 2)
    })
    .await?;
    let others = "SELECT count(*) FROM alarms WHERE partner_alarm_id IN ('H-2', 'H-3')";
    assert_eq!(partners.house.install.number("incidents", others).await?, 0);
    Ok(())
}

/// A partner reads what is told of its own area, by a consumer that it did not make.
async fn events(partners: &Partners, pa: &Line, pb: &Line) -> Result<()> {
    assert_eq!(pb.ask("ask.alarm", &pb.alarm("E-1", "device_fault")).await?, json!({"result": "ok"}));
    assert_eq!(pa.ask("ask.alarm", &pa.alarm("E-2", "device_fault")).await?, json!({"result": "ok"}));
    let mut inbox = pa.client.subscribe("_INBOX_pa.events").await?;
    let next = "LINJU.API.CONSUMER.MSG.NEXT.LINJU_EVENTS.partner-pa";
    let wanted = json!({ "batch": 100, "expires": 30_000_000_000_u64 }).to_string();
    pa.client.publish_with_reply(next, "_INBOX_pa.events", wanted.into()).await?;
    let mut read: Vec<(String, Value)> = Vec::new();
    while !read.iter().any(|(_, event)| event["kind"] == "device_fault") {
        let message = tokio::time::timeout(std::time::Duration::from_secs(30), inbox.next()).await?.context("open")?;
        anyhow::ensure!(message.status.is_none(), "{message:?}");
        read.push((message.subject.to_string(), serde_json::from_slice(&message.payload)?));
        if let Some(reply) = message.reply {
            pa.client.publish(reply, "+ACK".into()).await?;
        }
    }
    assert!(
        read.iter().all(|(_, event)| event["areaCode"].as_str().is_some_and(|area| !area.starts_with(THERE))),
        "{read:?}"
    );
    holds("what was read is done with", async || {
        let url = partners.nats.url().to_owned();
        let seed = std::fs::read_to_string(partners.house.install.folder().join("platform.nk"))?;
        let platform = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned()).connect(url).await?;
        let context = async_nats::jetstream::new(platform);
        let stream = context.get_stream("LINJU_EVENTS").await?;
        let info = stream.consumer_info("partner-pa").await?;
        Ok(info.num_ack_pending == 0 && info.ack_floor.consumer_sequence > 0)
    })
    .await
}
