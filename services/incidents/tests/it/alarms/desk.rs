//! What comes to the desk.

use anyhow::Result;
use chassis::{
    access::Role,
    events::{Incoming, Intake},
};
use chrono::TimeDelta;
use linju_incidents::app::AlarmDesk;
use linju_proto::incidents::v1;
use serde_json::json;

use super::{Alarms, PUMP, keeper};
use crate::ground::{Person, SUBDISTRICT, reason};

#[tokio::test]
async fn an_alarm_is_on_the_desk_once() -> Result<()> {
    for a in Alarms::both().await? {
        let flood = a.alarm("A-1", PUMP, "flooding");
        assert_eq!(
            a.send(&[flood.clone(), flood.clone()]).await?,
            [json!({"result":"ok"}), json!({"result":"ok","repeated_alarm":true})]
        );
        assert_eq!(a.send(&[flood]).await?, [json!({"result":"ok","repeated_alarm":true})]);
        // The same number of another partner's is another alarm, and a device of somebody else's is unknown.
        let answer = a.send_as("property-b", &[a.alarm("A-1", PUMP, "flooding")]).await?;
        assert_eq!(answer[0]["reason"], "UNKNOWN_DEVICE");
        let seen = a.situation().await?;
        assert_eq!((seen.kind.as_str(), seen.alarms, seen.devices, seen.repeats), ("flooding", 1, 1, 0));
        assert_eq!((seen.area_code.as_str(), seen.place.as_str()), ("511903001008002", "白玉小区3栋负一层水泵房"));
        a.ground.clock.advance(TimeDelta::seconds(30));
        a.send(&[a.alarm("A-2", PUMP, "flooding")]).await?;
        let seen = a.situation().await?;
        assert_eq!((seen.alarms, seen.devices, seen.repeats), (2, 1, 1));
        assert_eq!(a.told("AlarmSituationOpened").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn four_hundred_alarms_are_a_handful() -> Result<()> {
    for a in Alarms::both().await? {
        a.cameras().await?;
        let storm: Vec<_> = (0..400).map(|n| a.alarm(&format!("S-{n}"), &format!("CAM-{n}"), "device_fault")).collect();
        for part in storm.chunks(130) {
            assert!(a.send(part).await?.iter().all(|answer| answer["result"] == "ok"));
        }
        let seen = a.situations(&keeper(), SUBDISTRICT).await?;
        assert!(seen.len() <= 7, "{}", seen.len());
        assert_eq!(seen.iter().map(|s| s.alarms).sum::<i32>(), 400);
        assert_eq!(seen.iter().map(|s| s.devices).sum::<i32>(), 400);
        assert_eq!(a.told("AlarmSituationOpened").await?, seen.len());
        let storm = seen.iter().find(|s| s.storm).expect("a storm");
        assert_eq!(storm.area_code, SUBDISTRICT);

        // A community sees the storm that holds its own alarms, and of those its own only.
        let here = Person::new("u-bai", Role::CommunityManager, "511903001008");
        let mine = a.situations(&here, "511903001008").await?;
        assert!(mine.iter().any(|s| s.id == storm.id), "{mine:?}");
        let request = v1::ListAlarmsRequest { situation_id: storm.id.clone(), page_size: 1_000, ..Default::default() };
        let alarms = a.door().list_alarms(a.ground.of(&here, request)?).await?.into_inner().alarms;
        assert!(!alarms.is_empty() && alarms.len() <= 25, "{}", alarms.len());
        let elsewhere = Person::new("u-other", Role::CommunityManager, "511903002001");
        assert!(a.situations(&elsewhere, "511903002001").await?.is_empty());
        let request = v1::GetSituationRequest { id: storm.id.clone() };
        assert_eq!(reason(a.door().get_situation(a.ground.of(&elsewhere, request)?).await), "NotFound NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn batches_that_come_together_count_each_alarm_once() -> Result<()> {
    for a in Alarms::both().await? {
        a.cameras().await?;
        // Two copies of the program get the same storm, in different cuts.
        let batches = |size: usize| {
            let alarms: Vec<_> =
                (0..400).map(|n| a.alarm(&format!("S-{n}"), &format!("CAM-{n}"), "device_fault")).collect();
            alarms.chunks(size).map(<[_]>::to_vec).collect::<Vec<_>>()
        };
        let copy = |size| {
            let (desk, batches) = (AlarmDesk::new(a.ground.app.clone()), batches(size));
            async move {
                for batch in batches {
                    let incoming =
                        batch.iter().map(|body| Incoming { kind: "alarm".into(), body: body.to_string().into() });
                    Intake::take(&desk, "property-a", incoming.collect()).await?;
                }
                Ok::<_, anyhow::Error>(())
            }
        };
        let (one, other) = tokio::join!(copy(40), copy(70));
        one?;
        other?;
        assert_eq!(a.ground.count("alarms").await?, 400);
        let seen = a.situations(&keeper(), SUBDISTRICT).await?;
        assert!(seen.len() <= 7, "{}", seen.len());
        assert_eq!(seen.iter().map(|s| s.alarms).sum::<i32>(), 400);
    }
    Ok(())
}

#[tokio::test]
async fn a_partner_without_nats_calls() -> Result<()> {
    for a in Alarms::both().await? {
        let at = a.ground.clock.now();
        let alarm = v1::ReportAlarmRequest {
            id: "G-1".to_owned(),
            device: PUMP.to_owned(),
            kind: "fire".to_owned(),
            at: Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 }),
            ..Default::default()
        };
        let partner = Person::new("property-a", Role::Partner, SUBDISTRICT);
        let send = async |who: &Person, alarm: &v1::ReportAlarmRequest| {
            let request = a.ground.of(who, alarm.clone()).map_err(|e| tonic::Status::internal(e.to_string()))?;
            a.door().report_alarm(request).await.map(|answer| answer.into_inner().repeated_alarm)
        };
        assert!(!send(&partner, &alarm).await?);
        assert!(send(&partner, &alarm).await?);
        assert_eq!(a.situation().await?.kind, "fire");
        let loitering = v1::ReportAlarmRequest { kind: "loitering".to_owned(), id: "G-2".to_owned(), ..alarm.clone() };
        assert_eq!(reason(send(&partner, &loitering).await), "InvalidArgument ABOUT_PERSONS");
        let stranger = Person::new("nobody", Role::Partner, SUBDISTRICT);
        assert_eq!(reason(send(&stranger, &alarm).await), "PermissionDenied NO_PARTNER");
        let narrow = Person::new("property-a", Role::Partner, "511903001009");
        assert_eq!(reason(send(&narrow, &alarm).await), "PermissionDenied AREA_NOT_GRANTED");
        let beat = v1::ReportHeartbeatRequest { device: PUMP.to_owned() };
        a.door().report_heartbeat(a.ground.of(&partner, beat)?).await?;
        a.desk.remove_partner("property-a").await??;
        assert_eq!(reason(send(&partner, &alarm).await), "PermissionDenied NO_PARTNER");
    }
    Ok(())
}
