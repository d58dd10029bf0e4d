//! The command line: what it answers, with which exit code, and what it says about an install that is not well.

mod accounts;
mod dead_letters;
mod settings;
mod unwell;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::ground::{Done, House, Install, areas, survey};

const DONE: Option<i32> = Some(0);
const USAGE: Option<i32> = Some(2);
const REJECTED: Option<i32> = Some(3);
const UNREACHABLE: Option<i32> = Some(4);

/// The code, and that whoever reads the message learns what to do.
fn says(done: &Done, code: Option<i32>, words: &[&str]) -> Result<()> {
    ensure!(done.code == code, "{code:?} is wanted: {done:?}");
    let said = format!("{}{}", done.stdout, done.stderr);
    let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
    ensure!(missing.is_empty(), "{missing:?} is missing: {done:?}");
    Ok(())
}

#[test]
fn wrong_words_are_told() -> Result<()> {
    let install = Install::embedded()?;
    says(&install.run(&["sreve"])?, USAGE, &["serve"])?;
    says(&install.run(&[])?, USAGE, &["Usage"])?;
    says(&install.run(&["serve", "daycare"])?, USAGE, &["daycare", "residents, incidents"])?;
    says(&install.run(&["keys", "token"])?, USAGE, &["--role", "--scope"])?;
    says(&install.run(&["keys", "token", "--role", "king", "--scope", "all"])?, USAGE, &["king"])?;
    says(&install.run(&["keys", "token", "--role", "auditor", "--scope", "12"])?, USAGE, &["--scope 12"])?;
    says(&install.run(&["keys", "token", "--role", "auditor", "--scope", "all", "--ttl", "0"])?, USAGE, &["--ttl"])?;
    says(&install.run(&["replay", "--from", "yesterday"])?, USAGE, &["--from"])?;
    says(&install.run(&["import", "survey", "missing.csv"])?, Some(1), &["missing.csv"])?;
    says(&install.run(&["--version"])?, DONE, &["linju 0.1.0"])?;
    says(&install.run(&["--help"])?, DONE, &["Exit codes", "doctor"])?;
    for shell in ["bash", "zsh", "fish"] {
        says(&install.run(&["completions", shell])?, DONE, &["linju", "checkpoint"])?;
    }
    Ok(())
}

/// What programs read: one JSON object, also for a failure.
#[test]
fn json_has_one_shape_a_command() -> Result<()> {
    let install = Install::embedded()?;
    let migrated = install.told(&["migrate"])?;
    ensure!(migrated[0]["service"] == "residents" && migrated[0]["applied"].as_u64() > Some(0), "{migrated}");
    ensure!(install.told(&["migrate"])?[1] == json!({ "service": "incidents", "applied": 0 }));
    ensure!(install.told(&["keys", "new"])? == json!({ "made": [] }), "the first command has made them");
    let (code, answer) = install.import("areas", &areas(), &[])?;
    ensure!(code == DONE, "{answer}");
    ensure!(
        answer
            == json!({
                "rows": 328, "created": 328, "updated": 0, "unchanged": 0, "rejected": 0, "problems": []
            }),
        "{answer}"
    );

    let file = install.folder().join("survey.csv");
    std::fs::copy(survey("survey_dengke_800_gb18030.csv"), &file)?;
    let (code, answer) = install.import("survey", &file, &["--dry-run"])?;
    ensure!((code, &answer["dry_run"]) == (REJECTED, &json!(true)), "{answer}");
    ensure!(install.told(&["replay", "--from", "2020-01-01T00:00:00Z"])?["residents"]["published"] == 0);
    let (code, answer) = install.import("survey", &file, &[])?;
    ensure!(code == REJECTED, "{answer}");
    for name in ["rows", "created", "updated", "unchanged", "rejected", "report"] {
        ensure!(!answer[name].is_null(), "{name} in {answer}");
    }
    let report = answer["report"].as_str().context("a path")?;
    ensure!(report.ends_with("survey.csv.report.csv") && std::fs::read_to_string(report)?.starts_with('\u{feff}'));

    ensure!(install.told(&["dlq", "list"])? == json!([]));
    let failed = install.run(&["--json", "dlq", "drop", "7"])?;
    ensure!(failed.code == Some(1) && failed.json()?["exit_code"] == 1, "{failed:?}");
    let failed = install.run(&["--json", "serve", "daycare"])?;
    ensure!(failed.code == USAGE && failed.json()?["exit_code"] == 2, "{failed:?}");
    Ok(())
}

/// A file that is none of ours is refused as a whole, and says why.
#[test]
fn files_that_cannot_be_read_are_told() -> Result<()> {
    let install = Install::embedded()?;
    let write = |name: &str, content: &[u8]| -> Result<std::path::PathBuf> {
        let path = install.folder().join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    };
    let wide = vec!["列"; 5_000].join(",");
    for (name, content) in [
        ("empty.csv", &b""[..]),
        ("other.csv", "a,b,c\n1,2,3\n".as_bytes()),
        ("wide.csv", wide.as_bytes()),
        ("broken.xlsx", b"PK\x03\x04 and no more"),
        ("binary.csv", &[0, 159, 146, 150, 255, 0]),
    ] {
        let file = write(name, content)?;
        let (code, answer) = install.import("survey", &file, &[])?;
        let error = answer["error"].as_str().with_context(|| format!("{name}: {answer}"))?;
        ensure!(code == Some(1) && error.len() > 20, "{name}: {answer}");
    }
    let mapping = write("mapping.toml", b"system = 1")?;
    let more = ["--mapping", mapping.to_str().context("UTF-8")?];
    let (code, answer) = install.import("requests", &crate::ground::la_requests(), &more)?;
    ensure!(code == Some(1) && answer["error"].as_str().is_some_and(|e| e.contains("mapping.toml")), "{answer}");
    Ok(())
}

/// A second copy on the same address says so instead of hanging or taking over.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_says_that_the_address_is_taken() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let second = Install::embedded()?.with("listen", house.residents.grpc);
    let done = second.run(&["serve"])?;
    says(&done, Some(1), &[&house.residents.grpc.to_string(), "another copy"])?;
    house.close().await?;
    Ok(())
}

/// A population to try with, the same for the same seed, once.
#[test]
fn a_demo_fills_an_empty_install() -> Result<()> {
    let install = Install::embedded()?;
    let told = install.told(&["demo", "--residents", "300", "--seed", "7"])?;
    ensure!(
        told["residents"].as_u64() >= Some(300) && told["seed"] == 7 && told["grids"].as_u64() > Some(16),
        "{told}"
    );
    ensure!(told["volunteers"] == 1_000 && told["teams"].as_u64() > Some(80), "{told}");
    let other = Install::embedded()?.told(&["demo", "--residents", "300", "--seed", "7"])?;
    ensure!(told == other, "{told} {other}");
    says(&install.run(&["demo", "--residents", "0"])?, USAGE, &["--residents"])?;
    Ok(())
}
