//! Nothing personal gets where it must not be: seeded values that occur nowhere else are sent through everything, then
//! looked for everywhere.

use anyhow::{Context as _, Result};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{
        AddNoteRequest, Building, Channel, GetIncidentRequest, Place, ReportIncidentRequest, Reporter,
        TriageIncidentRequest, Urgency, Visibility,
    },
    residents::v1::{
        CareTag, CareTagKind, CreateHouseholdRequest, CreateResidentRequest, DrawCareListRequest, Dwelling,
        EndResidenceRequest, GetResidentRequest, Resident, ResidentState, SearchResidentsRequest, SetCareTagRequest,
        UpdateResidentRequest,
    },
};
use test_servers::Nats;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::ground::{Caller, House, Install, Who, areas, holds, id, until};

const GRID: &str = "511903001008077";
const NAME: &str = "欧阳鸢尾";
const NEW_NAME: &str = "欧阳鸢翎";
const SURVEY_NAME: &str = "司徒藿香";
const REPORTER: &str = "上官菖蒲";
/// Written nowhere in clear but in the register's own tables of names.
const NAMES: [&str; 4] = [NAME, NEW_NAME, SURVEY_NAME, REPORTER];
/// Valid by GB 11643.
const NATIONAL_IDS: [&str; 3] = ["51190319470813933X", "51190319520419935X", "511903196603079413"];
const PHONES: [&str; 4] = ["19183476205", "19183476312", "19183476438", "19183476544"];
const TEXTS: [&str; 5] = ["丁香弄七号半", "紫藤单元", "室九〇七七", "地窖渗水的怪味", "钥匙藏在花盆下"];

/// What was refused, as callers read it.
#[derive(Default)]
struct Refusals(Vec<String>);

impl Refusals {
    fn note<T>(&mut self, what: &str, answer: Result<T, Status>) -> Result<()> {
        let status = answer.err().with_context(|| format!("{what} must be refused"))?;
        self.0.push(format!("{what}: {} {:?}", status.message(), status.get_error_details()));
        Ok(())
    }
}

/// Creates, changes and reads a person, and is refused in the ways that could repeat what was sent.
async fn register(house: &House, refusals: &mut Refusals) -> Result<()> {
    let who = Who::new("u-worker", Role::GridWorker, "511903001008");
    let worker = house.caller(&who).await?.because("register_upkeep");
    let dwelling = Dwelling {
        area_code: GRID.to_owned(),
        building: "8栋".to_owned(),
        compound: "竹园".to_owned(),
        unit: TEXTS[1].to_owned(),
        room: TEXTS[2].to_owned(),
        ..Dwelling::default()
    };
    let household = CreateHouseholdRequest { dwelling: Some(dwelling), number: String::new(), request_id: id() };
    let household = worker.residents().create_household(household).await?.into_inner();
    let person = Resident {
        name: NAME.to_owned(),
        national_id: NATIONAL_IDS[0].to_owned(),
        phone: PHONES[0].to_owned(),
        ..Resident::default()
    };
    let create = CreateResidentRequest {
        resident: Some(person),
        household_id: household.id,
        request_id: id(),
        observed_on: String::new(),
    };
    let created = worker.residents().create_resident(create.clone()).await?.into_inner();
    assert_eq!(created.national_id, NATIONAL_IDS[0], "in clear for a purpose, so that the looks are written");
    is_refused(&worker, &create, refusals).await?;
    changes(&worker, &created.id).await?;
    let end = EndResidenceRequest {
        id: created.id,
        state: ResidentState::Left.into(),
        ended_on: "1950-01-01".to_owned(),
        etag: "v1".to_owned(),
    };
    refusals.note("a stale change", worker.residents().end_residence(end).await)
}

/// What is wrong, is said of a value without the value.
async fn is_refused(worker: &Caller, create: &CreateResidentRequest, refusals: &mut Refusals) -> Result<()> {
    let with = |change: fn(&mut Resident)| {
        let mut request = CreateResidentRequest { request_id: id(), ..create.clone() };
        request.resident.iter_mut().for_each(change);
        request
    };
    for (what, request) in [
        ("the same person", with(|_| {})),
        ("a wrong ID number", with(|r| r.national_id = format!("{}1", &NATIONAL_IDS[0][..17]))),
        ("a wrong phone", with(|r| r.phone = format!("{}0", PHONES[0]))),
        ("a contradicted birth date", with(|r| r.birth_date = "1947-08-14".into())),
        ("a name with a control character", with(|r| r.name = format!("{NAME}\u{1}"))),
        ("a name that is too long", with(|r| r.name = NAME.repeat(16))),
    ] {
        refusals.note(what, worker.residents().create_resident(request).await)?;
    }
    Ok(())
}

async fn changes(worker: &Caller, id: &str) -> Result<()> {
    let tag = CareTag {
        kind: CareTagKind::Wheelchair.into(),
        source: "visit".to_owned(),
        observed_on: "2026-11-01".to_owned(),
        expires_on: String::new(),
    };
    worker.residents().set_care_tag(SetCareTagRequest { id: id.to_owned(), tag: Some(tag) }).await?;
    let changed =
        Resident { id: id.to_owned(), name: NEW_NAME.to_owned(), phone: PHONES[1].to_owned(), ..Resident::default() };
    let update = UpdateResidentRequest { resident: Some(changed), ..UpdateResidentRequest::default() };
    worker.residents().update_resident(update).await?;
    for query in [NEW_NAME, NATIONAL_IDS[0], PHONES[1]] {
        let area_code = "511903001008".to_owned();
        let search = SearchResidentsRequest { area_code, query: query.to_owned(), ..Default::default() };
        let found = worker.residents().search_residents(search).await?.into_inner().residents;
        assert_eq!(found.len(), 1, "{query}");
    }
    Ok(())
}

/// Two people by a file, one of them rejected for a number that is then in the report, masked.
fn import(install: &Install) -> Result<String> {
    let file = install.folder().join("survey.csv");
    let head = "社区,网格,小区,楼栋,单元,房号,户编号,与户主关系,姓名,性别,出生日期,身份证号,手机号,户籍类型,居住情况,关爱标签,摸底日期,网格员";
    let row = |name: &str, number: &str, phone: &str| {
        format!(
            "白玉社区,{GRID},竹园,8栋,{},{},H910001,户主,{name},男,,{number},{phone},户籍,常住,轮椅,2026-10-18,网格员",
            TEXTS[1], TEXTS[2]
        )
    };
    let good = row(SURVEY_NAME, NATIONAL_IDS[1], PHONES[2]);
    let bad = row(NAME, &format!("{}2", &NATIONAL_IDS[2][..17]), PHONES[3]);
    let short = row(NAME, NATIONAL_IDS[2], &PHONES[3][..9]);
    std::fs::write(&file, [head, &good, &bad, &short].join("\n"))?;
    let (code, answer) = install.import("survey", &file, &[])?;
    assert_eq!((code, &answer["created"], &answer["rejected"]), (Some(3), &1.into(), &2.into()), "{answer}");
    let report = std::fs::read_to_string(answer["report"].as_str().context("a report")?)?;
    assert_eq!(report.lines().count(), 3, "{report}");
    Ok(report)
}

/// A report with everything personal in it, through the round between the services.
async fn incident(house: &House, refusals: &mut Refusals) -> Result<()> {
    let clerk = house.caller(&Who::new("u-clerk", Role::CallClerk, "511903001")).await?;
    let dispatcher = house.caller(&Who::new("u-dispatcher", Role::Dispatcher, "511903001")).await?;
    let place = Place { area_code: "511903001008".to_owned(), address: TEXTS[0].to_owned(), ..Place::default() };
    let report = ReportIncidentRequest {
        channel: Channel::Phone.into(),
        place: Some(place),
        description: TEXTS[3].to_owned(),
        reporter: Some(Reporter { name: REPORTER.to_owned(), phone: PHONES[3].to_owned() }),
        request_id: id(),
        ..Default::default()
    };
    let reported = clerk.incidents().report_incident(report.clone()).await?.into_inner();
    let other = ReportIncidentRequest { description: TEXTS[4].to_owned(), ..report.clone() };
    refusals.note("another report under the same id", clerk.incidents().report_incident(other).await)?;
    let wrong = ReportIncidentRequest { category: TEXTS[4].to_owned(), request_id: id(), ..report };
    // The caller's own words about a code come back; they are not personal, but must not get into a log.
    clerk.incidents().report_incident(wrong).await.err().context("no such category")?;
    let note =
        AddNoteRequest { id: reported.id.clone(), text: TEXTS[4].to_owned(), visibility: Visibility::Internal.into() };
    clerk.incidents().add_note(note).await?;
    let endangers =
        Building { area_code: "511903001008".to_owned(), compound: "竹园".to_owned(), building: "8栋".to_owned() };
    let triage = TriageIncidentRequest {
        id: reported.id.clone(),
        category: "building.structure".to_owned(),
        urgency: Urgency::Urgent.into(),
        endangers: Some(endangers),
        ..Default::default()
    };
    dispatcher.incidents().triage_incident(triage).await?;
    let seen = dispatcher.because("case_handling");
    let get = GetIncidentRequest { id: reported.id };
    let incident = until("residents answers", async || {
        let incident = seen.incidents().get_incident(get.clone()).await?.into_inner();
        Ok(incident.need_help.is_some().then_some(incident))
    });
    let incident = incident.await?;
    assert_eq!((incident.need_help, incident.description.as_str()), (Some(2), TEXTS[3]));
    let draw = DrawCareListRequest {
        area_code: "511903001008".to_owned(),
        compound: "竹园".to_owned(),
        building: "8栋".to_owned(),
    };
    let list = dispatcher.because("emergency_help").care().draw_care_list(draw).await?.into_inner();
    assert_eq!(list.entries.len(), 2);
    Ok(())
}

/// Somebody without a purpose sees none of it, whatever the method.
async fn masked(house: &House) -> Result<()> {
    let manager = house.caller(&Who::new("u-manager", Role::CommunityManager, "511903001")).await?;
    let search = SearchResidentsRequest {
        area_code: "511903001008".to_owned(),
        query: NATIONAL_IDS[0].to_owned(),
        ..Default::default()
    };
    let found = manager.residents().search_residents(search).await?.into_inner();
    let get = GetResidentRequest { id: found.residents.first().context("found")?.id.clone() };
    let shown = format!("{found:?} {:?}", manager.residents().get_resident(get).await?.into_inner());
    assert_eq!(everything().find(|canary| shown.contains(canary)), None, "{shown}");
    Ok(())
}

fn sealed() -> impl Iterator<Item = &'static str> {
    NATIONAL_IDS.into_iter().chain(PHONES).chain(TEXTS)
}

fn everything() -> impl Iterator<Item = &'static str> {
    sealed().chain(NAMES)
}

/// Whether bytes hold a text, as it is or as a dump shows bytes.
fn holds_text(bytes: &[u8], text: &str) -> bool {
    let digits = text.bytes().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
    [text, &digits].iter().any(|wanted| bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes()))
}

async fn nowhere(install: Install) -> Result<()> {
    let install = install.with("telemetry.filter", "debug,h2=info,hyper_util=info");
    let (code, answer) = install.import("areas", &areas(), &[])?;
    assert_eq!(code, Some(0), "{answer}");
    let report = import(&install)?;
    let house = House::open(install).await?;
    let mut refusals = Refusals::default();
    Box::pin(register(&house, &mut refusals)).await?;
    Box::pin(incident(&house, &mut refusals)).await?;
    masked(&house).await?;
    holds("every event is published", async || house.install.is_drained().await).await?;
    let events = house.install.events().await?;
    let audits = house.install.count("residents", "audit").await?;
    assert!(events.len() >= 7 && audits >= 6, "{} events, {audits} looks", events.len());
    let mut places = vec![
        ("the report of the import".to_owned(), report.into_bytes()),
        ("the events".to_owned(), format!("{events:?}").into_bytes()),
        ("the refusals".to_owned(), refusals.0.join("\n").into_bytes()),
        ("the database of incidents".to_owned(), house.install.contents("incidents").await?),
    ];
    for service in ["residents", "incidents"] {
        let concat =
            "SELECT who || purpose || method || subject || fields || request || coalesce(on_behalf, '') FROM audit";
        let rows = house.install.texts(service, concat).await?.join("\n");
        places.push((format!("the audit log of {service}"), rows.into_bytes()));
    }
    let register = house.install.contents("residents").await?;
    let install = house.close().await?;
    let logs = install.logs()?;
    assert!(logs.contains("DEBUG"), "the log is verbose");
    places.push(("the logs".to_owned(), logs.into_bytes()));
    for (place, bytes) in &places {
        let found: Vec<_> = everything().filter(|canary| holds_text(bytes, canary)).collect();
        assert!(found.is_empty(), "{place} hold {found:?}");
    }
    let found: Vec<_> = sealed().filter(|canary| holds_text(&register, canary)).collect();
    assert!(found.is_empty(), "the database of residents holds {found:?}");
    assert!(holds_text(&register, NEW_NAME), "names lie there, so the search is one that finds");
    if install.is_embedded() {
        let log = std::fs::read(install.data().join("events.db"))?;
        assert_eq!(everything().find(|canary| holds_text(&log, canary)), None);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_leaks_on_sqlite() -> Result<()> {
    Box::pin(nowhere(Install::embedded()?)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_leaks_on_postgres() -> Result<()> {
    let nats = Nats::start()?;
    Box::pin(nowhere(Install::shared_stack(&nats)?)).await
}
