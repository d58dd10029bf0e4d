//! Files flow in by the command line.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::ground::{Install, areas, la_mapping, la_requests, survey};

/// What the register then holds.
pub(super) struct Loaded {
    pub(super) people: i64,
    pub(super) households: i64,
}

/// All 12,032 rows, tried first; then the same file again, which changes nothing.
pub(super) fn whole_survey(install: &Install) -> Result<Loaded> {
    let file = survey("survey_dengke.csv");
    let expected: Value = serde_json::from_slice(&std::fs::read(survey("survey_dengke.expected.json"))?)?;
    let people = expected["people"].as_i64().context("a number")?;
    load_areas(install)?;

    let report = install.folder().join("dry.csv");
    let more = ["--dry-run", "--report", report.to_str().context("UTF-8")?];
    let (code, dry) = install.import("survey", &file, &more)?;
    assert_eq!((code, &dry["dry_run"]), (Some(3), &json!(true)));

    let report = install.folder().join("wet.csv");
    let more = ["--report", report.to_str().context("UTF-8")?];
    let (code, wet) = install.import("survey", &file, &more)?;
    assert_eq!(code, Some(3), "rows were rejected: {wet}");
    for (name, wanted) in [
        ("rows", &expected["rows"]),
        ("rejected", &expected["rejected"]),
        ("created", &expected["people"]),
        ("updated", &expected["updates"]),
        ("households", &expected["households_written"]),
        ("report", &json!(report)),
    ] {
        assert_eq!(&wet[name], wanted, "{name} in {wet}");
    }
    for name in ["rows", "rejected", "created", "updated", "households_created"] {
        assert_eq!(dry[name], wet[name], "the dry run says what the import does: {name}");
    }
    // A heading, and at least a line for each row that was rejected.
    let lines = std::fs::read_to_string(&report)?.lines().count();
    assert!(lines > 240, "{lines}");
    again(install, &file, &wet)?;
    let households = wet["households_created"].as_i64().context("a number")?;
    Ok(Loaded { people, households })
}

/// Its first rows as a workbook, for a quicker round.
pub(super) fn start_of_the_survey(install: &Install) -> Result<Loaded> {
    let file = survey("survey_dengke_800.xlsx");
    load_areas(install)?;
    let report = install.folder().join("wet.csv");
    let (code, wet) = install.import("survey", &file, &["--report", report.to_str().context("UTF-8")?])?;
    assert_eq!(code, Some(3), "rows were rejected: {wet}");
    let number = |name: &str| wet[name].as_i64().with_context(|| format!("{name} in {wet}"));
    assert_eq!(number("created")? + number("updated")? + number("unchanged")? + number("rejected")?, number("rows")?);
    assert_eq!(number("rejected")?, 17);
    again(install, &file, &wet)?;
    Ok(Loaded { people: number("created")?, households: number("households_created")? })
}

fn load_areas(install: &Install) -> Result<()> {
    let (code, answer) = install.import("areas", &areas(), &[])?;
    assert_eq!(code, Some(0), "{answer}");
    assert_eq!((&answer["rows"], &answer["created"]), (&json!(328), &json!(328)));
    let (code, answer) = install.import("areas", &areas(), &[])?;
    assert_eq!(code, Some(0), "{answer}");
    assert_eq!((&answer["created"], &answer["unchanged"]), (&json!(0), &json!(328)));
    Ok(())
}

fn again(install: &Install, file: &std::path::Path, first: &Value) -> Result<()> {
    let report = install.folder().join("again.csv");
    let (_, answer) = install.import("survey", file, &["--report", report.to_str().context("UTF-8")?])?;
    for name in ["created", "updated", "households_created", "grids_created"] {
        assert_eq!(answer[name], json!(0), "{name} in {answer}");
    }
    assert_eq!(answer["rejected"], first["rejected"]);
    Ok(())
}

/// The week of Los Angeles; a second time nothing changes.
pub(super) fn requests(install: &Install) -> Result<()> {
    let mapping = la_mapping();
    let report = install.folder().join("requests.csv");
    let (mapping, report) = (mapping.to_str().context("UTF-8")?, report.to_str().context("UTF-8")?);
    let more = ["--mapping", mapping, "--report", report];
    let (code, answer) = install.import("requests", &la_requests(), &more)?;
    assert_eq!(code, Some(3), "{answer}");
    let told = |name: &str| answer[name].as_i64();
    assert_eq!((told("rows"), told("created"), told("rejected")), (Some(9_999), Some(9_987), Some(12)), "{answer}");
    let (code, answer) = install.import("requests", &la_requests(), &more)?;
    assert_eq!(code, Some(3), "{answer}");
    let told = |name: &str| answer[name].as_i64();
    assert_eq!((told("created"), told("updated"), told("unchanged")), (Some(0), Some(0), Some(9_987)), "{answer}");
    Ok(())
}
