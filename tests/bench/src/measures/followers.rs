//! A thousand desks that follow their community through the gateway, and what they cost it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use linju_proto::common::v1::Role;
use tokio::task::JoinSet;

use super::report::{METHOD, request};
use crate::{
    Plan,
    ground::{Ground, Install},
    office::{Office, lift_limits},
    stats::{Spread, thousands},
    table::{Table, Target},
    web::{Follower, Web},
};

/// As many as one person may have open.
const LINES: usize = 20;
const PEOPLE: usize = 50;
/// Where [`request`] reports from.
const COMMUNITY: &str = "511903001008";

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let (rounds, events) = if plan.full { (5, 200) } else { (3, 50) };
    let mut install = ground.install()?;
    lift_limits(&mut install);
    let incidents = install.serve(&["incidents"])?;
    let service = install.caller(&incidents, METHOD).await?;
    let (mut costs, mut afterwards, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
    let people = people(&install).await?;
    for _ in 0..rounds {
        // Another process each time: memory that is freed does not go back to the system at once.
        let gateway = install.serve(&["gateway"])?;
        let web = Web::at(gateway.door);
        // The first line makes what all of them share.
        let mut followers = vec![follow(&web, &people[0]).await?];
        let before = gateway.process.memory()?;
        for n in 1..PEOPLE * LINES {
            followers.push(follow(&web, &people[n % PEOPLE]).await?);
        }
        let connected = gateway.process.memory()?;
        let began = Instant::now();
        let mut reading = JoinSet::new();
        for follower in followers {
            reading.spawn(hear(follower, events));
        }
        for n in 0..events {
            service.call(n, request()).await?;
        }
        let mut lines = Vec::new();
        while let Some(line) = reading.join_next().await {
            lines.push(line??);
        }
        let took = began.elapsed().as_secs_f64();
        let after = gateway.process.memory()?;
        eprintln!(
            "  {before:.1} MiB, {connected:.1} MiB with {} followers, {after:.1} MiB after {events} events in {took:.1} s",
            lines.len()
        );
        costs.push(connected.max(after) - before);
        afterwards.push(connected - before);
        seconds.push(took);
    }
    let (cost, connected) = (Spread::of(&costs), Spread::of(&afterwards));
    let name =
        format!("1,000 live followers through the gateway: resident memory added, after {events} events to each");
    table.held(&name, (Target::AtMost(30.0), "≤ 30 MB"), cost, cost.fixed(1, " MiB"));
    table.shown("– added by the connections alone", connected.fixed(1, " MiB"));
    let told = f64::from(u32::try_from(events * PEOPLE * LINES)?) / Spread::of(&seconds).median;
    table.shown(
        "– events told, of all followers together",
        format!("{}/s, reports one after the other", thousands(told)),
    );
    Ok(())
}

async fn people(install: &Install<'_>) -> Result<Vec<String>> {
    let gateway = install.serve(&["gateway"])?;
    let office = Office::open(install, &gateway).await?;
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(office.person(&format!("desk.{n}"), Role::Dispatcher, COMMUNITY).await?);
    }
    Ok(people)
}

/// Follows, and reads the greeting.
async fn follow(web: &Web, token: &str) -> Result<Follower> {
    let mut follower = web.follow(&format!("/v1/changes:follow?areaCode={COMMUNITY}"), token).await?;
    follower.next().await?;
    Ok(follower)
}

/// Hears of so many reports; the line stays open.
async fn hear(mut follower: Follower, reports: usize) -> Result<Follower> {
    let mut heard = 0;
    while heard < reports {
        let change = tokio::time::timeout(Duration::from_mins(1), follower.next()).await;
        let change = change.context("a follower hears nothing for a minute")??;
        heard += usize::from(change["kind"] == "IncidentReported");
    }
    Ok(follower)
}
