//! `linju migrate`

use std::process::ExitCode;

use chassis::run::{Install, migrate};
use serde::Serialize;

use crate::{output::Output, services::ALL};

#[derive(Serialize)]
struct Migrated {
    service: &'static str,
    applied: usize,
}

pub(super) async fn run(install: &Install, output: Output) -> anyhow::Result<ExitCode> {
    let mut done = Vec::new();
    let mut text = String::new();
    for service in ALL {
        let db = install.open(service.name()).await?;
        let applied = migrate(&db, service).await?;
        db.close().await;
        text.push_str(&match applied {
            0 => format!("{}: up to date\n", service.name()),
            n => format!("{}: {n} migrations applied\n", service.name()),
        });
        done.push(Migrated { service: service.name(), applied });
    }
    output.result(&done, &text);
    Ok(ExitCode::SUCCESS)
}
