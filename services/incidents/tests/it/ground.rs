//! A service on a database of its own, and the people who call it.

use anyhow::{Context as _, Result};
use chassis::{
    access::{Gate, Grant, Principal, SigningKey, TokenSigner, TokenVerifier},
    data::{Clock, Db, Ids, Keyring, MasterKey, PoolSettings, Suite},
    events::{LocalLog, Outbox, Timer, TimerHandlers, TimerRunner, TimerSettings, timers},
    run::{self, Context, Meter, Parts, Service, Tasks},
};
use chrono::{DateTime, TimeDelta, Utc};
use linju_incidents::{App, IncidentsService};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        self, calendar_service_client::CalendarServiceClient, category_service_client::CategoryServiceClient,
        incident_service_client::IncidentServiceClient, promise_service_client::PromiseServiceClient,
    },
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tonic::{Request, Status, service::Routes};
use tower::Layer;
use uuid::Uuid;

pub(crate) const SUBDISTRICT: &str = "511903001";
pub(crate) const COMMUNITY: &str = "511903001008";
pub(crate) const GRID: &str = "511903001008002";

/// Endangers no building.
pub(crate) const NOWHERE: Option<v1::Building> = None;

/// All that the service answers, behind the gate.
pub(crate) type Gated = <Gate as Layer<Routes>>::Service;
pub(crate) type Door = IncidentServiceClient<Gated>;

/// One service on one database; gone with the value.
pub(crate) struct Ground {
    pub(crate) app: App,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) keys: Keyring,
    pub(crate) door: Door,
    pub(crate) gated: Gated,
    timers: TimerHandlers,
    signer: TokenSigner,
    pub(crate) folder: TempDir,
    _database: Option<test_servers::Database>,
}

/// 2026-11-23, 16:00 in China.
pub(crate) fn morning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).expect("a time")
}

impl Ground {
    /// The same on SQLite and on Postgres.
    pub(crate) async fn both() -> Result<[Self; 2]> {
        Ok([Self::sqlite().await?, Self::postgres().await?])
    }

    pub(crate) async fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("incidents.db"), &PoolSettings::default()).await?;
        Self::on(db, folder, None).await
    }

    pub(crate) async fn postgres() -> Result<Self> {
        let database = tokio::task::spawn_blocking(|| test_servers::Postgres::shared()?.create_database()).await??;
        let pool = PoolSettings { max_connections: 8, acquire_ms: 30_000, ..PoolSettings::default() };
        let db = Db::open(database.url(), &pool).await?;
        Self::on(db, tempfile::tempdir()?, Some(database)).await
    }

    async fn on(db: Db, folder: TempDir, database: Option<test_servers::Database>) -> Result<Self> {
        let service = IncidentsService;
        run::migrate(&db, &service).await?;
        let clock = Clock::fixed(morning());
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
        let app = App::new(context.clone());
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let verifier = TokenVerifier::new(key.public(), clock.clone());
        let gate = Gate::new(verifier, 1000, Meter::new().map_err(anyhow::Error::msg)?);
        let Parts { routes, timers, .. } = service.build(context, bus)?;
        let gated = gate.layer(routes);
        let door = IncidentServiceClient::new(gated.clone());
        let signer = TokenSigner::new(&key, clock.clone());
        Ok(Self { app, db, clock, keys, door, gated, timers, signer, folder, _database: database })
    }

    pub(crate) fn categories(&self) -> CategoryServiceClient<Gated> {
        CategoryServiceClient::new(self.gated.clone())
    }

    pub(crate) fn calendars(&self) -> CalendarServiceClient<Gated> {
        CalendarServiceClient::new(self.gated.clone())
    }

    pub(crate) fn promises(&self) -> PromiseServiceClient<Gated> {
        PromiseServiceClient::new(self.gated.clone())
    }

    /// Runs two copies of the timers until nothing is due any more.
    pub(crate) async fn fire_timers(&self) -> Result<()> {
        let tasks = Tasks::default();
        for copy in 0..2 {
            let runner = TimerRunner {
                db: self.db.clone(),
                clock: self.clock.clone(),
                tasks: tasks.clone(),
                handlers: self.timers.clone(),
                settings: TimerSettings { poll_ms: 5, rest_ms: 1, retry_s: 0, ..TimerSettings::default() },
            };
            tasks.spawn(runner.run(Ids::seeded(self.clock.clone(), copy)));
        }
        let done = async {
            while timers::overdue(self.db.read(), &self.clock).await? > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::time::timeout(Duration::from_mins(1), done).await.context("the timers do not come to an end")??;
        tasks.stop();
        anyhow::ensure!(tasks.wait(Duration::from_secs(10)).await, "a task does not stop");
        Ok(())
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

    /// Fires every timer that is due now, the soonest first; how many.
    pub(crate) async fn fire_due(&self) -> Result<usize> {
        let due = "SELECT kind || ' ' || key FROM timers WHERE due_at <= ";
        let now = match self.db.backend() {
            DbBackend::Postgres => format!("'{}'", self.clock.now().to_rfc3339()),
            _ => format!("'{}'", self.clock.now().format("%Y-%m-%dT%H:%M:%S%.6f+00:00")),
        };
        let rows = self.rows(&format!("{due}{now} ORDER BY due_at, id")).await?;
        for row in &rows {
            let (kind, key) = row.split_once(' ').context("a kind and a key")?;
            let handler = self.timers.get(kind).with_context(|| format!("no handler for {kind}"))?.clone();
            let timer =
                Timer { kind: kind.to_owned(), key: key.to_owned(), due_at: self.clock.now(), payload: String::new() };
            self.db
                .write(move |tx| {
                    let (handler, timer) = (handler.clone(), timer.clone());
                    Box::pin(async move {
                        chassis::events::timers::cancel(tx, &timer.kind, &timer.key).await?;
                        handler.fire(tx, &timer).await.map_err(|e| sea_orm::DbErr::Custom(e.to_string()))
                    })
                })
                .await?;
        }
        Ok(rows.len())
    }

    /// Reports a broken lamp.
    pub(crate) async fn report(&self, who: &Person) -> Result<v1::Incident> {
        Ok(self.door.clone().report_incident(self.of(who, lamp(Uuid::from_u128(rand())))?).await?.into_inner())
    }

    pub(crate) async fn get(&self, who: &Person, id: &str) -> Result<v1::Incident> {
        let request = self.of(who, v1::GetIncidentRequest { id: id.to_owned() })?;
        Ok(self.door.clone().get_incident(request).await?.into_inner())
    }

    /// What somebody is shown of the whole subdistrict.
    pub(crate) async fn list(&self, who: &Person) -> Result<Vec<v1::Incident>> {
        let request = v1::ListIncidentsRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        Ok(self.door.clone().list_incidents(self.of(who, request)?).await?.into_inner().incidents)
    }

    pub(crate) async fn timeline(&self, who: &Person, id: &str) -> Result<Vec<v1::TimelineEntry>> {
        let request = self.of(who, v1::ListTimelineRequest { id: id.to_owned() })?;
        Ok(self.door.clone().list_timeline(request).await?.into_inner().entries)
    }

    /// What a statement answers, as text, a row a line, columns by `|`.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.db.raw_writer().query_all_raw(Statement::from_string(self.db.backend(), sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0).context("a text")).collect()
    }

    pub(crate) async fn count(&self, table: &str) -> Result<i64> {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT count(*) FROM {table}"));
        let row = self.db.raw_writer().query_one_raw(statement).await?.context("a row")?;
        Ok(row.try_get_by_index(0)?)
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<u64, sea_orm::DbErr> {
        Ok(self.db.raw_writer().execute_unprepared(sql).await?.rows_affected())
    }

    /// Kinds and bodies of the events that wait in the outbox, in order.
    pub(crate) async fn told(&self) -> Result<Vec<String>> {
        self.rows("SELECT kind || ' ' || data FROM outbox ORDER BY position").await
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.db.backend() == DbBackend::Postgres
    }
}

/// Different request ids; nothing depends on their values.
pub(crate) fn rand() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) const WORDS: &str = "3单元楼道的灯坏了，王阿姨昨晚摔倒了";

/// A report of one's own through the app.
pub(crate) fn lamp(request_id: Uuid) -> v1::ReportIncidentRequest {
    v1::ReportIncidentRequest {
        channel: v1::Channel::App.into(),
        place: Some(v1::Place {
            area_code: GRID.to_owned(),
            address: "白玉小区3栋2单元".to_owned(),
            latitude: Some(31.86),
            longitude: Some(106.75),
        }),
        description: WORDS.to_owned(),
        request_id: request_id.to_string(),
        ..Default::default()
    }
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

    pub(crate) fn of_unit(mut self, unit: &str) -> Self {
        self.principal.grants[0].unit = Some(unit.to_owned());
        self
    }

    /// The same grants in the hands of somebody else.
    pub(crate) fn named(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.principal.subject);
        self
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

pub(crate) fn resident() -> Person {
    Person::new("u-resident", Role::Resident, SUBDISTRICT)
}

pub(crate) fn clerk() -> Person {
    Person::new("u-clerk", Role::CallClerk, SUBDISTRICT)
}

pub(crate) fn dispatcher() -> Person {
    Person::new("u-dispatcher", Role::Dispatcher, SUBDISTRICT)
}

pub(crate) fn manager() -> Person {
    Person::new("u-manager", Role::SubdistrictManager, SUBDISTRICT)
}

pub(crate) fn handler() -> Person {
    Person::new("u-handler", Role::Handler, SUBDISTRICT).of_unit("lights")
}

/// The reason in a refusal.
pub(crate) fn reason<T>(outcome: Result<T, Status>) -> String {
    use tonic_types::StatusExt;
    match outcome {
        Ok(_) => "no refusal".to_owned(),
        Err(status) => {
            let info = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            format!("{:?} {info}", status.code())
        }
    }
}

/// The way of an incident, step by step, by the usual people.
pub(crate) struct Steps<'g> {
    pub(crate) ground: &'g Ground,
    pub(crate) id: String,
}

impl Ground {
    pub(crate) fn steps(&self, incident: &v1::Incident) -> Steps<'_> {
        Steps { ground: self, id: incident.id.clone() }
    }
}

fn made<T: Default>(fill: impl FnOnce(&mut T)) -> T {
    let mut message = T::default();
    fill(&mut message);
    message
}

macro_rules! steps {
    ($($step:ident: $method:ident($request:ident { $($field:ident),* }),)+) => {
        impl Steps<'_> {
            $(
                pub(crate) async fn $step(
                    &self, who: &Person, $($field: impl Into<fields::$field>),*
                ) -> Result<v1::Incident, Status> {
                    let message = made(|request: &mut v1::$request| {
                        request.id.clone_from(&self.id);
                        $(request.$field = $field.into();)*
                    });
                    let request = self.ground.of(who, message).map_err(|e| Status::internal(e.to_string()))?;
                    Ok(self.ground.door.clone().$method(request).await?.into_inner())
                }
            )+
        }
    };
}

/// The types of the requests' fields, under the fields' names.
#[expect(non_camel_case_types, reason = "they carry the names of fields")]
mod fields {
    pub(crate) type category = String;
    pub(crate) type urgency = i32;
    pub(crate) type endangers = Option<super::v1::Building>;
    pub(crate) type unit = String;
    pub(crate) type etag = String;
    pub(crate) type reason = String;
    pub(crate) type text = String;
    pub(crate) type visibility = i32;
    pub(crate) type question = String;
    pub(crate) type answer = String;
    pub(crate) type solution = String;
    pub(crate) type satisfaction = i32;
    pub(crate) type duplicate_of = String;
    pub(crate) type next_look_on = String;
}

steps! {
    triage: triage_incident(TriageIncidentRequest { category, urgency, endangers }),
    dispatch: dispatch_incident(DispatchIncidentRequest { unit }),
    accept: accept_incident(AcceptIncidentRequest {}),
    accept_read: accept_incident(AcceptIncidentRequest { etag }),
    give_back: return_incident(ReturnIncidentRequest { reason }),
    note: add_note(AddNoteRequest { text, visibility }),
    start: start_work(StartWorkRequest {}),
    ask: ask_reporter(AskReporterRequest { question }),
    answer: answer_question(AnswerQuestionRequest { answer }),
    propose: propose_solution(ProposeSolutionRequest { solution }),
    confirm: confirm_solution(ConfirmSolutionRequest { satisfaction }),
    reopen: reopen_incident(ReopenIncidentRequest { reason }),
    withdraw: withdraw_incident(WithdrawIncidentRequest { reason }),
    join: join_duplicate(JoinDuplicateRequest { duplicate_of }),
    give_up: declare_unsolvable(DeclareUnsolvableRequest { reason, next_look_on }),
}

impl Steps<'_> {
    /// As far as the unit's door.
    pub(crate) async fn to_dispatched(&self) -> Result<v1::Incident, Status> {
        self.triage(&dispatcher(), "roads.street_light", v1::Urgency::Routine, NOWHERE).await?;
        self.dispatch(&dispatcher(), "lights").await
    }

    /// As far as the proposed solution.
    pub(crate) async fn to_proposed(&self) -> Result<v1::Incident, Status> {
        self.to_dispatched().await?;
        self.accept(&handler()).await?;
        self.start(&handler()).await?;
        self.propose(&handler(), "换了灯泡").await
    }
}
