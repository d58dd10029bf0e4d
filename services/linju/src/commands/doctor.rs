//! `linju doctor`: every part of an install, whether it is well, and how to mend it.

use std::process::ExitCode;

use chassis::{
    data::{Db, MasterKey},
    events::{OutboxState, has_served, timers},
    run::{Install, Service, Settings, pending},
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};
use serde::Serialize;

use crate::{
    output::{Output, exit},
    services::ALL,
};

/// Postgres before this has not been tried.
const POSTGRES: i32 = 150_000;

/// One thing looked at.
#[derive(Serialize)]
struct Finding {
    what: String,
    well: bool,
    /// What is wrong and how to mend it, or what was found.
    said: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn well(&mut self, what: impl Into<String>, said: impl Into<String>) {
        self.0.push(Finding { what: what.into(), well: true, said: said.into() });
    }

    fn fault(&mut self, what: impl Into<String>, said: impl Into<String>) {
        self.0.push(Finding { what: what.into(), well: false, said: said.into() });
    }
}

pub(super) async fn run(settings: Settings, output: Output) -> anyhow::Result<ExitCode> {
    let mut found = Findings::default();
    found.well("configuration", "it can be read");
    let install = Install { settings, clock: chassis::data::Clock::system(), ids: chassis::data::Ids::random() };
    if let Err(e) = chassis::data::self_test() {
        found.fault("cryptography", e.to_string());
    }
    keys(&install, &mut found);
    for service in ALL {
        if let Some(db) = database(&install, service, &mut found).await {
            contents(&install, service, &db, &mut found).await;
            db.close().await;
        }
    }
    bus(&install, &mut found).await;

    let faults = found.0.iter().filter(|f| !f.well).count();
    let mut text = String::new();
    for f in &found.0 {
        text.push_str(&format!("{} {}: {}\n", if f.well { "  ok " } else { "FAULT" }, f.what, f.said));
    }
    text.push_str(&match faults {
        0 => "everything is well\n".to_owned(),
        1 => "1 fault\n".to_owned(),
        n => format!("{n} faults\n"),
    });
    output.result(&found.0, &text);
    Ok(ExitCode::from(if faults == 0 { 0 } else { exit::FAULTS }))
}

fn keys(install: &Install, found: &mut Findings) {
    let data = |name: &str| install.settings.data_dir.join(format!("{name}.db")).exists();
    let fresh = install.settings.is_embedded() && !ALL.iter().any(|service| data(service.name()));
    if fresh && !install.settings.master_key().exists() {
        return found.well("keys", "there are none yet; `linju serve` makes them on its first start");
    }
    match MasterKey::from_file(&install.settings.master_key()) {
        Ok(_) => found.well("master key", install.settings.master_key().display().to_string()),
        Err(e) => found.fault("master key", e.to_string()),
    }
    match install.verifier() {
        Ok(_) => found.well("token keys", install.settings.token_public().display().to_string()),
        Err(e) => found.fault("token keys", format!("{e}; `linju keys new` makes a pair")),
    }
}

async fn database(install: &Install, service: &'static dyn Service, found: &mut Findings) -> Option<Db> {
    let what = format!("database of {}", service.name());
    let settings = &install.settings;
    if settings.is_embedded() && !settings.data_dir.join(format!("{}.db", service.name())).exists() {
        found.well(what, "there is none yet; `linju serve` makes it on its first start");
        return None;
    }
    let db = match install.open(service.name()).await {
        Ok(db) => db,
        Err(e) => {
            found.fault(what, e.to_string());
            return None;
        }
    };
    if db.backend() == DbBackend::Postgres {
        let version = Statement::from_string(DbBackend::Postgres, "SELECT current_setting('server_version_num')::int");
        let version: Option<i32> =
            db.read().query_one_raw(version).await.ok().flatten().and_then(|row| row.try_get_by_index(0).ok());
        if let Some(version) = version.filter(|v| *v < POSTGRES) {
            found.fault(&what, format!("Postgres {} is too old: use 15 or newer", version / 10_000));
        }
    }
    match pending(&db, service).await {
        Ok(0) => found.well(what, "it can be opened and is up to date"),
        Ok(n) if settings.is_embedded() => found.well(what, format!("{n} migrations come with the next start")),
        Ok(n) => found.fault(what, format!("{n} migrations are missing: run `linju migrate`")),
        Err(e) => found.fault(what, e.to_string()),
    }
    Some(db)
}

async fn contents(install: &Install, service: &'static dyn Service, db: &Db, found: &mut Findings) {
    let name = service.name();
    if pending(db, service).await.is_ok_and(|n| n > 0) {
        return;
    }
    match install.keyring(name, db).await {
        Ok(_) => found.well(format!("data keys of {name}"), "the master key opens them"),
        Err(e) => found.fault(format!("data keys of {name}"), e.to_string()),
    }
    match OutboxState::read(db.read(), &install.clock).await {
        Ok(state) if state.oldest_age.as_secs() > 60 => found.fault(
            format!("outbox of {name}"),
            format!(
                "{} events wait, the first for {} s: is the service running, and does the event bus answer?",
                state.unpublished,
                state.oldest_age.as_secs()
            ),
        ),
        Ok(state) => found.well(format!("outbox of {name}"), format!("{} events wait", state.unpublished)),
        Err(e) => found.fault(format!("outbox of {name}"), e.to_string()),
    }
    // Before the first start some are due already: those that a migration has set.
    if let (Ok(overdue), Ok(true)) = (timers::overdue(db.read(), &install.clock).await, has_served(db.read()).await)
        && overdue > 0
    {
        found.fault(format!("timers of {name}"), format!("{overdue} are overdue: is the service running?"));
    }
}

async fn bus(install: &Install, found: &mut Findings) {
    let what = if install.settings.bus.nats.is_some() { "NATS" } else { "event log" };
    if install.settings.bus.nats.is_none() && !install.settings.event_log().exists() {
        return found.well(what, "there is none yet; `linju serve` makes it on its first start");
    }
    let bus = match install.bus().await {
        Ok(bus) => bus,
        Err(e) => return found.fault(what, e.to_string()),
    };
    match bus.check().await {
        Ok(()) => {
            found.well(what, "it answers");
            match bus.parked(1).await {
                Ok(parked) if parked.is_empty() => {}
                Ok(_) => found.fault("parked events", "some events could not be handled: see `linju dlq list`"),
                Err(e) => found.fault("parked events", e.to_string()),
            }
        }
        Err(e) => found.fault(what, e.to_string()),
    }
    bus.close().await;
}
