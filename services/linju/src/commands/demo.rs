//! `linju demo`

use std::{process::ExitCode, sync::Arc};

use chassis::run::Install;
use linju_residents::{
    ResidentsService,
    app::{App, DemoOptions, DemoOutcome},
};
use serde_json::json;

use crate::output::Output;

pub(super) async fn run(install: &Install, residents: u32, seed: u64, output: Output) -> anyhow::Result<ExitCode> {
    let context = install.context(&ResidentsService).await?;
    let db = context.db.clone();
    let app = App::new(context);
    let bar = output.bar(u64::from(residents), "synthetic people");
    let counted = bar.clone();
    let options = DemoOptions { residents, seed, progress: Some(Arc::new(move |people| counted.inc(people))) };
    let DemoOutcome { residents, households, grids, unchanged } = app.demo(options).await?;
    bar.finish_and_clear();
    output.result(
        &json!({
            "residents": residents, "households": households, "grids": grids, "unchanged": unchanged, "seed": seed,
        }),
        &format!(
            "Dengke subdistrict (登科街道, 511903001): {residents} people made, in {households} households and {grids} \
             grids; {unchanged} were there from before. All of them are marked synthetic.\n"
        ),
    );
    db.close().await;
    Ok(ExitCode::SUCCESS)
}
