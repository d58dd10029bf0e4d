//! What is not taken, and that nothing of it stays.

use anyhow::Result;
use chassis::events::{Incoming, Intake};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Alarms, PUMP};

#[tokio::test]
async fn what_is_wrong_is_told_and_not_kept() -> Result<()> {
    for a in Alarms::both().await? {
        a.register(linju_proto::incidents::v1::RegisterDeviceRequest { retired: true, ..a.device("OLD-1") }).await?;
        let with = |kind: &str, device: &str, field: &str, value: Value| {
            let mut alarm = a.alarm("R-1", device, kind);
            alarm[field] = value;
            alarm
        };
        let fire = |field: &str, value: Value| with("fire", PUMP, field, value);
        let ahead = (a.ground.clock.now() + TimeDelta::days(3650)).to_rfc3339();
        let behind = (a.ground.clock.now() - TimeDelta::days(3650)).to_rfc3339();
        let cases = [
            (fire("kind", json!("loitering")), "ABOUT_PERSONS"),
            (fire("kind", json!("face")), "ABOUT_PERSONS"),
            (fire("kind", json!("earthquake")), "UNKNOWN_KIND"),
            (fire("kind", json!("lift")), "KIND_NOT_AGREED"),
            (fire("kind", json!("intrusion")), "NOT_A_RESTRICTED_AREA"),
            (fire("device", json!("CAM-404")), "UNKNOWN_DEVICE"),
            (fire("device", json!("OLD-1")), "DEVICE_OUT_OF_USE"),
            (fire("at", json!(ahead)), "CLOCK_AHEAD"),
            (fire("at", json!(behind)), "TOO_OLD"),
            (fire("latitude", json!(31.86)), "INVALID_FIELD"),
            (fire("video", json!("https://evil.cn/1")), "VIDEO_HOST"),
            (fire("partner_id", json!("property-b")), "MALFORMED"),
            (fire("faceFeature", json!("AAAA")), "MALFORMED"),
            (json!([1]), "MALFORMED"),
        ];
        let bodies: Vec<_> = cases.iter().map(|(body, _)| body.clone()).collect();
        let answers = a.send(&bodies).await?;
        for ((body, reason), answer) in cases.iter().zip(&answers) {
            assert_eq!(answer["reason"], *reason, "{body}");
        }
        let mut far = a.alarm("R-2", PUMP, "fire");
        (far["latitude"], far["longitude"]) = (json!(39.9), json!(116.4));
        assert_eq!(a.send(&[far]).await?[0]["reason"], "PLACE_ELSEWHERE");
        assert_eq!(a.send_as("property-z", &[a.alarm("R-3", PUMP, "fire")]).await?[0]["reason"], "NO_PARTNER");

        assert_eq!(a.ground.count("alarms").await?, 0);
        assert_eq!(a.ground.count("situations").await?, 0);
        assert_eq!(a.ground.count("incidents").await?, 0);
        let kept = a
            .ground
            .rows("SELECT reason || ' ' || cast(messages as text) FROM refused_messages ORDER BY reason")
            .await?;
        assert!(kept.contains(&"ABOUT_PERSONS 2".to_owned()), "{kept:?}");
        let samples = a.ground.rows("SELECT sample FROM refused_messages").await?.join("\n");
        assert!(!samples.contains("AAAA") && !samples.contains("evil.cn"), "{samples}");
    }
    Ok(())
}

#[tokio::test]
async fn who_sends_too_much_is_told_and_others_do_not_feel_it() -> Result<()> {
    for a in Alarms::both().await? {
        let mut device = a.device("B-1");
        device.partner = "property-b".to_owned();
        a.register(device).await?;
        // One a second is agreed, and ten seconds of it may come at once.
        let flood: Vec<_> = (0..500).map(|n| a.alarm(&format!("F-{n}"), "B-1", "fire")).collect();
        let answers = a.send_as("property-b", &flood).await?;
        assert_eq!(answers.iter().filter(|answer| answer["result"] == "ok").count(), 10);
        assert_eq!(answers.iter().filter(|answer| answer["reason"] == "TOO_FAST").count(), 490);
        assert_eq!(a.send(&[a.alarm("A-1", PUMP, "flooding")]).await?[0]["result"], "ok");
        let kept =
            a.ground.rows("SELECT cast(messages as text) FROM refused_messages WHERE reason = 'TOO_FAST'").await?;
        assert_eq!(kept, ["490"]);
        a.ground.clock.advance(TimeDelta::seconds(1));
        let answers = a.send_as("property-b", &[a.alarm("F-x", "B-1", "fire"), a.alarm("F-y", "B-1", "fire")]).await?;
        assert_eq!((&answers[0]["result"], &answers[1]["reason"]), (&json!("ok"), &json!("TOO_FAST")));
    }
    Ok(())
}

#[tokio::test]
async fn a_camera_of_gb28181_is_answered_in_its_form() -> Result<()> {
    for a in Alarms::both().await? {
        let camera = "51190300101320000001";
        a.register(a.device(camera)).await?;
        // The standard writes China's time, without a zone.
        let at = (a.ground.clock.now() + TimeDelta::hours(8)).format("%Y-%m-%dT%H:%M:%S");
        let notify = |kind: &str| {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"GB2312\"?><Notify><CmdType>Alarm</CmdType><SN>9</SN><DeviceID>{camera}</DeviceID>\
                 <AlarmPriority>2</AlarmPriority><AlarmMethod>5</AlarmMethod><AlarmTime>{at}</AlarmTime>\
                 <AlarmDescription>楼道遗留物</AlarmDescription><Info><AlarmType>{kind}</AlarmType></Info></Notify>"
            );
            Incoming { kind: "alarm".into(), body: encoding_rs::GB18030.encode(&text).0.into_owned().into() }
        };
        let answers = Intake::take(&a.desk, "property-a", vec![notify("3"), notify("8")]).await?;
        let text = |n: usize| String::from_utf8_lossy(&answers[n]).into_owned();
        assert!(text(0).contains("<Response>") && text(0).contains("<Result>OK</Result>"), "{}", text(0));
        assert!(text(1).contains("<Result>ERROR</Result>") && text(1).contains("ABOUT_PERSONS"), "{}", text(1));
        assert_eq!(a.situation().await?.kind, "left_object");
    }
    Ok(())
}

/// No table could hold what identifies or follows somebody: the guard rails of the design, as a test.
#[tokio::test]
async fn no_column_is_about_what_somebody_looks_like_or_where_they_went() -> Result<()> {
    const WORDS: [&str; 12] = [
        "face",
        "biometr",
        "plate",
        "gait",
        "iris",
        "finger",
        "voice",
        "feature",
        "embedding",
        "track",
        "movement",
        "person",
    ];
    const TABLES: [&str; 7] =
        ["partners", "alarm_devices", "situations", "alarms", "alarm_marks", "refused_messages", "video_look_ups"];
    for a in Alarms::both().await? {
        for table in TABLES {
            let sql = if a.ground.is_postgres() {
                format!("SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'")
            } else {
                format!("SELECT name FROM pragma_table_info('{table}')")
            };
            let columns = a.ground.rows(&sql).await?;
            assert!(columns.len() > 3, "{table}: {columns:?}");
            let bad: Vec<_> = columns.iter().filter(|c| WORDS.iter().any(|word| c.contains(word))).collect();
            assert!(bad.is_empty(), "{table}: {bad:?}");
        }
    }
    Ok(())
}
