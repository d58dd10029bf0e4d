//! What residents see of what is kept of them, who looked at it, and what they can do about it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use chassis::{
    events::{TimerRunner, TimerSettings},
    run::{Service as _, Tasks},
};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::{Cover, Purpose},
    residents::v1,
};
use linju_residents::ResidentsService;

use crate::ground::{
    GRID, Ground, NAME, NATIONAL_ID, OTHER_GRID, PHONE, Person, SUBDISTRICT, any_id, field, grid_worker, manager,
    reason, somebody, zhang,
};

/// Somebody's record, and the account whose own it is.
async fn zhang_of(ground: &Ground) -> Result<(v1::Resident, Person)> {
    let home = ground.household(GRID, "1").await?;
    let record = ground.resident(&home.id, zhang()).await?;
    let person = Person::resident("u-zhang", &record.id, SUBDISTRICT);
    Ok((record, person))
}

fn record_of(id: &str) -> v1::GetMyRecordRequest {
    v1::GetMyRecordRequest { resident_id: id.to_owned() }
}

fn wrong_phone() -> v1::RequestCorrectionRequest {
    v1::RequestCorrectionRequest {
        field: "phone".to_owned(),
        value: "13912340000".to_owned(),
        reason: "我换了号码".to_owned(),
        request_id: any_id(),
        ..Default::default()
    }
}

#[tokio::test]
async fn one_sees_ones_own_record_and_no_other() -> Result<()> {
    for ground in Ground::both().await? {
        let (record, zhang) = zhang_of(&ground).await?;
        let home = ground.household(OTHER_GRID, "2").await?;
        let other = ground.resident(&home.id, somebody("李秀英", "1990-02-03")).await?;
        let mut mine = ground.mine.clone();
        let masked = mine.get_my_record(ground.of(&zhang, record_of(""))?).await?.into_inner();
        assert_eq!(masked.resident.as_ref().map(|r| r.name.as_str()), Some("张*"), "without the purpose it is masked");
        assert!(masked.facts.iter().all(|fact| fact.value.is_empty()) && masked.summary.is_empty());

        let zhang = zhang.because("own_matter");
        let open = mine.get_my_record(ground.of(&zhang, record_of(""))?).await?.into_inner();
        let resident = open.resident.context("a record")?;
        assert_eq!((resident.name.as_str(), resident.national_id.as_str()), (NAME, NATIONAL_ID));
        let phone = open.facts.iter().find(|fact| fact.field == "phone").context("a phone")?;
        assert_eq!((phone.label.as_str(), phone.value.as_str(), phone.source.as_str()), ("手机号", PHONE, "desk"));
        assert_eq!(phone.observed_on, "2026-11-23");
        let dwelling = open.facts.iter().find(|fact| fact.field == "dwelling").context("a dwelling")?;
        assert_eq!(dwelling.value, "滨河小区3栋2单元601");
        assert!(open.summary.starts_with("我们登记了您的姓名、性别"), "{}", open.summary);

        let outcome = mine.get_my_record(ground.of(&zhang, record_of(&other.id))?).await;
        assert_eq!(reason(outcome), "NotFound NOT_FOUND");
        let nobody = Person::new("u-nobody", chassis::access::Role::Resident, SUBDISTRICT).because("own_matter");
        let outcome = mine.get_my_record(ground.of(&nobody, record_of(""))?).await;
        assert_eq!(reason(outcome), "FailedPrecondition NO_RECORD_OF_YOUR_OWN");
        let elsewhere = Person::resident("u-zhang", &record.id, OTHER_GRID).because("own_matter");
        let outcome = mine.get_my_record(ground.of(&elsewhere, record_of(""))?).await;
        assert_eq!(reason(outcome), "NotFound NOT_FOUND", "the grant does not hold where the person lives");
        let outcome = mine.get_my_record(ground.of(&manager(), record_of(&record.id))?).await;
        assert_eq!(reason(outcome), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

#[tokio::test]
async fn one_learns_who_looked_and_why_but_not_the_account() -> Result<()> {
    for ground in Ground::both().await? {
        let (record, zhang) = zhang_of(&ground).await?;
        let get = || v1::GetResidentRequest { id: record.id.clone() };
        let mut door = ground.door.clone();
        ground.clock.advance(TimeDelta::minutes(1));
        door.get_resident(ground.of(&grid_worker(GRID).because("home_visit"), get())?).await?;
        door.get_resident(ground.of(&grid_worker(GRID), get())?).await?;
        ground.clock.advance(TimeDelta::minutes(1));
        ground.mine.clone().get_my_record(ground.of(&zhang.clone().because("own_matter"), record_of(""))?).await?;

        let list = |size, token: &str| v1::ListMyLooksRequest {
            page_size: size,
            page_token: token.to_owned(),
            ..Default::default()
        };
        let mut mine = ground.mine.clone();
        let all = mine.list_my_looks(ground.of(&zhang, list(0, ""))?).await?.into_inner().looks;
        assert_eq!(all.len(), 3, "the making of the record, the visit, the own look; the masked one is none");
        assert!(all[0].by_oneself && all[0].summary.contains("您本人"), "{}", all[0].summary);
        let visit = &all[1];
        assert_eq!((visit.purpose(), visit.roles.as_slice()), (Purpose::HomeVisit, &["网格员".to_owned()][..]));
        assert_eq!(visit.fields, ["name", "birth_date", "national_id", "phone", "care_tags"]);
        assert!(visit.summary.contains("网格员") && visit.summary.contains("上门走访和照护"), "{}", visit.summary);
        assert_eq!(visit.staff_code, chassis::access::staff_code("u-worker"));
        assert!(all.iter().all(|look| !format!("{look:?}").contains("u-worker")), "no look names an account");

        let first = mine.list_my_looks(ground.of(&zhang, list(2, ""))?).await?.into_inner();
        let rest = mine.list_my_looks(ground.of(&zhang, list(2, &first.next_page_token))?).await?.into_inner();
        assert_eq!([first.looks, rest.looks].concat(), all);
        let stranger = Person::resident("u-li", &any_id(), SUBDISTRICT);
        assert_eq!(reason(mine.list_my_looks(ground.of(&stranger, list(0, ""))?).await), "NotFound NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn a_mandate_opens_what_it_covers() -> Result<()> {
    for ground in Ground::both().await? {
        let (record, _) = zhang_of(&ground).await?;
        let mut mine = ground.mine.clone();
        let looking = Person::for_somebody("u-daughter", &record.id, &[Cover::See]);
        let daughter = looking.clone().because("own_matter");
        let seen = mine.get_my_record(ground.of(&daughter, record_of(""))?).await?.into_inner();
        assert_eq!(seen.resident.map(|r| r.phone), Some(PHONE.to_owned()));
        assert_eq!(
            ground.rows("SELECT on_behalf FROM audit WHERE who = 'u-daughter'").await?,
            std::slice::from_ref(&record.id)
        );
        let outcome = mine.request_correction(ground.of(&daughter, wrong_phone())?).await;
        assert_eq!(reason(outcome), "PermissionDenied ROLE_NOT_ALLOWED", "it does not cover corrections");
        let looks = mine.list_my_looks(ground.of(&looking, v1::ListMyLooksRequest::default())?).await?.into_inner();
        assert!(looks.looks[0].by_mandate && looks.looks[0].summary.contains("受您委托"));
        let neighbour = Person::for_somebody("u-neighbour", &record.id, &[Cover::Correct]).because("own_matter");
        let outcome = mine.get_my_record(ground.of(&neighbour, record_of(""))?).await;
        assert_eq!(reason(outcome), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

#[tokio::test]
async fn one_takes_away_all_that_is_kept() -> Result<()> {
    for ground in Ground::both().await? {
        let (record, zhang) = zhang_of(&ground).await?;
        let tag = v1::CareTag {
            kind: v1::CareTagKind::Wheelchair.into(),
            source: "visit".to_owned(),
            observed_on: "2026-11-01".to_owned(),
            ..Default::default()
        };
        let tag = v1::SetCareTagRequest { id: record.id.clone(), tag: Some(tag) };
        ground.door.clone().set_care_tag(ground.of(&manager(), tag)?).await?;
        let mut mine = ground.mine.clone();
        let request = || v1::ExportMyDataRequest::default();
        let outcome = mine.export_my_data(ground.of(&zhang, request())?).await;
        assert_eq!(reason(outcome), "PermissionDenied PURPOSE_NEEDED");
        let files = mine.export_my_data(ground.of(&zhang.because("own_matter"), request())?).await?.into_inner();
        let json: serde_json::Value = serde_json::from_str(&files.json)?;
        let values: Vec<&str> =
            json["facts"].as_array().context("facts")?.iter().filter_map(|f| f["value"].as_str()).collect();
        for kept in [NAME, NATIONAL_ID, PHONE, "1960-05-01", "轮椅"] {
            assert!(values.contains(&kept), "{kept}: {values:?}");
        }
        assert_eq!(json["homes"][0]["dwelling"]["room"], "601");
        assert_eq!(json["care_tags"][0]["kind"], "wheelchair");
        assert!(json["looks"].as_array().is_some_and(|looks| !looks.is_empty()));
        assert!(files.json.contains("observed_on") && !files.json.contains("u-manager"));
        let table = files.csv.strip_prefix('\u{feff}').context("a byte order mark")?;
        let mut rows = csv::Reader::from_reader(table.as_bytes());
        let phones: Vec<_> = rows.records().filter_map(Result::ok).filter(|row| &row[1] == "phone").collect();
        assert_eq!(phones.len(), 1);
        assert_eq!((&phones[0][3], &phones[0][4], &phones[0][5]), (PHONE, "窗口登记", "2026-11-23"));
        assert_eq!(ground.count("audit WHERE fields = 'export'").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_correction_is_asked_for_and_taken_over() -> Result<()> {
    for ground in Ground::both().await? {
        let (record, zhang) = zhang_of(&ground).await?;
        let zhang = zhang.because("own_matter");
        let mut mine = ground.mine.clone();
        let bad = v1::RequestCorrectionRequest { value: "139".to_owned(), ..wrong_phone() };
        assert_eq!(field(mine.request_correction(ground.of(&zhang, bad)?).await), "value");
        let request = wrong_phone();
        let asked = mine.request_correction(ground.of(&zhang, request.clone())?).await?.into_inner();
        let again = mine.request_correction(ground.of(&zhang, request)?).await?.into_inner();
        assert_eq!(asked.id, again.id, "the same request again makes nothing new");
        assert_eq!((asked.state(), asked.overdue), (v1::RequestState::Open, false));
        assert_eq!(
            asked.due_at.context("a time")?.seconds - asked.requested_at.context("a time")?.seconds,
            30 * 86_400
        );
        assert_eq!(ground.get(&record.id).await?.phone, PHONE, "nothing has changed yet");

        let list = || v1::ListCorrectionsRequest::default();
        let masked = mine.list_corrections(ground.of(&grid_worker(GRID), list())?).await?.into_inner().corrections;
        assert_eq!((masked.len(), masked[0].value.as_str()), (1, ""));
        let elsewhere = mine.list_corrections(ground.of(&grid_worker(OTHER_GRID), list())?).await?.into_inner();
        assert!(elsewhere.corrections.is_empty());
        let own = mine.list_corrections(ground.of(&zhang, list())?).await?.into_inner().corrections;
        assert_eq!(own[0].value, "13912340000");

        let accept = || v1::AcceptCorrectionRequest { id: asked.id.clone(), answer: "已更正".to_owned() };
        let outcome = mine.accept_correction(ground.of(&grid_worker(OTHER_GRID), accept())?).await;
        assert_eq!(reason(outcome), "NotFound NOT_FOUND");
        assert_eq!(
            reason(mine.accept_correction(ground.of(&zhang, accept())?).await),
            "PermissionDenied ROLE_NOT_ALLOWED",
            "nobody accepts their own"
        );
        let worker = grid_worker(GRID).because("register_upkeep");
        let done = mine.accept_correction(ground.of(&worker, accept())?).await?.into_inner();
        assert_eq!((done.state(), done.before.as_str()), (v1::RequestState::Accepted, PHONE));
        let now = ground.get(&record.id).await?;
        assert_eq!(now.phone, "13912340000");
        assert!(now.freshness.iter().any(|group| group.group == "contact" && group.source == "resident"));
        let outcome = mine.accept_correction(ground.of(&worker, accept())?).await;
        assert_eq!(reason(outcome), "FailedPrecondition REQUEST_IS_ANSWERED");
        assert_eq!(ground.count("timers").await?, 0);
        for row in ground.dump().await?.iter().filter(|row| row.starts_with("data_requests")) {
            assert!(!row.contains("13912340000") && !row.contains("换了号码"), "{row}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_told_without_a_name() -> Result<()> {
    for ground in Ground::both().await? {
        let (_, zhang) = zhang_of(&ground).await?;
        let zhang = zhang.because("own_matter");
        let mut mine = ground.mine.clone();
        let objection = v1::ObjectRequest {
            purpose: Purpose::HomeVisit.into(),
            reason: "不要再上门了".to_owned(),
            request_id: any_id(),
            ..Default::default()
        };
        let asked = mine.object(ground.of(&zhang, objection)?).await?.into_inner();
        let answered = mine.request_correction(ground.of(&zhang, wrong_phone())?).await?.into_inner();
        let decline = v1::DeclineCorrectionRequest { id: answered.id, answer: "号码有误".to_owned() };
        let declined = mine.decline_correction(ground.of(&grid_worker(GRID), decline)?).await?.into_inner();
        assert_eq!(declined.state(), v1::RequestState::Declined);

        ground.clock.advance(TimeDelta::days(30) + TimeDelta::seconds(1));
        let folder = tempfile::tempdir()?;
        let bus = chassis::events::LocalLog::open(&folder.path().join("log.db"), ground.clock.clone()).await?;
        let tasks = Tasks::default();
        let runner = TimerRunner {
            db: ground.db.clone(),
            clock: ground.clock.clone(),
            tasks: tasks.clone(),
            handlers: ResidentsService.build(ground.context(), bus)?.timers,
            settings: TimerSettings { poll_ms: 1, ..TimerSettings::default() },
        };
        tasks.spawn(runner.run(ground.app.ids.clone()));
        let fired = async {
            while ground.count("timers").await? > 0 {
                tokio::task::yield_now().await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_mins(1), fired).await??;
        tasks.stop();
        assert!(tasks.wait(Duration::from_secs(10)).await);

        let told: Vec<String> = ground.told().await?.into_iter().filter(|event| event.contains("verdue")).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&asked.id) && told[0].contains("objection") && !told[0].contains("上门"), "{told:?}");
        let all =
            mine.list_objections(ground.of(&manager(), v1::ListObjectionsRequest::default())?).await?.into_inner();
        assert!(all.objections[0].overdue);
        let answer = v1::AnswerObjectionRequest { id: asked.id, upheld: true, answer: "改为电话联系".to_owned() };
        let staff = manager().because("subject_request");
        let done = mine.answer_objection(ground.of(&staff, answer)?).await?.into_inner();
        assert_eq!((done.state(), done.purpose()), (v1::RequestState::Accepted, Purpose::HomeVisit));
        let wanted = v1::ListObjectionsRequest { with_answered: true, ..Default::default() };
        let own = mine.list_objections(ground.of(&zhang, wanted)?).await?.into_inner().objections;
        assert_eq!((own[0].answer.as_str(), own[0].reason.as_str()), ("改为电话联系", "不要再上门了"));
    }
    Ok(())
}
