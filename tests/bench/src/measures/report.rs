//! Reports incidents, against pgbench with the statement that the service sends.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use linju_proto::incidents::v1::{Channel, Incident, Place, ReportIncidentRequest};
use prost::Message as _;
use uuid::Uuid;

use super::bytes;
use crate::{
    Plan,
    captured::{self, Statement},
    ground::{Ground, Install},
    load,
    pgbench::{CLIENTS, Pgbench, Script},
    stats::Spread,
    table::{Table, Target},
    wire::{Caller, new_id},
};

pub(super) const METHOD: &str = "/linju.incidents.v1.IncidentService/ReportIncident";

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let (install, alone) = (ground.install()?, ground.install()?);
    let sent = statements(ground, &install).await?;
    let serving = install.serve(&["incidents"])?;
    let service = install.caller(&serving, METHOD).await?;

    let (mut of_bare, mut of_relayed, mut rates) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    for round in 0..=plan.rounds {
        alone.settle("incidents")?;
        let bare = Pgbench::new(ground, &alone.url("incidents")).run(&[script(&sent)?], plan.leg)?;
        install.settle("incidents")?;
        let relayed = Pgbench::new(ground, &install.url("incidents")).run(&[script(&sent)?], plan.leg)?;
        wait_for_relay(&install)?;
        install.settle("incidents")?;
        let rate = closed(plan, &service).await?;
        wait_for_relay(&install)?;
        eprintln!("  pgbench {bare:.0}/s alone, {relayed:.0}/s beside the relay, service {rate:.0}/s");
        if round > 0 {
            of_bare.push(rate / bare);
            of_relayed.push(rate / relayed);
            for (all, one) in rates.iter_mut().zip([rate, bare, relayed]) {
                all.push(one);
            }
        }
    }
    let (bare, relayed) = (Spread::of(&of_bare), Spread::of(&of_relayed));
    let target = (Target::AtLeast(0.7), "≥ 70 %");
    let name = "Report an incident, of pgbench with the same statements (closed loop, 32 clients)";
    table.held(name, target, bare, bare.percent());
    table.shown(
        "– of pgbench while the relay publishes what pgbench writes, as it does for the service",
        relayed.percent(),
    );
    for (name, all) in ["– reports/s", "– pgbench alone, tps", "– pgbench beside the relay, tps"].iter().zip(&rates)
    {
        table.shown(name, Spread::of(all).whole(""));
    }
    Ok(())
}

async fn closed(plan: Plan, service: &Caller) -> Result<f64> {
    let service = service.clone();
    let call = move |client: usize, _| {
        let service = service.clone();
        async move { service.call(client, request()).await.map(drop) }
    };
    load::closed(CLIENTS, Plan::WARM, plan.leg, call).await
}

/// A report that nobody has made before.
pub(super) fn request() -> Bytes {
    bytes(&ReportIncidentRequest {
        channel: Channel::App.into(),
        place: Some(Place {
            area_code: "511903001008002".to_owned(),
            address: "白玉小区3栋2单元".to_owned(),
            latitude: Some(31.86),
            longitude: Some(106.75),
        }),
        description: "3单元楼道的灯坏了三天了，晚上老人上下楼看不见，请尽快来修".to_owned(),
        request_id: new_id().to_string(),
        ..Default::default()
    })
}

/// Until nothing waits in the outbox.
pub(super) fn wait_for_relay(install: &Install<'_>) -> Result<()> {
    for _ in 0..600 {
        let waits =
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE published_at IS NULL AND refused IS NULL LIMIT 1) w";
        if install.sql("incidents", waits)? == "0" {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("the relay has not published everything within a minute")
}

/// What one report sends to Postgres.
struct Sent {
    statements: Vec<Statement>,
    answer: Incident,
}

async fn statements(ground: &Ground, install: &Install<'_>) -> Result<Sent> {
    let database = install.database("incidents");
    install.sql("incidents", &format!("ALTER DATABASE {database} SET log_statement = 'all'"))?;
    let from = ground.log(0)?.len();
    let answer = {
        let serving = install.serve(&["incidents"])?;
        let answer = install.caller(&serving, METHOD).await?.call(0, request()).await?;
        wait_for_relay(install)?;
        Incident::decode(answer)?
    };
    install.sql("incidents", &format!("ALTER DATABASE {database} RESET log_statement"))?;
    let statements = captured::statements(&ground.log(from)?, &answer.id);
    ensure!(!statements.is_empty(), "the service's statement is not in Postgres' log");
    for statement in &statements {
        eprintln!("  {} ({} parameters)", statement.sql, statement.parameters.len());
    }
    Ok(Sent { statements, answer })
}

/// The same with ids of its own for every transaction. They grow with time as the service's do (UUID version 7), so that
/// the indexes are filled from the same end.
fn script(sent: &Sent) -> Result<Script> {
    let Sent { statements, answer } = sent;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let mut variables = vec![("i".to_owned(), now.to_string())];
    let mut ids: Vec<String> = Vec::new();
    let mut text = String::from("\\set i :i + 1\n");
    for (s, statement) in statements.iter().enumerate() {
        let sql = statement.with(|n, value| {
            let Some(value) = value else { return "NULL".to_owned() };
            if *value == answer.number {
                return "(to_hex(:i::bigint) || '-' || to_hex(:client_id::bigint))".to_owned();
            }
            if Uuid::parse_str(value).is_ok() {
                let known = ids.iter().position(|id| id == value);
                let place = known.unwrap_or_else(|| {
                    ids.push(value.to_owned());
                    ids.len() - 1
                });
                return format!("(lpad(to_hex(:i::bigint), 16, '0') || lpad(to_hex(:client_id::bigint * 16 + {place}), 16, '0'))::uuid");
            }
            let name = format!("s{s}p{n}");
            variables.push((name.clone(), value.to_owned()));
            format!(":{name}")
        });
        text.push_str(&sql.context("the statement cannot be replayed")?);
        text.push_str(";\n");
    }
    Ok(Script { text, variables })
}
