//! `linju demo`

use std::{process::ExitCode, sync::Arc};

use chassis::run::Install;
use linju_residents::{
    ResidentsService,
    app::{App, DemoOptions, DemoOutcome},
};
use linju_volunteers::{App as Volunteers, VolunteersService, app as volunteers, config::Settings};
use serde_json::json;

use crate::output::Output;

/// How large a town.
#[derive(Clone, Copy, Debug)]
pub(super) struct Town {
    pub(super) residents: u32,
    pub(super) volunteers: u32,
    pub(super) seed: u64,
}

pub(super) async fn run(install: &Install, town: Town, output: Output) -> anyhow::Result<ExitCode> {
    let seed = town.seed;
    let people = people(install, town, output).await?;
    let helpers = helpers(install, town).await?;
    let DemoOutcome { residents, households, grids, unchanged } = people;
    let volunteers::DemoOutcome { volunteers, teams, unchanged: known } = helpers;
    output.result(
        &json!({
            "residents": residents, "households": households, "grids": grids, "unchanged": unchanged,
            "volunteers": volunteers, "teams": teams, "unchanged_volunteers": known, "seed": seed,
        }),
        &format!(
            "Dengke subdistrict (登科街道, 511903001): {residents} people made, in {households} households and {grids} \
             grids; {unchanged} were there from before. {volunteers} volunteers in {teams} teams; {known} were there from \
             before. All of them are marked synthetic.\n"
        ),
    );
    Ok(ExitCode::SUCCESS)
}

async fn people(install: &Install, town: Town, output: Output) -> anyhow::Result<DemoOutcome> {
    let context = install.context(&ResidentsService).await?;
    let db = context.db.clone();
    let bar = output.bar(u64::from(town.residents), "synthetic people");
    let counted = bar.clone();
    let progress = Some(Arc::new(move |people| counted.inc(people)) as _);
    let options = DemoOptions { residents: town.residents, seed: town.seed, progress };
    let made = App::new(context).demo(options).await?;
    bar.finish_and_clear();
    db.close().await;
    Ok(made)
}

async fn helpers(install: &Install, town: Town) -> anyhow::Result<volunteers::DemoOutcome> {
    let context = install.context(&VolunteersService).await?;
    let db = context.db.clone();
    let settings = Settings::of(&context)?;
    let options = volunteers::DemoOptions { volunteers: town.volunteers, seed: town.seed };
    let made = Volunteers::new(context, settings).demo(options).await?;
    db.close().await;
    Ok(made)
}
