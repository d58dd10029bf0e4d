//! Whom to tell of a public warning by a knock at the door.

use std::sync::Arc;

use anyhow::Result;
use chassis::{
    access::Role,
    data::Tx,
    events::{Event, Handler, HandlerError, Head, Timer, TimerHandler as _},
};
use chrono::TimeDelta;
use linju_proto::{
    incidents::v1::{Building, WarningIssued, WarningMessageType, WarningStatus},
    residents::v1::{self, CallOutcome},
};
use linju_residents::events::{CallListOver, PublicWarned};
use tonic::Status;
use uuid::Uuid;

use crate::ground::{COMMUNITY, GRID, Ground, Person, grid_worker, manager, morning, reason, somebody, zhang};

const WARNING: u128 = 77;

fn warning() -> String {
    Uuid::from_u128(WARNING).to_string()
}

fn issued(kind: WarningMessageType, building: &str) -> Result<Event> {
    let told = WarningIssued {
        warning_id: warning(),
        first_warning_id: warning(),
        area_code: COMMUNITY.to_owned(),
        status: WarningStatus::Actual.into(),
        message_type: kind.into(),
        expires_at: Some(prost_types::Timestamp { seconds: morning().timestamp() + 43_200, nanos: 0 }),
        buildings: vec![Building {
            area_code: COMMUNITY.to_owned(),
            compound: "滨河小区".to_owned(),
            building: building.to_owned(),
        }],
        ..Default::default()
    };
    let head = Head {
        id: Uuid::from_u128(9),
        key: Uuid::from_u128(WARNING),
        version: 1,
        area: COMMUNITY.parse()?,
        at: morning(),
    };
    Ok(Event::new(head, &told))
}

impl Ground {
    async fn warn(&self, kind: WarningMessageType, building: &str) -> Result<()> {
        let (app, event) = (self.app.clone(), Arc::new(issued(kind, building)?));
        let heard = self.db.write(move |tx: &Tx| {
            let (handler, event) = (PublicWarned(app.clone()), event.clone());
            Box::pin(async move { handler.handle(tx, &event).await })
        });
        heard.await.map_err(|error: HandlerError| anyhow::anyhow!("{error}"))
    }

    async fn destroy(&self) -> Result<()> {
        let app = self.app.clone();
        let fired = self.db.write(move |tx: &Tx| {
            let handler = CallListOver(app.clone());
            let timer = Timer { kind: String::new(), key: warning(), due_at: morning(), payload: String::new() };
            Box::pin(async move { handler.fire(tx, &timer).await })
        });
        fired.await.map_err(|error: HandlerError| anyhow::anyhow!("{error}"))
    }

    async fn list(&self, who: &Person) -> Result<v1::CallList, Status> {
        let request = self.of(who, v1::GetCallListRequest { first_warning_id: warning() });
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.calls.clone().get_call_list(request).await?.into_inner())
    }

    async fn record(&self, who: &Person, resident: &str, outcome: CallOutcome) -> Result<v1::Call, Status> {
        let request = v1::RecordCallRequest {
            first_warning_id: warning(),
            resident_id: resident.to_owned(),
            outcome: outcome.into(),
        };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.calls.clone().record_call(request).await?.into_inner())
    }

    /// The last word about the calls: how many to call, how many reached.
    async fn calls_told(&self) -> Result<String> {
        let mut told = self.told().await?.into_iter().filter(|line| line.contains("WarningCallsChanged"));
        Ok(told.next_back().unwrap_or_default())
    }
}

#[tokio::test]
async fn people_without_a_phone_are_told_one_by_one() -> Result<()> {
    for ground in Ground::both().await? {
        let home = ground.household(GRID, "1").await?;
        let place = home.dwelling.clone().unwrap_or_default();
        ground.resident(&home.id, zhang()).await?;
        let mother = ground.resident(&home.id, somebody("李桂芳", "1940-03-02")).await?;
        ground.warn(WarningMessageType::Alert, &place.building).await?;

        let worker = grid_worker(GRID).because("emergency_help");
        let list = ground.list(&worker).await?;
        assert_eq!((list.to_call, list.reached, list.calls.len()), (1, 0, 1), "whoever has a phone is not on it");
        let call = &list.calls[0];
        assert_eq!((call.resident_id.as_str(), call.name.as_str()), (mother.id.as_str(), "李桂芳"));
        assert!(!call.household_phone.is_empty(), "somebody in the household can pass it on");
        assert_eq!(reason(ground.list(&grid_worker(GRID)).await), "PermissionDenied PURPOSE_NEEDED");
        let elsewhere = Person::new("u-x", Role::GridWorker, "511903001009001").because("emergency_help");
        assert_eq!(reason(ground.list(&elsewhere).await), "NotFound NOT_FOUND");
        assert_eq!(reason(ground.record(&elsewhere, &mother.id, CallOutcome::Reached).await), "NotFound NOT_FOUND");

        ground.record(&worker, &mother.id, CallOutcome::NobodyThere).await?;
        assert_eq!(ground.list(&worker).await?.reached, 0);
        let reached = ground.record(&worker, &mother.id, CallOutcome::PassedOn).await?;
        assert_eq!(reached.outcome(), CallOutcome::PassedOn);
        let told = ground.calls_told().await?;
        assert!(told.contains(r#""toCall":1,"reached":1"#) && !told.contains("李"), "{told}");

        // An update draws nobody twice, and keeps who was told.
        ground.warn(WarningMessageType::Update, &place.building).await?;
        let list = ground.list(&worker).await?;
        assert_eq!((list.to_call, list.reached), (1, 1));
        ground.warn(WarningMessageType::Cancel, &place.building).await?;
        assert!(ground.list(&worker).await?.closed);

        ground.clock.advance(TimeDelta::days(31));
        ground.destroy().await?;
        let after = ground.list(&manager().because("emergency_help")).await?;
        assert_eq!((after.to_call, after.reached, after.calls.len()), (1, 1, 0), "figures stay, names go");
        assert_eq!(ground.count("calls").await?, 0);
        ground.warn(WarningMessageType::Update, &place.building).await?;
        assert_eq!(ground.count("calls").await?, 0, "what was destroyed is not drawn again");
    }
    Ok(())
}

#[tokio::test]
async fn a_warning_without_known_buildings_has_an_empty_list() -> Result<()> {
    for ground in Ground::both().await? {
        ground.household(GRID, "1").await?;
        ground.warn(WarningMessageType::Alert, "没有这栋").await?;
        let list = ground.list(&manager().because("emergency_help")).await?;
        assert_eq!((list.to_call, list.reached, list.calls.len()), (0, 0, 0));
    }
    Ok(())
}
