//! Imports a survey into Postgres, beside COPY of the rows that came of it.

use std::{ops::Range, time::Instant};

use anyhow::{Context as _, Result, ensure};

use crate::{
    Plan,
    ground::{Ground, Install},
    people,
    stats::Spread,
    table::{Table, Target},
};

/// Where the import leaves rows, in the order that foreign keys ask for.
const TABLES: [&str; 8] =
    ["areas", "dwellings", "households", "residents", "memberships", "care_tags", "name_keys", "outbox"];

/// Rows of a file at most, as an office would not send more at once.
const FILE: usize = 100_000;

pub(super) fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let people = if plan.full { 100_000 } else { 20_000 };
    let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=plan.rounds.min(3) {
        let install = ground.install()?;
        install.settle("residents")?;
        let rate = fill(ground, &install, 0..people)?;
        let copied = copy(ground, &install, people)?;
        eprintln!("  import {rate:.0} rows/s, COPY {copied:.0} rows/s");
        if round > 0 {
            rates.push(rate);
            limits.push(copied);
            ratios.push(rate / copied);
        }
    }
    let (rate, limit, ratio) = (Spread::of(&rates), Spread::of(&limits), Spread::of(&ratios));
    let name = format!("Survey import into Postgres, {people} new people, sealed and indexed");
    table.held(&name, (Target::AtLeast(5_000.0), "≥ 5,000 rows/s"), rate, rate.whole(" rows/s"));
    table.shown("– COPY of the rows of all tables that came of it, survey rows/s", limit.whole(""));
    table.shown("– of COPY", ratio.percent());
    Ok(())
}

/// Imports these people into a fresh install, their areas first; survey rows per second, start of the program included.
pub(super) fn fill(ground: &Ground, install: &Install<'_>, people: Range<u32>) -> Result<f64> {
    let path = |name: &str| ground.folder().join(name);
    let (areas, survey) = (path("areas.csv"), path("survey.csv"));
    people::write_areas(&areas, people.end)?;
    install.run(&["import", "areas", areas.to_str().context("a path that is no text")?])?;
    let (mut seconds, rows) = (0.0, people.len());
    for first in people.clone().step_by(FILE) {
        people::write_survey(&survey, first..people.end.min(first + u32::try_from(FILE)?))?;
        let began = Instant::now();
        let told = install.run(&["import", "survey", survey.to_str().context("a path that is no text")?])?;
        seconds += began.elapsed().as_secs_f64();
        let told: serde_json::Value = serde_json::from_str(&told)?;
        ensure!(told["created"] == told["rows"], "not every row made somebody: {told}");
    }
    Ok(f64::from(u32::try_from(rows)?) / seconds)
}

/// Survey rows per second if COPY alone had to write what came of them, into the same tables with the same indexes.
fn copy(ground: &Ground, install: &Install<'_>, people: u32) -> Result<f64> {
    let folder = ground.postgres().socket_folder().display().to_string();
    let each = |make: &dyn Fn(&str) -> String| TABLES.map(make).join(";");
    install.sql("residents", &each(&|table| format!("COPY {table} TO '{folder}/{table}.copy'")))?;
    install.sql("residents", &format!("TRUNCATE {} CASCADE", TABLES.join(", ")))?;
    install.settle("residents")?;
    let began = Instant::now();
    install.sql("residents", &each(&|table| format!("COPY {table} FROM '{folder}/{table}.copy'")))?;
    Ok(f64::from(people) / began.elapsed().as_secs_f64())
}
