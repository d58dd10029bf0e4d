//! Reads a resident by id over gRPC, against what Postgres and gRPC alone would leave.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use linju_proto::residents::v1::GetResidentRequest;

use super::bytes;
use crate::{
    Plan, captured,
    echo::EchoServer,
    ground::{Ground, Install},
    load,
    measures::import::fill,
    pgbench::{CLIENTS, Pgbench, Script},
    stats::{Spread, composed, thousands},
    table::{Table, Target},
    wire::Caller,
};

pub(super) const METHOD: &str = "/linju.residents.v1.ResidentService/GetResident";
pub(super) const PEOPLE: u32 = 10_000;
/// Residents that pgbench reads; fewer than the service does, which only favours pgbench.
const SCRIPTS: usize = 8;

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let install = ground.install()?;
    fill(ground, &install, 0..PEOPLE)?;
    install.settle("residents")?;
    let ids = ids(&install)?;
    let scripts = scripts(ground, &install, &ids).await?;

    let serving = install.serve(&["residents"])?;
    let service = install.caller(&serving, METHOD).await?;
    let answer = service.call(0, request(&ids[0])).await?.len();
    let echo_server = EchoServer::start(answer)?;
    let echo = echo_server.caller().await?;
    let pgbench = Pgbench::new(ground, &install.url("residents"));
    let messages: Vec<Bytes> = ids.iter().map(|id| request(id)).collect();

    let (mut ratios, mut rates, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let bare_sql = pgbench.run(&scripts, plan.leg)?;
        let bare_call = closed(plan, &echo, &messages).await?;
        let rate = closed(plan, &service, &messages).await?;
        let limit = composed(&[bare_sql, bare_call]);
        eprintln!("  pgbench {bare_sql:.0}/s, echo {bare_call:.0}/s, composed {limit:.0}/s, service {rate:.0}/s");
        if round > 0 {
            ratios.push(rate / limit);
            rates.push(rate);
            limits.push([bare_sql, bare_call]);
        }
    }
    let (ratio, rate) = (Spread::of(&ratios), Spread::of(&rates));
    table.held(
        "Read a resident by id, of the composed limit (closed loop, 32 clients)",
        (Target::AtLeast(0.55), "≥ 55 %"),
        ratio,
        ratio.percent(),
    );
    table.shown("– calls/s", rate.whole(""));
    let of = |i: usize| Spread::of(&limits.iter().map(|pair| pair[i]).collect::<Vec<_>>()).whole("");
    table.shown("– pgbench, the same statements, tps", of(0));
    table.shown(&format!("– bare echo of {answer} B, calls/s"), of(1));
    latency(plan, &service, messages, rate.median, table).await
}

/// Latency at 50 % and 80 % of the highest rate.
async fn latency(plan: Plan, service: &Caller, messages: Vec<Bytes>, knee: f64, table: &mut Table) -> Result<()> {
    for share in [0.5, 0.8] {
        let call = {
            let (service, messages) = (service.clone(), messages.clone());
            move |n: usize, _| {
                let (service, message) = (service.clone(), messages[n % messages.len()].clone());
                async move { service.call(n, message).await.map(drop) }
            }
        };
        let open = load::open(knee * share, plan.leg + Duration::from_secs(2), call).await?;
        let name = format!("– latency at {:.0} % of that (open loop, {}/s)", share * 100.0, thousands(knee * share));
        if open.is_valid() {
            table.shown(
                &name,
                format!("p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms", open.ms(0.5), open.ms(0.99), open.ms(0.999)),
            );
        } else {
            table.void(&name, &format!("the generator itself was {:.1} % late", open.behind * 100.0));
        }
    }
    Ok(())
}

pub(super) async fn closed(plan: Plan, caller: &Caller, messages: &[Bytes]) -> Result<f64> {
    let (caller, messages) = (caller.clone(), messages.to_vec());
    let call = move |client: usize, n: usize| {
        // Each client begins at another place of the list.
        let message = messages[(client * 31 + n) % messages.len()].clone();
        let caller = caller.clone();
        async move { caller.call(client, message).await.map(drop) }
    };
    load::closed(CLIENTS, Plan::WARM, plan.leg, call).await
}

pub(super) fn request(id: &str) -> Bytes {
    bytes(&GetResidentRequest { id: id.to_owned() })
}

pub(super) fn ids(install: &Install<'_>) -> Result<Vec<String>> {
    let ids = install.sql("residents", "SELECT id FROM residents ORDER BY random() LIMIT 1000")?;
    Ok(ids.lines().map(str::to_owned).collect())
}

/// What the service sends for one read, as pgbench scripts over several residents.
pub(super) async fn scripts(ground: &Ground, install: &Install<'_>, ids: &[String]) -> Result<Vec<Script>> {
    let (id, database) = (&ids[0], install.database("residents"));
    install.sql("residents", &format!("ALTER DATABASE {database} SET log_statement = 'all'"))?;
    let from = ground.log(0)?.len();
    {
        let serving = install.serve(&["residents"])?;
        install.caller(&serving, METHOD).await?.call(0, request(id)).await?;
    }
    install.sql("residents", &format!("ALTER DATABASE {database} RESET log_statement"))?;
    let statements = captured::statements(&ground.log(from)?, id);
    ensure!(!statements.is_empty(), "the service's statements are not in Postgres' log");
    for statement in &statements {
        eprintln!("  {}", statement.sql);
    }
    let script = |(i, id): (usize, &String)| -> Result<Script> {
        let mut variables = vec![(format!("id{i}"), id.clone())];
        let mut text = String::new();
        for (s, statement) in statements.iter().enumerate() {
            let sql = statement.with(|n, value| match value {
                None => "NULL".to_owned(),
                Some(value) if value == ids[0] => format!(":id{i}"),
                Some(value) => {
                    let name = format!("s{s}p{n}");
                    variables.push((name.clone(), value.to_owned()));
                    format!(":{name}")
                }
            })?;
            text.push_str(&sql);
            text.push_str(";\n");
        }
        Ok(Script { text, variables })
    };
    ids.iter().take(SCRIPTS).enumerate().map(script).collect::<Result<_>>().context("the statements cannot be replayed")
}
