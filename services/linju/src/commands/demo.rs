//! `linju demo`

use std::{process::ExitCode, sync::Arc};

use chassis::run::Install;
use linju_residents::{ResidentsService, app::App};
use serde_json::json;

use crate::output::Output;

pub(super) async fn run(install: &Install, residents: u32, seed: u64, output: Output) -> anyhow::Result<ExitCode> {
    let context = install.context(&ResidentsService).await?;
    let db = context.db.clone();
    let app = App::new(context);
    let bar = output.bar(u64::from(residents), "synthetic people");
    let counted = bar.clone();
    let outcome = app.demo(residents, seed, Some(Arc::new(move |people| counted.inc(people)))).await?;
    bar.finish_and_clear();
    output.result(
        &json!({
            "areas": outcome.areas, "residents": outcome.residents, "households": outcome.households, "seed": seed,
        }),
        &format!(
            "{} areas of Dengke subdistrict (登科街道, 511903001), {} people in {} households; all marked synthetic\n",
            outcome.areas, outcome.residents, outcome.households
        ),
    );
    db.close().await;
    Ok(ExitCode::SUCCESS)
}
