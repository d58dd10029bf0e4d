//! A service on a database of its own, and the people who call it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use chassis::{
    access::{Gate, Grant, Principal, SigningKey, TokenSigner, TokenVerifier},
    data::{Clock, Db, Ids, Keyring, MasterKey, PoolSettings, Suite},
    events::{LocalLog, Outbox, Timer, TimerHandlers, timers},
    run::{self, Context, Meter, Parts, Service},
};
use chrono::{DateTime, TimeDelta, Utc};
use linju_proto::{
    common::v1::Role,
    volunteers::v1::{
        self, people_service_client::PeopleServiceClient, rota_service_client::RotaServiceClient,
        team_service_client::TeamServiceClient,
    },
};
use linju_volunteers::{App, VolunteersService, config::Settings};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tempfile::TempDir;
use tonic::{Code, Request, Status, service::Routes};
use tonic_types::StatusExt as _;
use tower::Layer;
use uuid::Uuid;

pub(crate) const SUBDISTRICT: &str = "511903001";
pub(crate) const COMMUNITY: &str = "511903001008";
pub(crate) const GRID: &str = "511903001008002";

/// All that the service answers, behind the gate.
pub(crate) type Gated = <Gate as Layer<Routes>>::Service;

/// One service on one database; gone with the value.
pub(crate) struct Ground {
    pub(crate) app: App,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) keys: Keyring,
    pub(crate) gated: Gated,
    timers: TimerHandlers,
    signer: TokenSigner,
    pub(crate) folder: TempDir,
    _database: Option<test_servers::Database>,
}

/// 2026-11-23, a Monday, 16:00 in China.
pub(crate) fn afternoon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).expect("a time")
}

impl Ground {
    /// The same on SQLite and on Postgres.
    pub(crate) async fn both() -> Result<[Self; 2]> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("volunteers.db"), &PoolSettings::default()).await?;
        let sqlite = Self::on(db, folder, None).await?;
        let database = tokio::task::spawn_blocking(|| test_servers::Postgres::shared()?.create_database()).await??;
        let pool = PoolSettings { max_connections: 8, acquire_ms: 30_000, ..PoolSettings::default() };
        let db = Db::open(database.url(), &pool).await?;
        Ok([sqlite, Self::on(db, tempfile::tempdir()?, Some(database)).await?])
    }

    async fn on(db: Db, folder: TempDir, database: Option<test_servers::Database>) -> Result<Self> {
        let service = VolunteersService;
        run::migrate(&db, &service).await?;
        let clock = Clock::fixed(afternoon());
        let master = Arc::new(MasterKey::new_to_file(&folder.path().join("master.key"))?);
        let keys = Keyring::load(&db, master, Suite::Aes256Gcm, &clock).await?;
        let context = Context {
            db: db.clone(),
            clock: clock.clone(),
            ids: Ids::seeded(clock.clone(), 1),
            keys: keys.clone(),
            outbox: Outbox::default(),
            message_bytes: 1 << 20,
            settings: serde_json::Value::Null,
        };
        let bus = LocalLog::open(&folder.path().join("events.db"), clock.clone()).await?;
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let verifier = TokenVerifier::new(key.public(), clock.clone());
        let gate = Gate::new(verifier, 1000, Meter::new().map_err(anyhow::Error::msg)?);
        let Parts { routes, timers, .. } = service.build(context.clone(), bus)?;
        let gated = gate.layer(routes);
        let signer = TokenSigner::new(&key, clock.clone());
        let app = App::new(context, Settings::default());
        Ok(Self { app, db, clock, keys, gated, timers, signer, folder, _database: database })
    }

    pub(crate) fn people(&self) -> PeopleServiceClient<Gated> {
        PeopleServiceClient::new(self.gated.clone())
    }

    pub(crate) fn teams(&self) -> TeamServiceClient<Gated> {
        TeamServiceClient::new(self.gated.clone())
    }

    pub(crate) fn rota(&self) -> RotaServiceClient<Gated> {
        RotaServiceClient::new(self.gated.clone())
    }

    /// A request of somebody.
    pub(crate) fn of<T>(&self, who: &Person, message: T) -> Result<Request<T>> {
        let token = self.signer.sign(&who.principal, TimeDelta::minutes(10))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        if let Some(purpose) = who.purpose {
            request.metadata_mut().insert("linju-purpose", purpose.parse()?);
        }
        Ok(request)
    }

    /// Fires every timer that is due now but those of the catalogue, the soonest first; how many.
    pub(crate) async fn fire_due(&self) -> Result<usize> {
        self.fire("kind <> 'volunteers.service_item'").await
    }

    /// Fires the catalogue's timers that are due now; how many.
    pub(crate) async fn fire_items(&self) -> Result<usize> {
        self.fire("kind = 'volunteers.service_item'").await
    }

    async fn fire(&self, which: &str) -> Result<usize> {
        let now = match self.db.backend() {
            DbBackend::Postgres => format!("'{}'", self.clock.now().to_rfc3339()),
            _ => format!("'{}'", self.clock.now().format("%Y-%m-%dT%H:%M:%S%.6f+00:00")),
        };
        let due =
            format!("SELECT kind || ' ' || key FROM timers WHERE due_at <= {now} AND {which} ORDER BY due_at, id");
        let rows = self.rows(&due).await?;
        for row in &rows {
            let (kind, key) = row.split_once(' ').context("a kind and a key")?;
            let handler = self.timers.get(kind).with_context(|| format!("no handler for {kind}"))?.clone();
            let timer =
                Timer { kind: kind.to_owned(), key: key.to_owned(), due_at: self.clock.now(), payload: String::new() };
            let work = self.db.write(move |tx| {
                let (handler, timer) = (handler.clone(), timer.clone());
                Box::pin(async move {
                    timers::cancel(tx, &timer.kind, &timer.key).await?;
                    handler.fire(tx, &timer).await.map_err(|e| DbErr::Custom(e.to_string()))
                })
            });
            work.await?;
        }
        Ok(rows.len())
    }

    /// What a statement answers, as text.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.db.raw_writer().query_all_raw(Statement::from_string(self.db.backend(), sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0).context("a text")).collect()
    }

    pub(crate) async fn count(&self, rows: &str) -> Result<i64> {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT count(*) FROM {rows}"));
        let row = self.db.raw_writer().query_one_raw(statement).await?.context("a row")?;
        Ok(row.try_get_by_index(0)?)
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<u64, DbErr> {
        Ok(self.db.raw_writer().execute_unprepared(sql).await?.rows_affected())
    }

    /// Kinds of the events that wait in the outbox, in order.
    pub(crate) async fn told(&self) -> Result<Vec<String>> {
        let kinds = self.rows("SELECT kind FROM outbox ORDER BY position").await?;
        Ok(kinds.into_iter().map(|kind| kind.replace("linju.volunteers.v1.", "")).collect())
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.db.backend() == DbBackend::Postgres
    }

    /// Somebody of this name applies through the app.
    pub(crate) async fn apply(&self, who: &Person, name: &str) -> Result<v1::Volunteer> {
        Ok(self.people().create_volunteer(self.of(who, application(name))?).await?.into_inner())
    }

    /// Somebody has applied and was accepted.
    pub(crate) async fn active(&self, who: &Person, name: &str) -> Result<v1::Volunteer> {
        let applied = self.apply(who, name).await?;
        self.accept(&applied.id).await?;
        self.get(&manager(), &applied.id).await
    }

    /// The community looks at an application and accepts it.
    pub(crate) async fn accept(&self, id: &str) -> Result<v1::Volunteer> {
        let review = v1::ReviewVolunteerRequest { id: id.to_owned(), etag: String::new() };
        self.people().review_volunteer(self.of(&manager(), review)?).await?;
        let activate = v1::ActivateVolunteerRequest { id: id.to_owned(), etag: String::new() };
        Ok(self.people().activate_volunteer(self.of(&manager(), activate)?).await?.into_inner())
    }

    pub(crate) async fn get(&self, who: &Person, id: &str) -> Result<v1::Volunteer> {
        let request = self.of(who, v1::GetVolunteerRequest { id: id.to_owned() })?;
        Ok(self.people().get_volunteer(request).await?.into_inner())
    }

    /// Staff have seen a proof of today that ends by its rule.
    pub(crate) async fn qualify(&self, id: &str, kind: v1::QualificationKind) -> Result<v1::Qualification> {
        let qualification =
            v1::Qualification { kind: kind.into(), issued_on: self.today(), ..v1::Qualification::default() };
        let request = v1::RecordQualificationRequest {
            volunteer_id: id.to_owned(),
            qualification: Some(qualification),
            request_id: new_id(),
        };
        Ok(self.people().record_qualification(self.of(&manager(), request)?).await?.into_inner())
    }

    /// The day it is in China.
    pub(crate) fn today(&self) -> String {
        (self.clock.now() + TimeDelta::hours(8)).date_naive().to_string()
    }

    /// A team of this kind in the community.
    pub(crate) async fn team(&self, name: &str, kind: v1::TeamKind) -> Result<v1::Team> {
        let team = v1::Team {
            name: name.to_owned(),
            kind: kind.into(),
            area_code: COMMUNITY.to_owned(),
            ..v1::Team::default()
        };
        let request = v1::CreateTeamRequest { team: Some(team), request_id: new_id() };
        Ok(self.teams().create_team(self.of(&manager(), request)?).await?.into_inner())
    }

    /// Makes a volunteer a member: asked by the office, answered by the volunteer's own account.
    pub(crate) async fn join(&self, team: &str, volunteer: &str, who: &Person) -> Result<v1::Membership> {
        let invite = v1::InviteMemberRequest { team_id: team.to_owned(), volunteer_id: volunteer.to_owned() };
        let invited = self.teams().invite_member(self.of(&manager(), invite)?).await?.into_inner();
        let yes = v1::ConfirmMembershipRequest { id: invited.id, told_by_volunteer: false };
        Ok(self.teams().confirm_membership(self.of(who, yes)?).await?.into_inner())
    }
}

/// Different ids; nothing depends on their values.
pub(crate) fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))).to_string()
}

/// What somebody born in 1980 says who applies. Each name has a phone of its own.
pub(crate) fn application(name: &str) -> v1::CreateVolunteerRequest {
    let tail = name.chars().fold(7u32, |sum, c| sum.wrapping_mul(31).wrapping_add(c.into())) % 100_000_000;
    let volunteer = v1::Volunteer {
        area_code: GRID.to_owned(),
        name: name.to_owned(),
        phone: format!("139{tail:08}"),
        birth_date: "1980-05-01".to_owned(),
        skills: vec!["haircut".to_owned()],
        languages: vec!["cmn-x-bazhong".to_owned()],
        availability: vec![v1::Availability { weekday: 1, from: "09:00".to_owned(), until: "12:00".to_owned() }],
        risks_told: true,
        ..v1::Volunteer::default()
    };
    v1::CreateVolunteerRequest { volunteer: Some(volunteer), request_id: new_id() }
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Person {
    principal: Principal,
    purpose: Option<&'static str>,
}

impl Person {
    pub(crate) fn new(subject: &str, role: Role, area: &str) -> Self {
        let areas = Some(vec![area.parse().expect("an area code")]);
        let principal =
            Principal { subject: subject.to_owned(), on_behalf: None, grants: vec![Grant::new(role, areas)] };
        Self { principal, purpose: None }
    }

    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.principal.grants.extend(other.principal.grants.iter().cloned());
        self
    }

    pub(crate) fn because(mut self, purpose: &'static str) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

/// Somebody who lives here and has an account.
pub(crate) fn neighbour(subject: &str) -> Person {
    Person::new(subject, Role::Volunteer, SUBDISTRICT)
}

pub(crate) fn clerk() -> Person {
    Person::new("u-clerk", Role::CallClerk, SUBDISTRICT)
}

pub(crate) fn worker() -> Person {
    Person::new("u-worker", Role::GridWorker, COMMUNITY)
}

pub(crate) fn manager() -> Person {
    Person::new("u-manager", Role::CommunityManager, COMMUNITY)
}

/// The reason in a refusal.
pub(crate) fn reason<T>(outcome: Result<T, Status>) -> String {
    match outcome {
        Ok(_) => "no refusal".to_owned(),
        Err(status) if status.code() == Code::Internal => format!("{status:?}"),
        Err(status) => {
            let info = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            format!("{:?} {info}", status.code())
        }
    }
}

/// A time of the contract.
pub(crate) fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 }
}
