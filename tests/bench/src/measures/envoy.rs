//! The gateway beside Envoy: the same requests, the same service behind both, translated from the same descriptors. Envoy
//! only translates; the gateway also asks who calls, counts, signs a token for the service and keeps its limits.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use linju_proto::common::v1::Role;
use serde_json::{Value, json};
use test_servers::free_port;

use super::door::{Door, per_cpu, requests};
use crate::{
    Plan,
    ground::Ground,
    process::Process,
    stats::Spread,
    table::{Table, Target},
    web::Web,
};

const NAME: &str = "Gateway, REST reads per second of processor time, of Envoy's transcoder (which asks nobody for a token and \
                    keeps no limits)";

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let Some(program) = test_servers::envoy() else {
        table.void(NAME, "SKIPPED: there is no Envoy; run scripts/install-tools envoy");
        return Ok(());
    };
    let door = Door::open(ground).await?;
    let port = free_port()?;
    let envoy = start(&program, ground.folder(), port, door.residents.grpc)?;
    let (ours, theirs) = (Web::at(door.gateway.door), Web::at(port));
    let to_us = door.requests();
    // Envoy passes a token on; this one is the service's own kind.
    let to_them = requests(&door.ids, &door.install.token(Role::CommunityManager, Some("511903"))?);
    let same =
        |body: &[u8]| serde_json::from_slice::<Value>(body).map(|read| (read["id"].clone(), read["name"].clone()));
    let (a, b) = (ours.call(&to_us[0]).await?, theirs.call(&to_them[0]).await?);
    ensure!(same(&a)? == same(&b)?, "the two do not answer the same");

    let (mut ratios, mut found) = (Vec::new(), [const { Vec::new() }; 4]);
    for round in 0..=plan.rounds {
        let (their_rate, their_each) = per_cpu(plan, &theirs, &to_them, &[&envoy]).await?;
        let (our_rate, our_each) = per_cpu(plan, &ours, &to_us, &[&door.gateway.process]).await?;
        eprintln!(
            "  per CPU-second: gateway {our_each:.0}, Envoy {their_each:.0}; gateway {our_rate:.0}/s, Envoy {their_rate:.0}/s"
        );
        if round > 0 {
            ratios.push(our_each / their_each);
            for (all, one) in found.iter_mut().zip([our_each, their_each, our_rate, their_rate]) {
                all.push(one);
            }
        }
    }
    let ratio = Spread::of(&ratios);
    table.held(NAME, (Target::AtLeast(1.0), "≥ 1.0×"), ratio, ratio.fixed(2, "×"));
    let names = [
        "– gateway, calls per CPU-second",
        "– Envoy, calls per CPU-second",
        "– through the gateway, calls/s (closed loop, 32 clients)",
        "– through Envoy, calls/s (closed loop, 32 clients)",
    ];
    for (name, all) in names.iter().zip(&found) {
        table.shown(name, Spread::of(all).whole(""));
    }
    table.shown(
        "– resident memory, gateway and Envoy",
        format!("{:.1} and {:.1} MiB", door.gateway.process.memory()?, envoy.memory()?),
    );
    Ok(())
}

/// Starts an Envoy with as many workers as there are processors, and waits until it takes connections.
fn start(program: &Path, folder: &Path, port: u16, service: u16) -> Result<Process> {
    let (descriptors, settings, log) =
        (folder.join("descriptors"), folder.join("envoy.json"), folder.join("envoy.log"));
    fs::write(&descriptors, linju_proto::DESCRIPTORS)?;
    fs::write(&settings, config(port, service, &descriptors).to_string())?;
    let workers = thread::available_parallelism()?.to_string();
    let mut envoy = Process::start(program, &log, |command| {
        command.arg("-c").arg(&settings);
        command.args(["--concurrency", &workers, "--use-dynamic-base-id", "-l", "warning"]);
    })?;
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if began.elapsed() > Duration::from_secs(30) || envoy.ended()?.is_some() {
            bail!("Envoy does not answer: {}", fs::read_to_string(log)?);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(envoy)
}

/// One listener, one cluster, and the transcoder between them.
fn config(port: u16, service: u16, descriptors: &Path) -> Value {
    let address = |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let transcoder = json!({
        "@type": kind("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
        "proto_descriptor": descriptors,
        "services": ["linju.residents.v1.ResidentService"],
    });
    let manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "door",
        "route_config": { "virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "services", "timeout": "30s" } }],
        }] },
        "http_filters": [
            { "name": "transcoder", "typed_config": transcoder },
            { "name": "router", "typed_config": { "@type": kind("filters.http.router.v3.Router") } },
        ],
    });
    json!({ "static_resources": {
        "listeners": [{
            "address": address(port),
            "filter_chains": [{ "filters": [{ "name": "manager", "typed_config": manager }] }],
        }],
        "clusters": [{
            "name": "services",
            "type": "STATIC",
            "connect_timeout": "5s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
                    "explicit_http_config": { "http2_protocol_options": {} },
                },
            },
            "load_assignment": {
                "cluster_name": "services",
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(service) } }] }],
            },
        }],
    } })
}
