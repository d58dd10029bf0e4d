//! Alarms of partners, from the bytes that come in to the desk.

mod asyncapi;
mod desk;
mod looked;
mod refused;
mod silence;

use anyhow::{Context as _, Result};
use chassis::{
    access::Role,
    data::AreaCode,
    events::{Incoming, Intake, timers as due},
};
use chrono::{DateTime, TimeDelta, Utc};
use linju_incidents::{
    app::{AlarmDesk, NewPartner, alarm_timers},
    domain::alarm::AlarmKind,
};
use linju_proto::incidents::v1::{self, alarm_service_client::AlarmServiceClient};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::ground::{Gated, Ground, Person, SUBDISTRICT};

pub(crate) const PUMP: &str = "PUMP-7";

/// A ground with partners and a device, and their desk.
pub(crate) struct Alarms {
    pub(crate) ground: Ground,
    pub(crate) desk: AlarmDesk,
}

pub(crate) fn keeper() -> Person {
    Person::new("u-keeper", Role::CommunityManager, SUBDISTRICT)
}

pub(crate) fn dispatcher() -> Person {
    crate::ground::dispatcher()
}

impl Alarms {
    pub(crate) async fn both() -> Result<[Self; 2]> {
        let [sqlite, postgres] = Ground::both().await?;
        Ok([Self::on(sqlite).await?, Self::on(postgres).await?])
    }

    async fn on(ground: Ground) -> Result<Self> {
        let desk = AlarmDesk::new(ground.app.clone());
        let this = Self { ground, desk };
        this.partner("property-a", 1_000).await?;
        this.partner("property-b", 1).await?;
        this.register(this.device(PUMP)).await?;
        Ok(this)
    }

    async fn partner(&self, name: &str, rate: i32) -> Result<()> {
        let new = NewPartner {
            name: name.to_owned(),
            key: format!("U{name}"),
            areas: vec!["511903001".parse()?],
            kinds: AlarmKind::accepted().filter(|kind| *kind != AlarmKind::Lift).collect(),
            video_hosts: vec!["nvr.example.cn".to_owned()],
            rate,
        };
        Ok(self.desk.add_partner(new).await??)
    }

    /// A device of the first partner.
    #[expect(clippy::unused_self, reason = "it is the scene's partner")]
    pub(crate) fn device(&self, code: &str) -> v1::RegisterDeviceRequest {
        v1::RegisterDeviceRequest {
            partner: "property-a".to_owned(),
            code: code.to_owned(),
            area_code: "511903001008002".to_owned(),
            place: "白玉小区3栋负一层水泵房".to_owned(),
            latitude: 31.86,
            longitude: 106.75,
            ..Default::default()
        }
    }

    pub(crate) fn door(&self) -> AlarmServiceClient<Gated> {
        AlarmServiceClient::new(self.ground.gated.clone())
    }

    pub(crate) async fn register(&self, device: v1::RegisterDeviceRequest) -> Result<v1::Device> {
        Ok(self.door().register_device(self.ground.of(&keeper(), device)?).await?.into_inner())
    }

    /// 400 cameras in 16 communities.
    pub(crate) async fn cameras(&self) -> Result<()> {
        use linju_incidents::store::alarms::device::{ActiveModel, Entity};
        use sea_orm::ActiveValue::Set;
        let cameras = (0..400u32).map(|n| {
            let area: AreaCode = format!("511903001{:03}{:03}", 1 + n % 16, 1 + n / 16 % 9).parse()?;
            Ok(ActiveModel {
                id: Set(uuid::Uuid::from_u128(u128::from(n) + 1)),
                partner: Set("property-a".to_owned()),
                code: Set(format!("CAM-{n}")),
                area_code: Set(area),
                place: Set(format!("{n}号摄像机")),
                latitude: Set(31.86),
                longitude: Set(106.75),
                restricted: Set(false),
                heartbeat_s: Set(0),
                damping_s: Set(None),
                retired: Set(false),
                changed_at: Set(self.ground.clock.now()),
                last_seen_at: Set(None),
                silent_since: Set(None),
                real_verdicts: Set(0),
                false_verdicts: Set(0),
            })
        });
        let cameras = cameras.collect::<Result<Vec<_>>>()?;
        Entity::insert_many(cameras).exec(self.ground.db.raw_writer()).await?;
        Ok(())
    }

    /// An alarm as a partner writes it.
    pub(crate) fn alarm(&self, id: &str, device: &str, kind: &str) -> Value {
        json!({ "id": id, "device": device, "kind": kind, "at": self.ground.clock.now().to_rfc3339() })
    }

    /// What the first partner is answered.
    pub(crate) async fn send(&self, alarms: &[Value]) -> Result<Vec<Value>> {
        self.send_as("property-a", alarms).await
    }

    pub(crate) async fn send_as(&self, partner: &str, alarms: &[Value]) -> Result<Vec<Value>> {
        self.messages(partner, "alarm", alarms).await
    }

    pub(crate) async fn messages(&self, partner: &str, kind: &str, bodies: &[Value]) -> Result<Vec<Value>> {
        let incoming =
            bodies.iter().map(|body| Incoming { kind: kind.to_owned(), body: body.to_string().into() }).collect();
        let answers = Intake::take(&self.desk, partner, incoming).await?;
        answers.iter().map(|answer| Ok(serde_json::from_slice(answer)?)).collect()
    }

    pub(crate) async fn situations(&self, who: &Person, area: &str) -> Result<Vec<v1::Situation>> {
        let request = v1::ListSituationsRequest { area_code: area.to_owned(), page_size: 1_000, ..Default::default() };
        Ok(self.door().list_situations(self.ground.of(who, request)?).await?.into_inner().situations)
    }

    /// The only situation there is.
    pub(crate) async fn situation(&self) -> Result<v1::Situation> {
        let mut all = self.situations(&keeper(), SUBDISTRICT).await?;
        anyhow::ensure!(all.len() == 1, "{all:?}");
        all.pop().context("one")
    }

    /// Says what somebody has seen.
    pub(crate) async fn verify(&self, id: &str, verdict: v1::Verdict) -> Result<v1::Situation, tonic::Status> {
        let request = v1::VerifySituationRequest {
            id: id.to_owned(),
            verdict: verdict.into(),
            finding: "水泵房积水10厘米".to_owned(),
            category: "safety.flood".to_owned(),
            etag: String::new(),
        };
        let request = self.ground.of(&dispatcher(), request).map_err(|e| tonic::Status::internal(e.to_string()))?;
        Ok(self.door().verify_situation(request).await?.into_inner())
    }

    /// Moves the clock and fires what is due then, in its order.
    pub(crate) async fn wait(&self, time: TimeDelta) -> Result<()> {
        let until: DateTime<Utc> = self.ground.clock.now() + time;
        let handlers = alarm_timers(&self.desk);
        loop {
            let next = due::Entity::find()
                .filter(due::Column::DueAt.lte(until))
                .filter(due::Column::Kind.is_in(handlers.keys().copied()))
                .order_by_asc(due::Column::DueAt)
                .one(self.ground.db.read())
                .await?;
            let Some(next) = next else { break };
            self.ground.clock.advance((next.due_at - self.ground.clock.now()).max(TimeDelta::zero()));
            let (handler, timer) = (handlers[next.kind.as_str()].clone(), due::Timer::from(next));
            let fired = self.ground.db.write(move |tx| {
                let (handler, timer) = (handler.clone(), timer.clone());
                Box::pin(async move {
                    due::cancel(tx, &timer.kind, &timer.key).await?;
                    handler.fire(tx, &timer).await.map_err(|e| DbErr::Custom(e.to_string()))
                })
            });
            fired.await?;
        }
        self.ground.clock.advance(until - self.ground.clock.now());
        Ok(())
    }

    /// How many events of this kind were told.
    pub(crate) async fn told(&self, kind: &str) -> Result<usize> {
        let all = self.ground.told().await?;
        Ok(all.iter().filter(|event| event.starts_with(&format!("linju.incidents.v1.{kind} "))).count())
    }
}
