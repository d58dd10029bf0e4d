//! Reads a resident over REST through the gateway, against what Postgres and gRPC alone would leave and against the same
//! call by gRPC. The gateway does all that it does for anybody: it asks who calls, counts, and translates. All calls are HTTP/2 by
//! one client, so that the generator costs the same on both sides.

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::uri::PathAndQuery;

use super::{door::Door, read};
use crate::{
    Plan,
    echo::EchoServer,
    ground::Ground,
    load::{self, Open},
    pgbench::{CLIENTS, Pgbench},
    stats::{Spread, composed},
    table::{Table, Target},
    wire::{Caller, Rest},
};

/// What the rounds found.
#[derive(Default)]
struct Found {
    of_limit: Vec<f64>,
    of_grpc: Vec<f64>,
    rates: [Vec<f64>; 4],
    /// Milliseconds at the median: by gRPC, by REST, and their difference.
    medians: [Vec<f64>; 3],
    p99: Vec<f64>,
    memory: Vec<f64>,
}

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let door = Door::open(ground).await?;
    let direct = door.install.caller(&door.residents, read::METHOD).await?;
    let messages: Vec<Bytes> = door.ids.iter().map(|id| read::request(id)).collect();
    let rest = Rest::connect(door.gateway.door, &door.token).await?;
    let path = |id: &String| PathAndQuery::try_from(format!("/v1/residents/{id}"));
    let paths: Vec<PathAndQuery> = door.ids.iter().map(path).collect::<Result<_, _>>()?;
    let masked = rest.get(0, paths[0].clone()).await?;
    ensure!(String::from_utf8_lossy(&masked).contains("**"), "the answer is not masked");

    let answer = direct.call(0, messages[0].clone()).await?.len();
    let echo_server = EchoServer::start(answer)?;
    let echo = echo_server.caller().await?;
    let pgbench = Pgbench::new(ground, &door.install.url("residents"));
    let scripts = read::scripts(ground, &door.install, &door.ids).await?;

    let mut found = Found::default();
    for round in 0..=plan.rounds {
        let bare_sql = pgbench.run(&scripts, plan.leg)?;
        let bare_call = read::closed(plan, &echo, &messages).await?;
        let grpc = read::closed(plan, &direct, &messages).await?;
        let rate = closed(plan, &rest, &paths).await?;
        let memory = door.gateway.process.memory()?;
        let by_grpc = open_grpc(plan, rate / 2.0, &direct, &messages).await?;
        let by_rest = open_rest(plan, rate / 2.0, &rest, &paths).await?;
        let limit = composed(&[bare_call / 2.0, bare_sql]);
        eprintln!(
            "  pgbench {bare_sql:.0}/s, echo {bare_call:.0}/s, composed {limit:.0}/s, gRPC {grpc:.0}/s, REST {rate:.0}/s, \
             {memory:.0} MiB; at half of it p50 {:.2} ms by gRPC, {:.2} ms by REST",
            by_grpc.ms(0.5),
            by_rest.ms(0.5)
        );
        if round == 0 {
            continue;
        }
        found.of_limit.push(rate / limit);
        found.of_grpc.push(rate / grpc);
        found.memory.push(memory);
        for (all, one) in found.rates.iter_mut().zip([rate, grpc, bare_sql, bare_call]) {
            all.push(one);
        }
        if by_grpc.is_valid() && by_rest.is_valid() {
            let (grpc, rest) = (by_grpc.ms(0.5), by_rest.ms(0.5));
            for (all, one) in found.medians.iter_mut().zip([grpc, rest, rest - grpc]) {
                all.push(one);
            }
            found.p99.push(by_rest.ms(0.99));
        }
    }
    tell(&found, answer, table);
    Ok(())
}

fn tell(found: &Found, answer: usize, table: &mut Table) {
    let Found { of_limit, of_grpc, rates, medians, p99, memory } = found;
    let (of_limit, of_grpc) = (Spread::of(of_limit), Spread::of(of_grpc));
    let name = "Read a resident by REST through the gateway, of the composed limit of two echoes and the select (closed loop, \
                32 clients)";
    table.held(name, (Target::AtLeast(0.45), "≥ 45 %"), of_limit, of_limit.percent());
    let name = "– of the same call by gRPC to the service";
    table.held(name, (Target::AtLeast(0.6), "≥ 60 %"), of_grpc, of_grpc.percent());
    let names = [
        "– REST through the gateway, calls/s",
        "– gRPC to the service, calls/s",
        "– pgbench, the same statements, tps",
    ];
    for (name, rates) in names.iter().zip(rates) {
        table.shown(name, Spread::of(rates).whole(""));
    }
    table.shown(&format!("– bare echo of {answer} B, calls/s"), Spread::of(&rates[3]).whole(""));

    let name = "– added by the gateway at the median, at half of its highest rate (open loop)";
    if medians[2].is_empty() {
        table.void(name, "the generator fell behind its plan in every round");
    } else {
        let [grpc, rest, added] = medians.each_ref().map(|rounds| Spread::of(rounds));
        table.held(name, (Target::AtMost(1.0), "≤ 1 ms"), added, added.fixed(2, " ms"));
        let p99 = Spread::of(p99).fixed(1, " ms");
        let told = format!("p50 {}, by gRPC {}; p99 {p99}", rest.fixed(2, " ms"), grpc.fixed(2, " ms"));
        table.shown("– latency at that rate", told);
    }
    let memory = Spread::of(memory);
    table.held(
        "– resident memory of the gateway after each load",
        (Target::AtMost(40.0), "≤ 40 MB"),
        memory,
        memory.fixed(1, " MiB"),
    );
}

async fn open_grpc(plan: Plan, rate: f64, caller: &Caller, messages: &[Bytes]) -> Result<Open> {
    let call = |n: usize, _| {
        let (caller, message) = (caller.clone(), messages[n % messages.len()].clone());
        async move { caller.call(n, message).await.map(drop) }
    };
    load::open(rate, plan.leg, call).await
}

async fn open_rest(plan: Plan, rate: f64, rest: &Rest, paths: &[PathAndQuery]) -> Result<Open> {
    let call = |n: usize, _| {
        let (rest, path) = (rest.clone(), paths[n % paths.len()].clone());
        async move { rest.get(n, path).await.map(drop) }
    };
    load::open(rate, plan.leg, call).await
}

async fn closed(plan: Plan, rest: &Rest, paths: &[PathAndQuery]) -> Result<f64> {
    let (rest, paths) = (rest.clone(), paths.to_vec());
    let call = move |client: usize, n: usize| {
        // Each client begins at another place of the list.
        let (rest, path) = (rest.clone(), paths[(client * 31 + n) % paths.len()].clone());
        async move { rest.get(client, path).await.map(drop) }
    };
    load::closed(CLIENTS, Plan::WARM, plan.leg, call).await
}
