//! `linju replay`

use std::process::ExitCode;

use chassis::{
    events::{OutboxState, replay},
    run::Install,
};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    output::Output,
    services::{self, ALL},
};

pub(super) async fn run(
    install: &Install,
    from: DateTime<Utc>,
    service: Option<String>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let services = match service {
        Some(name) => vec![services::one(&name)?],
        None => ALL.to_vec(),
    };
    let bus = install.bus().await?;
    let mut counts = serde_json::Map::new();
    let mut text = String::new();
    for service in services {
        let db = install.database(service).await?;
        let bar = output.counter("events published again");
        let count = replay(&db, bus.as_ref(), from, |n| bar.set_position(n)).await?;
        bar.finish_and_clear();
        let waiting = OutboxState::read(db.read(), &install.clock).await?.unpublished;
        text.push_str(&format!("{}: {count} events published again", service.name()));
        text.push_str(&if waiting > 0 { format!(", {waiting} left to the relay\n") } else { "\n".to_owned() });
        counts.insert(service.name().to_owned(), json!({ "published": count, "waiting": waiting }));
        db.close().await;
    }
    bus.close().await;
    output.result(&counts, &text);
    Ok(ExitCode::SUCCESS)
}
