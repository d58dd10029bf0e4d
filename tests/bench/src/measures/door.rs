//! A register behind the gateway: two processes, as in production, and somebody who has signed in.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use linju_proto::common::v1::Role;

use super::{import::fill, read};
use crate::{
    Plan,
    ground::{Ground, Install, Serving},
    load,
    office::{Office, lift_limits},
    pgbench::CLIENTS,
    process::Process,
    web::{Web, get},
};

pub(super) struct Door<'g> {
    pub(super) install: Install<'g>,
    pub(super) residents: Serving,
    pub(super) gateway: Serving,
    /// Who is read.
    pub(super) ids: Vec<String>,
    /// The reader's access token.
    pub(super) token: String,
}

impl<'g> Door<'g> {
    pub(super) async fn open(ground: &'g Ground) -> Result<Self> {
        let mut install = ground.install()?;
        fill(ground, &install, 0..read::PEOPLE)?;
        install.settle("residents")?;
        let ids = read::ids(&install)?;
        lift_limits(&mut install);
        let residents = install.serve(&["residents"])?;
        install.set("service.gateway.upstreams.residents", format!("127.0.0.1:{}", residents.grpc));
        let gateway = install.serve(&["gateway"])?;
        let office = Office::open(&install, &gateway).await?;
        let token = office.person("reader", Role::CommunityManager, "511903").await?;
        Ok(Self { install, residents, gateway, ids, token })
    }

    /// The reader's requests to the gateway.
    pub(super) fn requests(&self) -> Vec<Bytes> {
        requests(&self.ids, &self.token)
    }
}

/// A read of each resident over REST.
pub(super) fn requests(ids: &[String], token: &str) -> Vec<Bytes> {
    ids.iter().map(|id| get(&format!("/v1/residents/{id}"), token)).collect()
}

/// Answers per second, and per second of the processor time that the named processes used for them.
pub(super) async fn per_cpu(plan: Plan, web: &Web, requests: &[Bytes], processes: &[&Process]) -> Result<(f64, f64)> {
    let used = || processes.iter().map(|process| process.cpu()).sum::<Result<f64>>();
    loaded(Plan::WARM, web, requests).await?;
    let before = used()?;
    let rate = loaded(plan.leg, web, requests).await?;
    let cpu = used()? - before;
    ensure!(cpu > 0.0, "no processor time was used");
    Ok((rate, rate * plan.leg.as_secs_f64() / cpu))
}

async fn loaded(time: Duration, web: &Web, requests: &[Bytes]) -> Result<f64> {
    let (web, requests) = (web.clone(), requests.to_vec());
    let call = move |client: usize, n: usize| {
        // Each client begins at another place of the list.
        let (web, request) = (web.clone(), requests[(client * 31 + n) % requests.len()].clone());
        async move { web.call(&request).await.map(drop) }
    };
    load::closed(CLIENTS, Duration::ZERO, time, call).await
}
