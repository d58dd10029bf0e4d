//! Installs with something wrong: the message says what, and what to do.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result, ensure};
use test_servers::{Nats, Postgres, free_port};

use super::{DONE, REJECTED, UNREACHABLE, says};
use crate::ground::Install;

/// As `doctor` names them.
const DATABASES: [&str; 4] =
    ["database of residents", "database of incidents", "database of volunteers", "database of gateway"];

/// What doctor found wrong: `what` of each fault, and all that it said.
fn faults(install: &Install) -> Result<(Vec<String>, String)> {
    let done = install.run(&["--json", "doctor"])?;
    let told = done.json()?;
    let findings = told.as_array().context("a list")?;
    let faults = findings.iter().filter(|finding| finding["well"] == false);
    let what: Vec<String> = faults.filter_map(|finding| finding["what"].as_str().map(str::to_owned)).collect();
    ensure!(done.code == if what.is_empty() { DONE } else { REJECTED }, "{done:?}");
    Ok((what, told.to_string()))
}

#[test]
fn a_missing_open_or_wrong_master_key() -> Result<()> {
    let install = Install::embedded()?;
    ensure!(faults(&install)?.0.is_empty(), "an install that was never started is well");
    install.settle()?;
    ensure!(faults(&install)?.0.is_empty());
    let key = install.data().join("master.key");
    let kept = fs::read(&key)?;

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644))?;
    says(&install.run(&["serve"])?, Some(1), &["chmod 600", "master.key"])?;
    ensure!(faults(&install)?.0.contains(&"master key".to_owned()));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;

    fs::write(&key, "not a key")?;
    says(&install.run(&["serve"])?, Some(1), &["master.key", "backup"])?;
    ensure!(faults(&install)?.0.contains(&"master key".to_owned()));

    let other = Install::embedded()?;
    other.told(&["keys", "new"])?;
    fs::copy(other.data().join("master.key"), &key)?;
    says(&install.run(&["serve"])?, Some(1), &["master key"])?;
    let (what, said) = faults(&install)?;
    ensure!(what.contains(&"data keys of residents".to_owned()), "{said}");

    // A key that was lost must not be replaced by a new one without a word: the data would stay closed.
    fs::remove_file(&key)?;
    let done = install.run(&["serve"])?;
    ensure!(done.code == Some(1) && !key.exists(), "{done:?}");

    fs::write(&key, kept)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    ensure!(faults(&install)?.0.is_empty());
    Ok(())
}

/// Another master key takes the place of the first, and from then on only it opens the data.
#[test]
fn a_master_key_that_was_changed() -> Result<()> {
    let install = Install::embedded()?;
    install.settle()?;
    let (old, new) = (install.data().join("master.key"), install.folder().join("next.key"));
    let to = new.to_str().context("UTF-8")?;
    install.told(&["keys", "rewrap", "--to", to])?;
    ensure!(faults(&install)?.0.contains(&"data keys of residents".to_owned()), "the old one opens nothing");
    fs::rename(&new, &old)?;
    let (what, said) = faults(&install)?;
    ensure!(what.is_empty(), "{said}");
    install.told(&["keys", "rotate"])?;
    Ok(())
}

#[test]
fn servers_that_are_away() -> Result<()> {
    let nats = Nats::start()?;
    let install = Install::shared_stack(&nats)?;
    ensure!(faults(&install)?.0.is_empty());

    let nowhere = format!("nats://127.0.0.1:{}", free_port()?);
    let without = install.with("bus.nats.url", &nowhere);
    says(&without.run(&["dlq", "list"])?, UNREACHABLE, &["event bus"])?;
    let (what, said) = faults(&without)?;
    ensure!(what == ["NATS"] && said.contains("not reachable"), "{said}");

    let url = format!("postgres://linju@127.0.0.1:{}/linju_{{service}}", free_port()?);
    let without =
        without.with("bus.nats.url", nats.url()).with("database.url", url).with("database.pool.acquire_ms", 500);
    says(&without.run(&["migrate"])?, UNREACHABLE, &["residents", "database.url"])?;
    says(&without.run(&["serve"])?, UNREACHABLE, &["residents", "database.url"])?;
    ensure!(faults(&without)?.0 == DATABASES);
    Ok(())
}

#[test]
fn a_database_that_was_not_migrated() -> Result<()> {
    let nats = Nats::start()?;
    let install = Install::unmigrated(Postgres::shared()?, nats.url())?;
    says(&install.run(&["serve"])?, Some(1), &["linju keys new"])?;
    install.told(&["keys", "new"])?;
    says(&install.run(&["serve"])?, Some(1), &["residents", "linju migrate"])?;
    let (what, said) = faults(&install)?;
    ensure!(what == DATABASES && said.contains("linju migrate"), "{said}");
    install.told(&["migrate"])?;
    ensure!(faults(&install)?.0.is_empty());
    Ok(())
}

#[test]
fn a_nats_server_without_jetstream() -> Result<()> {
    let mut nats = Nats::start()?;
    let install = Install::shared_stack(&nats)?;
    nats.stop()?;
    // The last line of a configuration wins.
    nats.configure("jetstream: false")?;
    nats.restart()?;
    let (what, said) = faults(&install)?;
    ensure!(what == ["NATS"] && said.contains("without JetStream"), "{said}");
    Ok(())
}
