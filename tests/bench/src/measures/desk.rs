//! The first page of a subdistrict's desk, in an office with few incidents and in one with many. Calls are made one after the
//! other, so that what is compared is the work of one answer; rounds go from office to office.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{IncidentState, ListIncidentsRequest, ListIncidentsResponse},
};
use prost::Message as _;

use super::{bytes, duplicates, report};
use crate::{
    Plan,
    ground::{Ground, Install, Serving},
    load::{histogram, ms},
    stats::{Spread, thousands},
    table::{Table, Target},
    wire::Caller,
};

pub(super) const SUBDISTRICT: &str = "511903001";
const LIST: &str = "/linju.incidents.v1.IncidentService/ListIncidents";
const PAGE: usize = 50;
/// Calls of one question in one round.
const CALLS: u32 = 200;
const OPEN: [IncidentState; 8] = [
    IncidentState::Reported,
    IncidentState::Triaged,
    IncidentState::Dispatched,
    IncidentState::Accepted,
    IncidentState::InProgress,
    IncidentState::WaitingReporter,
    IncidentState::SolutionProposed,
    IncidentState::Unsolvable,
];
const QUESTIONS: [&str; 3] = ["what is open", "all, the newest first", "what is open in a community"];

/// An office, being served.
struct Office<'g> {
    open: u32,
    closed: u32,
    install: Install<'g>,
    _serving: Serving,
    caller: Caller,
    medians: [Vec<f64>; 3],
}

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let sizes = if plan.full { [(20_000, 0), (200_000, 2_000_000)] } else { [(2_000, 0), (20_000, 200_000)] };
    let mut offices = Vec::new();
    for (open, closed) in sizes {
        eprintln!("  an office with {open} open and {closed} closed incidents …");
        offices.push(Office::fill(ground, open, closed).await?);
    }
    for round in 0..=plan.rounds {
        for office in &mut offices {
            office.ask(round > 0).await?;
        }
    }
    let [small, large] = &offices[..] else { return Ok(()) };
    for (q, question) in QUESTIONS.iter().enumerate() {
        let ratios: Vec<f64> =
            large.medians[q].iter().zip(&small.medians[q]).map(|(large, small)| large / small).collect();
        let (ratio, from, to) = (Spread::of(&ratios), Spread::of(&small.medians[q]), Spread::of(&large.medians[q]));
        let name = format!(
            "First page of {PAGE} of a subdistrict's desk, {question}: {} open and {} closed, of {} open",
            thousands(f64::from(large.open)),
            thousands(f64::from(large.closed)),
            thousands(f64::from(small.open))
        );
        let reached = format!("{} ({:.2} ms → {:.2} ms)", ratio.fixed(2, "×"), from.median, to.median);
        table.held(&name, (Target::AtMost(1.3), "≤ 1.3×"), ratio, reached);
    }
    let size = large.install.sql("incidents", "SELECT pg_size_pretty(pg_database_size(current_database()))")?;
    table.shown("– database of the larger office", size);
    duplicates::run(ground, &large.install, plan, table).await
}

impl<'g> Office<'g> {
    async fn fill(ground: &'g Ground, open: u32, closed: u32) -> Result<Self> {
        let install = ground.install()?;
        {
            // One real incident is the pattern of all; categories are there once the service has started.
            let serving = install.serve(&["incidents"])?;
            install.caller(&serving, report::METHOD).await?.call(0, report::request()).await?;
            report::wait_for_relay(&install)?;
        }
        copy(&install, "open", open)?;
        copy(&install, "closed", closed)?;
        install.settle("incidents")?;
        let serving = install.serve(&["incidents"])?;
        let reporter = install.caller(&serving, report::METHOD).await?;
        // What is sealed is sealed for its row. These are the newest, so that each page can be opened.
        for n in 0..=PAGE {
            reporter.call(n, report::request()).await?;
        }
        report::wait_for_relay(&install)?;
        let token = install.token(Role::Dispatcher, Some(SUBDISTRICT))?;
        let caller = Caller::connect(serving.grpc, LIST, Some(&token)).await?;
        let office = Self { open, closed, install, _serving: serving, caller, medians: Default::default() };
        for question in questions() {
            let page = ListIncidentsResponse::decode(office.caller.call(0, question).await?)?;
            ensure!(page.incidents.len() == PAGE && !page.next_page_token.is_empty(), "a page is not full");
        }
        Ok(office)
    }

    async fn ask(&mut self, counts: bool) -> Result<()> {
        for (q, question) in questions().into_iter().enumerate() {
            let mut latency: Histogram<u64> = histogram()?;
            for _ in 0..CALLS {
                let began = Instant::now();
                self.caller.call(0, question.clone()).await?;
                latency.saturating_record(u64::try_from(began.elapsed().as_micros())?.max(1));
            }
            if counts {
                self.medians[q].push(ms(&latency, 0.5));
            }
            eprintln!("  {} open: {} {:.2} ms", self.open, QUESTIONS[q], ms(&latency, 0.5));
        }
        Ok(())
    }
}

fn questions() -> [Bytes; 3] {
    let list = |area_code: &str, states: &[IncidentState]| {
        bytes(&ListIncidentsRequest {
            area_code: area_code.to_owned(),
            states: states.iter().map(|state| (*state).into()).collect(),
            page_size: i32::try_from(PAGE).unwrap_or_default(),
            ..Default::default()
        })
    };
    [list(SUBDISTRICT, &OPEN), list(SUBDISTRICT, &[]), list("511903001008", &OPEN)]
}

/// Copies of the first incident: in 16 communities with two grids each, within 6 km, of all categories; open ones of the last
/// 60 days, closed ones of the last three years.
fn copy(install: &Install<'_>, kind: &str, count: u32) -> Result<()> {
    let (states, days) = if kind == "open" {
        ("ARRAY['reported', 'triaged', 'dispatched', 'accepted', 'in_progress', 'solution_proposed']", 60)
    } else {
        ("ARRAY['closed']", 1_095)
    };
    let closed_at = if kind == "open" { "NULL" } else { "at + interval '2 days'" };
    let statement = format!(
        "INSERT INTO incidents SELECT copy.* FROM incidents pattern, \
           (SELECT array_agg(code) AS codes FROM categories WHERE code LIKE '%.%') c, generate_series(1, {count}) n, \
           LATERAL (SELECT now() - interval '3 days' - make_interval(secs => n * {days} * 86400.0 / {count}) AS at) t, \
           LATERAL jsonb_populate_record(pattern, jsonb_build_object( \
             'id', lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'), \
             'number', '{kind}' || n, \
             'area_code', 511903001000000 + (n % 16 + 1) * 1000 + n / 16 % 2 + 1, \
             'state', ({states})[1 + n % cardinality({states})], \
             'category', c.codes[1 + n * 7 % cardinality(c.codes)], \
             'latitude', 31.83 + random() * 0.06, 'longitude', 106.72 + random() * 0.06, \
             'reported_at', at, 'updated_at', at, 'closed_at', {closed_at})) copy \
         WHERE pattern.id = (SELECT id FROM incidents ORDER BY id DESC LIMIT 1)"
    );
    install.sql("incidents", &statement).map(drop).with_context(|| format!("{count} {kind} incidents"))
}
