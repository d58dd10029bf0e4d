//! A service on a database of its own, and the people who call it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use chassis::{
    access::{Gate, Grant, Principal, SigningKey, TokenSigner, TokenVerifier},
    data::{Clock, Db, Ids, Keyring, MasterKey, PoolSettings, Suite},
    events::{LocalLog, Outbox},
    run::{self, Context, Meter, Service},
};
use chrono::{DateTime, TimeDelta, Utc};
use linju_proto::{
    common::v1::{Cover, Role},
    residents::v1::{
        self, area_service_client::AreaServiceClient, call_list_service_client::CallListServiceClient,
        care_service_client::CareServiceClient, minor_access_service_client::MinorAccessServiceClient,
        my_data_service_client::MyDataServiceClient, resident_service_client::ResidentServiceClient,
    },
};
use linju_residents::{
    ResidentsService,
    app::{App, ImportOptions, SurveyOutcome},
    survey::{limits::Limits, source::SurveyFile},
};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tonic::{Request, Status, service::Routes};
use tower::Layer;
use uuid::Uuid;

pub(crate) const SUBDISTRICT: &str = "511903001";
pub(crate) const COMMUNITY: &str = "511903001008";
pub(crate) const GRID: &str = "511903001008002";
pub(crate) const OTHER_GRID: &str = "511903001009001";

pub(crate) type Guarded = <Gate as Layer<Routes>>::Service;

/// One service on one database; gone with the value.
pub(crate) struct Ground {
    pub(crate) app: App,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) door: ResidentServiceClient<Guarded>,
    pub(crate) areas: AreaServiceClient<Guarded>,
    pub(crate) care: CareServiceClient<Guarded>,
    pub(crate) calls: CallListServiceClient<Guarded>,
    pub(crate) mine: MyDataServiceClient<Guarded>,
    pub(crate) minors: MinorAccessServiceClient<Guarded>,
    signer: TokenSigner,
    folder: TempDir,
    _postgres: Option<test_servers::Database>,
}

/// 2026-11-23, 16:00 in China.
pub(crate) fn morning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).expect("a time")
}

pub(crate) fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

impl Ground {
    /// The same on SQLite and on Postgres.
    pub(crate) async fn both() -> Result<[Self; 2]> {
        Ok([Self::sqlite().await?, Self::postgres().await?])
    }

    pub(crate) async fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open_file(&folder.path().join("residents.db"), &PoolSettings::default()).await?;
        Self::on(db, folder, None).await
    }

    pub(crate) async fn postgres() -> Result<Self> {
        let database = tokio::task::spawn_blocking(|| test_servers::Postgres::shared()?.create_database()).await??;
        let pool = PoolSettings { max_connections: 8, acquire_ms: 30_000, ..PoolSettings::default() };
        let db = Db::open(database.url(), &pool).await?;
        Self::on(db, tempfile::tempdir()?, Some(database)).await
    }

    async fn on(db: Db, folder: TempDir, postgres: Option<test_servers::Database>) -> Result<Self> {
        run::migrate(&db, &ResidentsService).await?;
        let clock = Clock::fixed(morning());
        let master = Arc::new(MasterKey::new_to_file(&folder.path().join("master.key"))?);
        let keys = Keyring::load(&db, master, Suite::Aes256Gcm, &clock).await?;
        let context = Context {
            db: db.clone(),
            clock: clock.clone(),
            ids: Ids::seeded(clock.clone(), 1),
            keys,
            outbox: Outbox::default(),
            message_bytes: 1 << 20,
            settings: serde_json::json!({}),
        };
        let bus = LocalLog::open(&folder.path().join("events.db"), clock.clone()).await?;
        let app = App::new(context.clone());
        let key = SigningKey::new_to_file(&folder.path().join("token.key"))?;
        let verifier = TokenVerifier::new(key.public(), clock.clone());
        let gate = Gate::new(verifier, 1000, Meter::new().map_err(anyhow::Error::msg)?);
        let service = gate.layer(ResidentsService.build(context, bus)?.routes);
        app.import_areas(std::fs::File::open(data("areas_enyang.csv"))?).await?;
        Ok(Self {
            app,
            db,
            door: ResidentServiceClient::new(service.clone()),
            areas: AreaServiceClient::new(service.clone()),
            care: CareServiceClient::new(service.clone()),
            calls: CallListServiceClient::new(service.clone()),
            mine: MyDataServiceClient::new(service.clone()),
            minors: MinorAccessServiceClient::new(service),
            signer: TokenSigner::new(&key, clock.clone()),
            clock,
            folder,
            _postgres: postgres,
        })
    }

    /// What the service was built from.
    pub(crate) fn context(&self) -> Context {
        let App { db, clock, ids, keys, outbox, .. } = self.app.clone();
        Context { db, clock, ids, keys, outbox, message_bytes: 1 << 20, settings: serde_json::json!({}) }
    }

    /// Another running copy of the service, which has read the keys by itself.
    pub(crate) async fn other_copy(&self) -> Result<App> {
        let master = Arc::new(MasterKey::from_file(&self.folder.path().join("master.key"))?);
        let keys = Keyring::load(&self.db, master, Suite::Aes256Gcm, &self.clock).await?;
        Ok(App::new(Context { keys, ..self.context() }))
    }

    /// Changes rows behind the service's back.
    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        self.db.raw_writer().execute_raw(Statement::from_string(self.db.backend(), sql)).await?;
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

    /// Imports a file of the test data.
    pub(crate) async fn import(&self, name: &str, options: ImportOptions) -> Result<SurveyOutcome> {
        Ok(self.app.import_survey(SurveyFile::open(&data(name), Limits::default())?, options).await?)
    }

    /// Imports rows below the header of the test surveys.
    pub(crate) async fn import_rows(&self, rows: &[&str]) -> Result<SurveyOutcome> {
        let text = format!("{HEADER}\n{}\n", rows.join("\n"));
        let file = SurveyFile::from_bytes(text.into_bytes(), Limits::default())?;
        Ok(self.app.import_survey(file, ImportOptions::default()).await?)
    }

    /// A household in a grid.
    pub(crate) async fn household(&self, area: &str, number: &str) -> Result<v1::Household> {
        let known = self.app.get_area(area.parse()?).await;
        if known.is_err() {
            let parent = &area[..12];
            let table = format!("code,name,level,parent_code\n{area},{}网格,grid,{parent}\n", &area[12..]);
            self.app.import_areas(table.as_bytes()).await?;
        }
        let request = v1::CreateHouseholdRequest {
            dwelling: Some(v1::Dwelling {
                area_code: area.to_owned(),
                compound: "滨河小区".to_owned(),
                building: "3栋".to_owned(),
                unit: "2单元".to_owned(),
                room: format!("60{number}"),
                ..Default::default()
            }),
            number: number.to_owned(),
            request_id: any_id(),
        };
        Ok(self.door.clone().create_household(self.of(&manager(), request)?).await?.into_inner())
    }

    /// A person in a household.
    pub(crate) async fn resident(&self, household: &str, resident: v1::Resident) -> Result<v1::Resident, Status> {
        let request = create(household, resident);
        let request = self.of(&manager().because("register_upkeep"), request);
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.door.clone().create_resident(request).await?.into_inner())
    }

    /// The record in clear.
    pub(crate) async fn get(&self, id: &str) -> Result<v1::Resident> {
        let request = v1::GetResidentRequest { id: id.to_owned() };
        let request = self.of(&manager().because("register_upkeep"), request)?;
        Ok(self.door.clone().get_resident(request).await?.into_inner())
    }

    pub(crate) async fn search(&self, query: &str) -> Result<Vec<v1::Resident>> {
        let request = v1::SearchResidentsRequest {
            area_code: SUBDISTRICT.to_owned(),
            query: query.to_owned(),
            ..Default::default()
        };
        let request = self.of(&manager().because("register_upkeep"), request)?;
        Ok(self.door.clone().search_residents(request).await?.into_inner().residents)
    }

    /// What a statement answers, the first column as text.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.db.raw_writer().query_all_raw(Statement::from_string(self.db.backend(), sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0).context("a text")).collect()
    }

    pub(crate) async fn count(&self, table: &str) -> Result<i64> {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT count(*) FROM {table}"));
        let row = self.db.raw_writer().query_one_raw(statement).await?.context("a row")?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Kinds and bodies of the events in the outbox, in order.
    pub(crate) async fn told(&self) -> Result<Vec<String>> {
        self.rows("SELECT kind || ' ' || data FROM outbox ORDER BY position").await
    }

    /// All rows of the register, as text: what a dump of it holds.
    pub(crate) async fn dump(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for table in TABLES {
            let sql = match self.db.backend() {
                sea_orm::DbBackend::Postgres => format!("SELECT t::text FROM {table} t ORDER BY 1"),
                _ => self.sqlite_dump(table).await?,
            };
            all.extend(self.rows(&sql).await?.into_iter().map(|row| format!("{table} {row}")));
        }
        Ok(all)
    }

    async fn sqlite_dump(&self, table: &str) -> Result<String> {
        let columns = self.rows(&format!("SELECT name FROM pragma_table_info('{table}')")).await?;
        // Bytes as text and as hexadecimal digits, so that whatever lies in them is seen.
        let shown = columns.iter().map(|c| format!("quote({c})"));
        Ok(format!("SELECT {} FROM {table} ORDER BY 1", shown.collect::<Vec<_>>().join(" || ',' || ")))
    }
}

const TABLES: [&str; 15] = [
    "areas",
    "dwellings",
    "households",
    "residents",
    "memberships",
    "name_keys",
    "care_tags",
    "merges",
    "call_lists",
    "calls",
    "data_requests",
    "minor_access",
    "outbox",
    "requests",
    "audit",
];

pub(crate) const HEADER: &str = "社区,网格,小区,楼栋,单元,房号,户编号,与户主关系,姓名,性别,出生日期,身份证号,手机号,户籍类型,居住情况,关爱标签,摸底日期,网格员";

/// Different ids; nothing depends on their values.
pub(crate) fn any_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))).to_string()
}

pub(crate) fn create(household: &str, resident: v1::Resident) -> v1::CreateResidentRequest {
    v1::CreateResidentRequest {
        resident: Some(resident),
        household_id: household.to_owned(),
        request_id: any_id(),
        observed_on: String::new(),
    }
}

pub(crate) const NAME: &str = "张清秀";
/// A woman's, born on 1960-05-01.
pub(crate) const NATIONAL_ID: &str = "51190319600501912X";
pub(crate) const PHONE: &str = "13912341550";

/// Somebody with everything that is personal.
pub(crate) fn zhang() -> v1::Resident {
    v1::Resident {
        name: NAME.to_owned(),
        national_id: NATIONAL_ID.to_owned(),
        phone: PHONE.to_owned(),
        registration: v1::Registration::Registered.into(),
        living: v1::Living::Resident.into(),
        relation: v1::Relation::Head.into(),
        ..Default::default()
    }
}

/// Somebody of whom little is known.
pub(crate) fn somebody(name: &str, birth_date: &str) -> v1::Resident {
    v1::Resident {
        name: name.to_owned(),
        sex: v1::Sex::Female.into(),
        birth_date: birth_date.to_owned(),
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
        let grants = vec![Grant::new(role, areas)];
        let principal = Principal { subject: subject.to_owned(), on_behalf: None, grants };
        Self { principal, purpose: None }
    }

    /// Somebody whose own record this is.
    pub(crate) fn resident(subject: &str, record: &str, area: &str) -> Self {
        let mut person = Self::new(subject, Role::Resident, area);
        person.principal.grants[0].persons = vec![record.parse().expect("a UUID")];
        person
    }

    /// Somebody who acts for the person of the record.
    pub(crate) fn for_somebody(subject: &str, record: &str, covers: &[Cover]) -> Self {
        let mut person = Self::resident(subject, record, SUBDISTRICT);
        person.principal.grants[0].covers = Some(covers.to_vec());
        person.principal.on_behalf = Some(record.to_owned());
        person
    }

    pub(crate) fn because(mut self, purpose: &'static str) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

/// Community managers' role over the whole subdistrict, so that one person can try everything.
pub(crate) fn manager() -> Person {
    Person::new("u-manager", Role::CommunityManager, SUBDISTRICT)
}

pub(crate) fn grid_worker(area: &str) -> Person {
    Person::new("u-worker", Role::GridWorker, area)
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

/// The first field that a refusal names.
pub(crate) fn field<T>(outcome: Result<T, Status>) -> String {
    use tonic_types::StatusExt;
    let Err(status) = outcome else { return "no refusal".to_owned() };
    let fields = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    fields.into_iter().next().map(|violation| violation.field).unwrap_or_default()
}
