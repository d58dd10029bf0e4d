//! The gateway and the service of residents beside `PostGraphile`, which makes a GraphQL API from the same tables: one
//! resident by its key. `PostGraphile` checks nobody's rights, opens no sealed column and masks nothing.

use std::{
    env, fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use test_servers::free_port;

use super::door::{Door, per_cpu};
use crate::{
    Plan,
    ground::Ground,
    process::Process,
    stats::Spread,
    table::{Table, Target},
    web::{Web, post},
};

const NAME: &str = "Gateway and residents service, reads per second of processor time, of PostGraphile's on the same tables \
                    (Postgres not counted; PostGraphile checks no rights and opens nothing sealed)";
const PACKAGE: &str = include_str!("../../postgraphile/package.json");
const LOCK: &str = include_str!("../../postgraphile/package-lock.json");
/// Rounds in which Node.js still compiles what is called often.
const UNCOUNTED: usize = 2;
/// What the service answers too, but for what is sealed.
const QUERY: &str = "query ($id: UUID!) { residentByRowId(rowId: $id) { rowId areaCode householdId relation name sex birthDate \
                     registration living state mergedInto identityOn contactOn registrationOn livingOn householdOn version \
                     createdAt updatedAt } }";

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let folder = match installed() {
        Ok(folder) => folder,
        Err(error) => {
            table.void(NAME, &format!("SKIPPED: PostGraphile cannot be had here: {error:#}"));
            return Ok(());
        }
    };
    let door = Door::open(ground).await?;
    let port = free_port()?;
    let graph = start(&folder, &ground.folder().join("postgraphile.log"), port, &door.install.url("residents"))?;
    let (ours, theirs) = (Web::at(door.gateway.door), Web::at(port));
    let to_us = door.requests();
    let to_them: Vec<Bytes> = door.ids.iter().map(|id| asked(id)).collect();
    let found = theirs.call(&to_them[0]).await?;
    let answer: Value = serde_json::from_slice(&found)?;
    ensure!(answer["data"]["residentByRowId"]["rowId"] == json!(door.ids[0]), "PostGraphile finds nobody: {answer}");

    let (mut ratios, mut all) = (Vec::new(), [const { Vec::new() }; 4]);
    for round in 0..UNCOUNTED + plan.rounds {
        let (their_rate, their_each) = per_cpu(plan, &theirs, &to_them, &[&graph]).await?;
        let processes = [&door.gateway.process, &door.residents.process];
        let (our_rate, our_each) = per_cpu(plan, &ours, &to_us, &processes).await?;
        eprintln!(
            "  per CPU-second: ours {our_each:.0}, PostGraphile {their_each:.0}; ours {our_rate:.0}/s, PostGraphile {their_rate:.0}/s"
        );
        if round >= UNCOUNTED {
            ratios.push(our_each / their_each);
            for (all, one) in all.iter_mut().zip([our_each, their_each, our_rate, their_rate]) {
                all.push(one);
            }
        }
    }
    let ratio = Spread::of(&ratios);
    table.held(NAME, (Target::AtLeast(3.0), "≥ 3×"), ratio, ratio.fixed(2, "×"));
    let names = [
        "– gateway and service, reads per CPU-second",
        "– PostGraphile, reads per CPU-second",
        "– through the gateway, calls/s (closed loop, 32 clients)",
        "– PostGraphile, calls/s (closed loop, 32 clients)",
    ];
    for (name, all) in names.iter().zip(&all) {
        table.shown(name, Spread::of(all).whole(""));
    }
    let (ours, theirs) = (door.gateway.process.memory()? + door.residents.process.memory()?, graph.memory()?);
    table.shown("– resident memory, gateway and service, and PostGraphile", format!("{ours:.1} and {theirs:.1} MiB"));
    Ok(())
}

fn asked(id: &str) -> Bytes {
    post("/graphql", "", &json!({ "query": QUERY, "variables": { "id": id } }))
}

/// The folder in which the pinned version is installed; from npm where it is not there yet.
fn installed() -> Result<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // As scripts/lib.sh has it.
    let cache = variable("LINJU_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?.join("linju")));
    let folder = cache.context("neither LINJU_CACHE nor HOME is set")?.join("tools/postgraphile");
    let done = folder.join("installed.json");
    if fs::read_to_string(&done).is_ok_and(|lock| lock == LOCK) {
        return Ok(folder);
    }
    eprintln!("  fetching PostGraphile from npm …");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), PACKAGE)?;
    fs::write(folder.join("package-lock.json"), LOCK)?;
    let mut npm = Command::new("npm");
    // The lock file pins by hash.
    npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    let output = npm.output().context("there is no npm")?;
    ensure!(output.status.success(), "npm ci failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    fs::write(done, LOCK)?;
    Ok(folder)
}

fn start(folder: &Path, log: &Path, port: u16, database: &str) -> Result<Process> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let node = folder.join(format!("node_modules/node-linux-{architecture}/bin/node"));
    let mut graph = Process::start(&node, log, |command| {
        command.current_dir(folder).env("NODE_ENV", "production").env("GRAPHILE_ENV", "production");
        command.args(["node_modules/.bin/postgraphile", "--preset", "postgraphile/presets/amber"]);
        command.args(["--connection", database, "--schema", "public", "--host", "127.0.0.1"]);
        command.args(["--port", &port.to_string()]);
    })?;
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if began.elapsed() > Duration::from_mins(1) || graph.ended()?.is_some() {
            bail!("PostGraphile does not answer: {}", fs::read_to_string(log)?);
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(graph)
}
