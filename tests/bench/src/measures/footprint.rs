//! Memory of idle programs, and how soon they are ready.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context as _, Result};

use crate::{
    Plan,
    ground::{Ground, Serving},
    stats::Spread,
    table::{Table, Target},
};

/// Idle for so long before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

pub(super) fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let install = ground.install()?;
    for service in ["residents", "incidents", "gateway"] {
        let (memory, ready) = measured(plan, || install.serve(&[service]))?;
        told(table, &format!("`linju serve {service}` on Postgres and NATS"), (memory, 25.0), ready);
    }
    let (memory, ready) = measured(plan, || install.serve(&[]))?;
    told(table, "`linju serve`, all services on Postgres and NATS", (memory, 60.0), ready);

    let folder = ground.folder().join("embedded");
    std::fs::create_dir(&folder)?;
    let first = embedded(ground, &folder)?.ready_after;
    let (memory, ready) = measured(plan, || embedded(ground, &folder))?;
    told(table, "`linju serve`, embedded", (memory, 60.0), ready);
    table.shown("Embedded, very first start (makes keys and tables)", format!("{:.0} ms", first.as_secs_f64() * 1e3));
    Ok(())
}

fn embedded(ground: &Ground, folder: &Path) -> Result<Serving> {
    ground.serve(&["--data", folder.to_str().context("a folder whose name is no text")?], folder)
}

/// Memory in MiB and milliseconds to ready.
fn measured(plan: Plan, serve: impl Fn() -> Result<Serving>) -> Result<(Spread, Spread)> {
    let (mut memory, mut ready) = (Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let serving = serve()?;
        if round > 0 {
            ready.push(serving.ready_after.as_secs_f64() * 1e3);
            thread::sleep(IDLE);
            memory.push(serving.process.memory()?);
        }
    }
    Ok((Spread::of(&memory), Spread::of(&ready)))
}

fn told(table: &mut Table, what: &str, (memory, most): (Spread, f64), ready: Spread) {
    let target = format!("≤ {most:.0} MB");
    table.held(
        &format!("{what}: resident memory, idle"),
        (Target::AtMost(most), &target),
        memory,
        memory.fixed(1, " MiB"),
    );
    table.held(&format!("{what}: start to ready"), (Target::AtMost(300.0), "≤ 300 ms"), ready, ready.fixed(0, " ms"));
}
