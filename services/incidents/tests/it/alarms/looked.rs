//! A person looks: at the situation, and at the video.

use anyhow::Result;
use chassis::access::Role;
use chrono::TimeDelta;
use linju_proto::incidents::v1;
use serde_json::json;

use super::{Alarms, PUMP, dispatcher, keeper};
use crate::ground::{Person, SUBDISTRICT, reason};

#[tokio::test]
async fn a_real_situation_becomes_one_incident() -> Result<()> {
    for a in Alarms::both().await? {
        a.send(&[a.alarm("A-1", PUMP, "flooding")]).await?;
        let seen = a.situation().await?;
        assert_eq!(a.ground.count("incidents").await?, 0, "no machine sends anybody");
        let stale = v1::VerifySituationRequest {
            id: seen.id.clone(),
            verdict: v1::Verdict::False.into(),
            etag: "v9".to_owned(),
            ..Default::default()
        };
        assert_eq!(reason(a.door().verify_situation(a.ground.of(&dispatcher(), stale)?).await), "Aborted STALE_ETAG");
        let real = a.verify(&seen.id, v1::Verdict::Real).await?;
        assert_eq!((real.state(), real.verified_by.as_str()), (v1::SituationState::Real, "u-dispatcher"));
        let again = a.verify(&seen.id, v1::Verdict::Real).await?;
        assert_eq!(again.incident_id, real.incident_id);
        assert_eq!(reason(a.verify(&seen.id, v1::Verdict::False).await), "FailedPrecondition SITUATION_VERIFIED");
        assert_eq!(a.ground.count("incidents").await?, 1);
        let incident = a.ground.get(&dispatcher(), &real.incident_id).await?;
        assert_eq!((incident.channel(), incident.category.as_str()), (v1::Channel::Partner, "safety.flood"));
        assert_eq!(a.devices().await?[0].real_verdicts, 1);
        assert_eq!(a.told("AlarmSituationVerified").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_device_that_was_wrong_is_quiet_for_a_while_and_its_rate_is_told() -> Result<()> {
    for a in Alarms::both().await? {
        a.register(v1::RegisterDeviceRequest { damping_s: Some(0), ..a.device("PUMP-8") }).await?;
        a.send(&[a.alarm("A-1", PUMP, "device_fault")]).await?;
        assert_eq!(a.devices().await?[0].false_alarm_rate, None);
        let first = a.situation().await?;
        a.verify(&first.id, v1::Verdict::False).await?;
        let device = a.devices().await?.remove(0);
        assert_eq!((device.false_verdicts, device.false_alarm_rate), (1, Some(1.0)));

        a.ground.clock.advance(TimeDelta::minutes(5));
        assert_eq!(a.send(&[a.alarm("A-2", PUMP, "device_fault")]).await?, [json!({"result":"ok"})]);
        assert_eq!(a.situation().await?.id, first.id, "nobody is bothered twice");
        assert_eq!(a.ground.count("alarms").await?, 2, "and nothing is lost");
        // Where damping is off, each is told.
        a.send(&[a.alarm("A-3", "PUMP-8", "device_fault")]).await?;
        let open = a.situations(&keeper(), SUBDISTRICT).await?;
        let open = open.iter().find(|s| s.state() == v1::SituationState::Open).expect("one");
        a.verify(&open.id, v1::Verdict::False).await?;
        a.send(&[a.alarm("A-4", "PUMP-8", "device_fault")]).await?;
        assert_eq!(a.situations(&keeper(), SUBDISTRICT).await?.len(), 3);
        a.ground.clock.advance(TimeDelta::minutes(60));
        a.send(&[a.alarm("A-5", PUMP, "device_fault")]).await?;
        assert_eq!(a.situations(&keeper(), SUBDISTRICT).await?.len(), 4);
    }
    Ok(())
}

#[tokio::test]
async fn a_video_is_given_once_the_look_is_in_the_register() -> Result<()> {
    for a in Alarms::both().await? {
        let mut alarm = a.alarm("A-1", PUMP, "flooding");
        alarm["video"] = json!("https://nvr.example.cn/play/7?t=1");
        alarm["note"] = json!("<b>水位</b>'; DROP TABLE alarms;--");
        a.send(&[alarm, a.alarm("A-2", PUMP, "fire")]).await?;
        let seen = a.situations(&keeper(), SUBDISTRICT).await?;
        let flooding = seen.iter().find(|s| s.kind == "flooding").expect("one");
        let list = v1::ListAlarmsRequest { situation_id: flooding.id.clone(), ..Default::default() };
        let masked = a.door().list_alarms(a.ground.of(&dispatcher(), list.clone())?).await?.into_inner();
        assert_eq!((masked.alarms[0].note.as_str(), masked.alarms[0].has_video), ("", true));
        let why = dispatcher().because("case_handling");
        let clear = a.door().list_alarms(a.ground.of(&why, list)?).await?.into_inner();
        assert_eq!(clear.alarms[0].note, "<b>水位</b>'; DROP TABLE alarms;--", "text, whatever it looks like");

        let look = v1::LookUpVideoRequest {
            id: clear.alarms[0].id.clone(),
            reason: v1::VideoReason::VerifyAlarm.into(),
            detail: "核实水泵房报警".to_owned(),
        };
        let refused = a.door().look_up_video(a.ground.of(&dispatcher(), look.clone())?).await;
        assert_eq!(reason(refused), "PermissionDenied PURPOSE_NEEDED");
        assert_eq!(a.ground.count("video_look_ups").await?, 0);
        let video = a.door().look_up_video(a.ground.of(&why, look.clone())?).await?.into_inner();
        assert_eq!(video.url, "https://nvr.example.cn/play/7?t=1");
        let noted =
            a.ground.rows("SELECT who || ' ' || purpose || ' ' || fields FROM audit WHERE fields = 'video'").await?;
        assert_eq!(noted, ["u-dispatcher case_handling video"]);

        let request = v1::ListVideoLookUpsRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let auditor = Person::new("u-auditor", Role::Auditor, SUBDISTRICT);
        let register = a.door().list_video_look_ups(a.ground.of(&auditor, request)?).await?.into_inner().look_ups;
        assert_eq!(
            (register.len(), register[0].who.as_str(), register[0].id.as_str()),
            (1, "u-dispatcher", video.look_up_id.as_str())
        );
        assert_eq!((register[0].reason(), register[0].detail.as_str()), (v1::VideoReason::VerifyAlarm, ""));

        let stranger = Person::new("u-x", Role::Dispatcher, "511903002").because("case_handling");
        assert_eq!(reason(a.door().look_up_video(a.ground.of(&stranger, look)?).await), "NotFound NOT_FOUND");
        for change in ["DELETE FROM video_look_ups", "UPDATE video_look_ups SET who = 'nobody'"] {
            assert!(a.ground.run(change).await.is_err(), "{change}");
        }
    }
    Ok(())
}
