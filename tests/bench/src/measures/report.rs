//! Reports incidents, against pgbench with the statement that the service sends.

use anyhow::{Context as _, Result, ensure};
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
    wire::Caller,
};

pub(super) const METHOD: &str = "/linju.incidents.v1.IncidentService/ReportIncident";

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let install = ground.install()?;
    let statements = statements(ground, &install).await?;
    let serving = install.serve(&["incidents"])?;
    let service = install.caller(&serving, METHOD).await?;
    let pgbench = Pgbench::new(ground, &install.url("incidents"));

    let (mut ratios, mut rates, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        install.settle("incidents")?;
        let limit = pgbench.run(&[script(&statements)?], plan.leg)?;
        // The relay has pgbench's events to publish, too; the service is not measured while it does that.
        wait_for_relay(&install)?;
        install.settle("incidents")?;
        let rate = closed(plan, &service).await?;
        wait_for_relay(&install)?;
        eprintln!("  pgbench {limit:.0}/s, service {rate:.0}/s");
        if round > 0 {
            ratios.push(rate / limit);
            rates.push(rate);
            limits.push(limit);
        }
    }
    let ratio = Spread::of(&ratios);
    table.held(
        "Report an incident, of pgbench with the same statements (closed loop, 32 clients)",
        (Target::AtLeast(0.7), "≥ 70 %"),
        ratio,
        ratio.percent(),
    );
    table.shown("– reports/s", Spread::of(&rates).whole(""));
    table.shown("– pgbench, the same statements, tps", Spread::of(&limits).whole(""));
    table.remark(
        "Report: on both sides the relay of the running service publishes every event at the same time, so both pay for it.",
    );
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
        reporter: None,
        category: String::new(),
        request_id: random_id().to_string(),
    })
}

fn random_id() -> Uuid {
    Uuid::from_bytes(rand_bytes())
}

/// Unique in this run and the next: the time in nanoseconds and a counter.
fn rand_bytes() -> [u8; 16] {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::{SystemTime, UNIX_EPOCH},
    };
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    ((nanos << 64) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed))).to_be_bytes()
}

/// Until nothing waits in the outbox.
pub(super) fn wait_for_relay(install: &Install<'_>) -> Result<()> {
    for _ in 0..600 {
        let waits = "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE published_at IS NULL AND refused IS NULL LIMIT 1) w";
        if install.sql("incidents", waits)? == "0" {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    anyhow::bail!("the relay has not published everything within a minute")
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
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros();
    let mut variables = vec![("i".to_owned(), now.to_string())];
    let mut ids: Vec<String> = Vec::new();
    let mut text = String::from("\\set i :i + 1\n");
    for (s, statement) in statements.iter().enumerate() {
        let sql = statement.with(|n, value| {
            let Some(value) = value else { return "NULL".to_owned() };
            if *value == answer.number {
                return "(to_hex(:i) || '-' || to_hex(:client_id))".to_owned();
            }
            if Uuid::parse_str(value).is_ok() {
                let known = ids.iter().position(|id| id == value);
                let place = known.unwrap_or_else(|| {
                    ids.push(value.to_owned());
                    ids.len() - 1
                });
                return format!("(lpad(to_hex(:i), 16, '0') || lpad(to_hex(:client_id * 16 + {place}), 16, '0'))::uuid");
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
