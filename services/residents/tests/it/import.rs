//! The survey flows in: first a dry run, then the import, again, later, and after a death half-way.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use linju_residents::{
    app::{ImportOptions, SurveyOutcome},
    survey::{limits::Limits, source::SurveyFile},
};
use serde::Deserialize;

use crate::ground::{GRID, Ground, HEADER, data};

#[derive(Deserialize)]
struct Expected {
    rows: u64,
    rejected: u64,
    people: u64,
    updates: u64,
    households_written: u64,
}

fn expected() -> Result<Expected> {
    Ok(serde_json::from_slice(&std::fs::read(data("survey_dengke.expected.json"))?)?)
}

fn dry() -> ImportOptions {
    ImportOptions { dry_run: true, ..ImportOptions::default() }
}

/// Everything that a run writes, counted.
async fn written(ground: &Ground) -> Result<Vec<i64>> {
    let mut counts = Vec::new();
    for table in ["areas", "dwellings", "households", "residents", "memberships", "name_keys", "care_tags", "outbox"] {
        counts.push(ground.count(table).await?);
    }
    Ok(counts)
}

#[tokio::test]
async fn the_whole_survey_gives_the_agreed_answers() -> Result<()> {
    let Expected { rows, rejected, people, updates, households_written } = expected()?;
    for ground in Ground::both().await? {
        let before = written(&ground).await?;
        let tried = ground.import("survey_dengke.csv", dry()).await?;
        assert_eq!(written(&ground).await?, before, "a dry run writes nothing");

        let seen = Arc::new(AtomicU64::new(0));
        let counter = seen.clone();
        let progress: linju_residents::app::Progress = Arc::new(move |done| {
            counter.fetch_add(done, Ordering::Relaxed);
        });
        let done = ground
            .import("survey_dengke.csv", ImportOptions { progress: Some(progress), ..ImportOptions::default() })
            .await?;
        assert_eq!(done, tried, "a dry run answers what the import then does");
        let SurveyOutcome { problems, grids_created, households_created, ignored_columns, .. } = &done;
        assert_eq!(
            (done.rows, done.rejected, done.created, done.updated, done.unchanged, done.households),
            (rows, rejected, people, updates, 0, households_written)
        );
        assert_eq!(seen.load(Ordering::Relaxed), rows - rejected);
        assert!(problems.len() as u64 >= rejected && ignored_columns.is_empty());
        let count = ground.count("residents").await?;
        assert_eq!(u64::try_from(count)?, people);
        assert_eq!(u64::try_from(ground.count("households").await?)?, *households_created);
        assert_eq!(u64::try_from(ground.count("areas WHERE code % 1000 <> 0").await?)?, *grids_created);
        assert_eq!(ground.count("memberships").await?, count, "nobody moved");

        let before = written(&ground).await?;
        let again = ground.import("survey_dengke.csv", ImportOptions::default()).await?;
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, people + updates));
        assert_eq!(written(&ground).await?, before, "the same file again changes nothing");
    }
    Ok(())
}

#[tokio::test]
async fn the_other_forms_are_the_same_people() -> Result<()> {
    for ground in Ground::both().await? {
        let first = ground.import("survey_dengke_800.xlsx", ImportOptions::default()).await?;
        assert_eq!(first.rows, 800);
        assert_eq!(first.created + first.updated + first.rejected, 800);
        let again = ground.import("survey_dengke_800_gb18030.csv", ImportOptions::default()).await?;
        assert_eq!((again.created, again.updated, again.rejected), (0, 0, first.rejected));
        let whole = ground.import("survey_dengke.csv", dry()).await?;
        assert_eq!(whole.unchanged, first.created + first.updated);
    }
    Ok(())
}

const EARLY: &str = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,户主,张清秀,女,1960-05-01,51190319600501912X,13912341550,户籍,常住,高龄,2026-10-01,李";
const LATER: &str = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,户主,张清秀,女,1960-05-01,51190319600501912X,13912341551,流动,常住,高龄;轮椅,2026-11-01,李";

#[tokio::test]
async fn a_later_visit_updates_and_an_earlier_one_never_does() -> Result<()> {
    for ground in Ground::both().await? {
        ground.import_rows(&[EARLY]).await?;
        let done = ground.import_rows(&[LATER]).await?;
        assert_eq!((done.created, done.updated, done.unchanged), (0, 1, 0));
        let found = ground.search("13912341551").await?;
        let person = found.first().context("found by the new number")?;
        assert_eq!(person.care_tags.len(), 2);
        assert_eq!(ground.search("13912341550").await?.len(), 0);
        let before = ground.dump().await?;
        let done = ground.import_rows(&[EARLY]).await?;
        assert_eq!((done.created, done.updated, done.unchanged), (0, 0, 1));
        let done = ground.import_rows(&[LATER]).await?;
        assert_eq!((done.created, done.updated, done.unchanged), (0, 0, 1));
        // The looks of the searches above are not of the register.
        let register = |rows: Vec<String>| rows.into_iter().filter(|row| !row.starts_with("audit")).collect::<Vec<_>>();
        assert_eq!(register(ground.dump().await?), register(before));
    }
    Ok(())
}

#[tokio::test]
async fn a_child_is_known_again_when_it_gets_its_number() -> Result<()> {
    let without =
        "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,子女,张小秀,女,2024-05-01,,,户籍,常住,,2026-10-01,李";
    let with = "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,子女,张小秀,女,2024-05-01,511903202405019127,,户籍,常住,,2026-11-01,李";
    for ground in Ground::both().await? {
        ground.import_rows(&[without, EARLY]).await?;
        let again = ground.import_rows(&[without]).await?;
        assert_eq!(again.unchanged, 1);
        let done = ground.import_rows(&[with]).await?;
        assert_eq!((done.created, done.updated, done.rejected), (0, 1, 0));
        assert_eq!(ground.search("511903202405019127").await?.len(), 1);
        assert_eq!(ground.import_rows(&[with]).await?.unchanged, 1);
    }
    Ok(())
}

#[tokio::test]
async fn who_is_met_in_another_household_later_has_moved() -> Result<()> {
    let moved = "两路社区,511903001009001,,1栋,,101,H7,父母,张清秀,女,1960-05-01,51190319600501912X,13912341550,户籍,常住,高龄,2026-11-10,王";
    for ground in Ground::both().await? {
        ground.import_rows(&[EARLY]).await?;
        ground.import_rows(&[moved]).await?;
        assert_eq!(ground.count("residents").await?, 1);
        let times = ground.rows("SELECT CAST(from_on AS text) || ' ' || coalesce(CAST(until_on AS text), '-') FROM memberships ORDER BY from_on").await?;
        assert_eq!(times, ["2026-10-01 2026-11-10", "2026-11-10 -"]);
        let person = &ground.search("清秀").await?[0];
        assert_eq!(person.area_code, "511903001009001");
        assert_eq!(ground.import_rows(&[EARLY]).await?.unchanged, 1);
        let told = ground.told().await?;
        assert_eq!(told.iter().filter(|event| event.starts_with("linju.residents.v1.ResidentMoved ")).count(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_import_that_died_half_way_goes_on() -> Result<()> {
    let Expected { people, updates, .. } = expected()?;
    for ground in Ground::both().await? {
        // Dies after its second batch, as when the process is killed between two commits.
        let app = ground.app.clone();
        let (tell, told) = tokio::sync::oneshot::channel();
        let tell = std::sync::Mutex::new(Some(tell));
        let batches = AtomicU64::new(0);
        let progress: linju_residents::app::Progress = Arc::new(move |_| {
            if batches.fetch_add(1, Ordering::Relaxed) == 1
                && let Some(tell) = tell.lock().ok().and_then(|mut tell| tell.take())
            {
                let _ = tell.send(());
            }
        });
        let options = ImportOptions { progress: Some(progress), ..ImportOptions::default() };
        let file = SurveyFile::open(&data("survey_dengke.csv"), Limits::default())?;
        tokio::select! {
            outcome = app.import_survey(file, options) => anyhow::bail!("it came to its end: {:?}", outcome?.rows),
            told = told => told?,
        }
        let half = u64::try_from(ground.count("residents").await?)?;
        assert!(half > 0 && half < people);
        let done = ground.import("survey_dengke.csv", ImportOptions::default()).await?;
        assert_eq!(done.created + done.updated + done.unchanged, people + updates);
        assert_eq!(u64::try_from(ground.count("residents").await?)?, people);
        assert_eq!(ground.count("memberships").await?, ground.count("residents").await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_community_that_is_not_known_is_an_error() -> Result<()> {
    let ground = Ground::sqlite().await?;
    let done = ground.import_rows(&[&EARLY.replace("白玉社区", "白云社区")]).await?;
    assert_eq!((done.rejected, ground.count("residents").await?), (1, 0));
    let mut report = Vec::new();
    done.write_report(&mut report)?;
    let report = String::from_utf8(report)?;
    assert!(report.contains("community_unknown") && !report.contains("张清秀"), "{report}");
    Ok(())
}

/// The same household at another visit, in another grid of the community.
fn at(day: &str, row: &str) -> String {
    row.replace(GRID, NEXT_GRID).replace(",601,", ",701,").replace("2026-10-01", day)
}

const NEXT_GRID: &str = "511903001008003";

#[tokio::test]
async fn an_earlier_visit_elsewhere_does_not_move_a_household() -> Result<()> {
    for ground in Ground::both().await? {
        for day in ["2026-01-10", "2026-06-10"] {
            ground.import_rows(&[&EARLY.replace("2026-10-01", day)]).await?;
        }
        ground.import_rows(&[&at("2026-03-10", EARLY)]).await?;
        let seen = ground.rows("SELECT CAST(area_code AS text) || ' ' || CAST(observed_on AS text) FROM households");
        assert_eq!(seen.await?, [format!("{GRID} 2026-06-10")]);
        assert_eq!(ground.search("清秀").await?[0].area_code, GRID);
    }
    Ok(())
}

#[tokio::test]
async fn a_household_takes_its_members_along() -> Result<()> {
    const CHILD: &str =
        "白玉社区,511903001008002,滨河小区,3栋,2单元,601,H1,子女,王小明,男,2015-05-01,,,户籍,常住,,2026-10-01,李";
    for ground in Ground::both().await? {
        ground.import_rows(&[EARLY, CHILD]).await?;
        let moved = at("2026-11-10", EARLY);
        let tried = SurveyFile::from_bytes(format!("{HEADER}\n{moved}\n").into_bytes(), Limits::default())?;
        let tried = ground.app.import_survey(tried, dry()).await?;
        assert_eq!(ground.import_rows(&[&moved]).await?, tried);
        for name in ["清秀", "小明"] {
            assert_eq!(ground.search(name).await?[0].area_code, NEXT_GRID, "{name}");
        }
        let told = ground.told().await?;
        let events = told.iter().filter(|event| event.starts_with("linju.residents.v1.ResidentMoved "));
        assert_eq!(events.count(), 2, "one for each: {told:?}");
        assert_eq!(ground.count("memberships").await?, 2, "nobody left the household");
        let versions = ground.count("(SELECT DISTINCT key, version FROM outbox) told").await?;
        assert_eq!(versions, ground.count("outbox").await?, "each under a version of its own");
        let before = written(&ground).await?;
        assert_eq!(ground.import_rows(&[&moved]).await?.unchanged, 1);
        assert_eq!(written(&ground).await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn of_two_communities_with_one_name_the_grid_decides() -> Result<()> {
    for ground in Ground::both().await? {
        let row = |grid: &str, number: &str| {
            format!("青龙村,{grid},,1栋,,101,{number},户主,李{number},女,1960-05-01,,,户籍,常住,,2026-10-01,李")
        };
        let done =
            ground.import_rows(&[&row("511903101216001", "甲"), &row("511903120203001", "乙"), &row("", "丙")]).await?;
        assert_eq!((done.created, done.rejected), (2, 1));
        let problems: Vec<_> = done.problems.iter().map(|problem| (problem.line, problem.reason.as_str())).collect();
        assert_eq!(problems, [(4, "area_ambiguous")]);
        let grids = ground.rows("SELECT CAST(area_code AS text) FROM residents ORDER BY area_code").await?;
        assert_eq!(grids, ["511903101216001", "511903120203001"]);
    }
    Ok(())
}
