//! What is noticed by its not happening.

use anyhow::Result;
use chrono::TimeDelta;
use linju_proto::incidents::v1;
use serde_json::json;

use super::{Alarms, PUMP, keeper};
use crate::ground::SUBDISTRICT;

#[tokio::test]
async fn a_source_that_falls_silent_is_missed_once() -> Result<()> {
    for a in Alarms::both().await? {
        a.register(v1::RegisterDeviceRequest { heartbeat_s: 60, ..a.device(PUMP) }).await?;
        let beat = json!({ "device": PUMP });
        for _ in 0..10 {
            a.wait(TimeDelta::seconds(50)).await?;
            assert_eq!(
                a.messages("property-a", "heartbeat", std::slice::from_ref(&beat)).await?,
                [json!({"result":"ok"})]
            );
        }
        assert_eq!(a.told("SourceSilent").await?, 0);
        a.wait(TimeDelta::hours(24)).await?;
        assert_eq!(a.told("SourceSilent").await?, 1, "once, however long it lasts");
        let seen = a.situation().await?;
        assert_eq!((seen.kind.as_str(), seen.alarms), ("source_silent", 1));
        assert!(a.devices().await?[0].silent_since.is_some());

        a.messages("property-a", "heartbeat", &[beat]).await?;
        assert!(a.devices().await?[0].silent_since.is_none());
        a.verify(&seen.id, v1::Verdict::False).await?;
        assert_eq!(a.devices().await?[0].false_verdicts, 0, "a silence is no alarm of the device's");
        a.wait(TimeDelta::hours(3)).await?;
        assert_eq!(a.told("SourceSilent").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn what_nobody_looks_at_is_reported_upwards() -> Result<()> {
    for a in Alarms::both().await? {
        a.send(&[a.alarm("A-1", PUMP, "fire")]).await?;
        a.wait(TimeDelta::seconds(119)).await?;
        assert_eq!(a.told("AlarmSituationEscalated").await?, 0);
        a.wait(TimeDelta::seconds(1)).await?;
        assert_eq!(a.situation().await?.escalated, 1);
        a.wait(TimeDelta::hours(24)).await?;
        assert_eq!((a.situation().await?.escalated, a.told("AlarmSituationEscalated").await?), (3, 3));

        a.send(&[a.alarm("A-2", PUMP, "flooding")]).await?;
        let seen = a.situations(&keeper(), SUBDISTRICT).await?;
        let flooding = seen.iter().find(|s| s.kind == "flooding").expect("one");
        a.verify(&flooding.id, v1::Verdict::False).await?;
        a.wait(TimeDelta::hours(24)).await?;
        assert_eq!(a.told("AlarmSituationEscalated").await?, 3, "somebody has looked");
    }
    Ok(())
}

impl Alarms {
    pub(crate) async fn devices(&self) -> Result<Vec<v1::Device>> {
        let request = v1::ListDevicesRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        Ok(self.door().list_devices(self.ground.of(&keeper(), request)?).await?.into_inner().devices)
    }
}
