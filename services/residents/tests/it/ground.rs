//! The service on a database of its own with the areas of the test data, and the people who call it.

use std::{ops::Deref, path::PathBuf, sync::Arc};

use anyhow::Result;
use chassis::{
    data::{Keyring, MasterKey, Suite},
    run::Context,
};
use linju_proto::{
    common::v1::Role,
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
use test_ground::Base;
pub(crate) use test_ground::{COMMUNITY, GRID, Gated as Guarded, Person, SUBDISTRICT, field, morning, reason};
use tonic::Status;

pub(crate) const OTHER_GRID: &str = "511903001009001";

/// One service on one database; gone with the value.
pub(crate) struct Ground {
    base: Base,
    pub(crate) app: App,
    pub(crate) door: ResidentServiceClient<Guarded>,
    pub(crate) areas: AreaServiceClient<Guarded>,
    pub(crate) care: CareServiceClient<Guarded>,
    pub(crate) calls: CallListServiceClient<Guarded>,
    pub(crate) mine: MyDataServiceClient<Guarded>,
    pub(crate) minors: MinorAccessServiceClient<Guarded>,
}

impl Deref for Ground {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
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
        Self::on(Base::sqlite(&ResidentsService).await?).await
    }

    pub(crate) async fn postgres() -> Result<Self> {
        Self::on(Base::postgres(&ResidentsService).await?).await
    }

    async fn on(base: Base) -> Result<Self> {
        let app = App::new(base.context.clone());
        app.import_areas(std::fs::File::open(data("areas_enyang.csv"))?).await?;
        let service = || base.gated.clone();
        Ok(Self {
            door: ResidentServiceClient::new(service()),
            areas: AreaServiceClient::new(service()),
            care: CareServiceClient::new(service()),
            calls: CallListServiceClient::new(service()),
            mine: MyDataServiceClient::new(service()),
            minors: MinorAccessServiceClient::new(service()),
            app,
            base,
        })
    }

    /// What the service was built from.
    pub(crate) fn context(&self) -> Context {
        self.base.context.clone()
    }

    /// Another running copy of the service, which has read the keys by itself.
    pub(crate) async fn other_copy(&self) -> Result<App> {
        let master = Arc::new(MasterKey::from_file(&self.folder.path().join("master.key"))?);
        let keys = Keyring::load(&self.db, master, Suite::Aes256Gcm, &self.clock).await?;
        Ok(App::new(Context { keys, ..self.context() }))
    }

    /// Changes rows behind the service's back.
    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        self.run(sql).await?;
        Ok(())
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
    test_ground::any_id().to_string()
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

/// Community managers' role over the whole subdistrict, so that one person can try everything.
pub(crate) fn manager() -> Person {
    Person::new("u-manager", Role::CommunityManager, SUBDISTRICT)
}

pub(crate) fn grid_worker(area: &str) -> Person {
    Person::new("u-worker", Role::GridWorker, area)
}
