//! `linju events`

use std::{process::ExitCode, time::Duration};

use chassis::{
    data::Db,
    events::outbox::{Column, Entity, Model},
    run::Install,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::{Value, json};

use crate::{
    output::Output,
    services::{self, ALL},
};

/// How often new events are looked for.
const LOOK: Duration = Duration::from_millis(300);
/// Shown at once while following.
const AT_ONCE: u64 = 1_000;

/// Read from the outboxes, which hold what was told whatever the bus is: the database is the truth.
pub(super) async fn run(
    install: &Install,
    last: u64,
    follow: bool,
    service: Option<String>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let services = match service {
        Some(name) => vec![services::one(&name)?],
        None => ALL.to_vec(),
    };
    let mut sources: Vec<(Db, i64)> = Vec::new();
    let mut shown = Vec::new();
    for service in services {
        let db = install.database(service).await?;
        let newest = Entity::find().order_by_desc(Column::Position).limit(last).all(db.read()).await?;
        sources.push((db, newest.first().map_or(0, |row| row.position)));
        shown.extend(newest);
    }
    show(shown, usize::try_from(last).unwrap_or(usize::MAX), output);
    if follow {
        go_on(&mut sources, output).await?;
    }
    for (db, _) in sources {
        db.close().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what is written from now on, until Ctrl-C.
async fn go_on(sources: &mut [(Db, i64)], output: Output) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
            () = tokio::time::sleep(LOOK) => {}
        }
        let mut shown = Vec::new();
        for (db, seen) in &mut *sources {
            let more = Entity::find()
                .filter(Column::Position.gt(*seen))
                .order_by_asc(Column::Position)
                .limit(AT_ONCE)
                .all(db.read())
                .await?;
            *seen = more.last().map_or(*seen, |row| row.position);
            shown.extend(more);
        }
        show(shown, usize::MAX, output);
    }
}

/// One line an event, in the order in which they were written.
fn show(mut events: Vec<Model>, most: usize, output: Output) {
    events.sort_by_key(|event| event.id);
    let skip = events.len().saturating_sub(most);
    for event in events.into_iter().skip(skip) {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let state = if event.published_at.is_some() { "published" } else { "waits" };
        let text = format!("{}  {}  {state}\n    {}", event.at.format("%Y-%m-%d %H:%M:%S"), event.subject, event.data);
        output.result(
            &json!({
                "id": event.id, "type": event.kind, "subject": event.subject, "time": event.at,
                "key": event.key, "version": event.version, "published_at": event.published_at, "data": data,
            }),
            &text,
        );
    }
}
