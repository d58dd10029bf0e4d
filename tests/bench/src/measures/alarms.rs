//! Alarms of partners over NATS: how many are taken in while several companies' devices repeat themselves, and how soon a new
//! situation is on the desk.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::Client;
use linju_proto::common::v1::Role;
use tokio::{task::JoinSet, time::Instant};

use super::partners::{COMMUNITIES, DEVICES, KINDS, PARTNERS, Partners, SUBDISTRICTS, alarm, name};
use crate::{
    Plan,
    ground::Ground,
    load::{self, histogram, ms},
    office::{Office, lift_limits},
    stats::Spread,
    table::{Table, Target},
    web::{Follower, Web},
};

/// Alarms that each partner has asked and not yet been answered.
const ASKED: usize = 128;
/// Alarms a second while the way to the desk is measured; one of so many opens a situation.
const RATE: f64 = 500.0;
const OPENS: usize = 5;

pub(super) async fn run(ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
    let partners = Partners::open(ground)?;
    asked(&partners, plan, table).await?;
    kept(&partners, plan, table).await?;
    to_desk(partners, plan, table).await
}

/// Alarms that are answered once they are committed. All devices of four communities repeat one fault.
async fn asked(partners: &Partners<'_>, plan: Plan, table: &mut Table) -> Result<()> {
    let _serving = partners.install.serve(&["incidents"])?;
    lanes(partners).await?;
    let mut lines = Vec::new();
    for n in 0..PARTNERS {
        lines.push(partners.connect(n).await?);
    }
    let lines = Arc::new(lines);
    let mut rates = Vec::new();
    for round in 0..=plan.rounds {
        partners.install.settle("incidents")?;
        let lines = Arc::clone(&lines);
        let call = move |client: usize, n: usize| {
            let line = lines[client % PARTNERS].clone();
            async move {
                let alarm = alarm("asked", &format!("D-{}", (client / PARTNERS + n) % DEVICES), "device_fault");
                let answer = line.request("ask.alarm", alarm.into()).await?;
                ensure!(
                    &answer.payload[..] == br#"{"result":"ok"}"#,
                    "refused: {}",
                    String::from_utf8_lossy(&answer.payload)
                );
                Ok(())
            }
        };
        let rate = load::closed(PARTNERS * ASKED, Plan::WARM, plan.leg, call).await?;
        eprintln!("  {rate:.0} alarms/s asked and answered");
        if round > 0 {
            rates.push(rate);
        }
    }
    let rate = Spread::of(&rates);
    let name = format!(
        "Alarms taken in, each answered once it is committed: a storm of {PARTNERS} partners with {DEVICES} devices each that \
         repeat themselves (closed loop, {} at once)",
        PARTNERS * ASKED
    );
    table.held(&name, (Target::AtLeast(5_000.0), "≥ 5,000/s"), rate, rate.whole("/s"));
    let situations = partners.install.sql("incidents", "SELECT count(*) FROM situations")?;
    let alarms = partners.install.sql("incidents", "SELECT count(*) FROM alarms")?;
    table.shown("– situations that the storm has made", format!("{situations} of {alarms} alarms"));
    Ok(())
}

/// Alarms that have waited on the server while the service was down.
async fn kept(partners: &Partners<'_>, plan: Plan, table: &mut Table) -> Result<()> {
    let each = if plan.full { 20_000 } else { 5_000 };
    let (mut rates, rounds) = (Vec::new(), plan.rounds.min(3));
    for round in 0..=rounds {
        let prefix = format!("kept{round}");
        for n in 0..PARTNERS {
            let line = partners.connect(n).await?;
            for m in 0..each {
                line.publish("alarm", alarm(&prefix, &format!("D-{}", m % DEVICES), "flooding").into()).await?;
            }
            line.flush().await?;
        }
        waits(partners, each * PARTNERS).await?;
        partners.install.settle("incidents")?;
        let _serving = partners.install.serve(&["incidents"])?;
        waits(partners, 0).await?;
        // Alarms of a batch have one time. The last batch is not counted, since only its beginning is known.
        let rate = format!(
            "SELECT count(*) FILTER (WHERE received_at < last) / extract(epoch FROM max(last) - min(received_at)) \
             FROM alarms, (SELECT max(received_at) AS last FROM alarms WHERE partner_alarm_id LIKE '{prefix}-%') m \
             WHERE partner_alarm_id LIKE '{prefix}-%'"
        );
        let rate: f64 = partners.install.sql("incidents", &rate)?.parse()?;
        eprintln!("  {rate:.0} alarms/s that had waited");
        if round > 0 {
            rates.push(rate);
        }
    }
    let rate = Spread::of(&rates);
    let name = format!("– taken in of {} that have waited on the server", each * PARTNERS);
    table.held(&name, (Target::AtLeast(5_000.0), "≥ 5,000/s"), rate, rate.whole("/s"));
    Ok(())
}

/// From the planned publishing of an alarm to the moment in which a desk hears of its situation.
async fn to_desk(mut partners: Partners<'_>, plan: Plan, table: &mut Table) -> Result<()> {
    lift_limits(&mut partners.install);
    let _incidents = partners.install.serve(&["incidents"])?;
    let gateway = partners.install.serve(&["gateway"])?;
    let office = Office::open(&partners.install, &gateway).await?;
    let token = office.person("desk", Role::Dispatcher, "511903").await?;
    lanes(&partners).await?;
    let desk = Web::at(gateway.door).follow("/v1/changes:follow?areaCode=511903&services=incidents", &token).await?;
    let heard = Heard::start(desk);
    let lines = Arc::new([partners.connect(0).await?, partners.connect(1).await?]);

    let (mut p50, mut p99, mut next) = (Vec::new(), Vec::new(), 0);
    for round in 0..=plan.rounds {
        let planned: Arc<Mutex<Vec<(String, Instant)>>> = Arc::default();
        let base = next;
        let call = |n: usize, due: Instant| {
            let (lines, planned) = (Arc::clone(&lines), Arc::clone(&planned));
            async move { raise(&lines, base, n, due, &planned).await }
        };
        let open = load::open(RATE, plan.leg + Duration::from_secs(2), call).await?;
        let planned = std::mem::take(&mut *planned.lock().unwrap_or_else(PoisonError::into_inner));
        next += planned.len();
        let mut latency = histogram()?;
        for (key, due) in planned {
            let micros = heard.of(&key).await?.saturating_duration_since(due).as_micros();
            latency.saturating_record(u64::try_from(micros)?.max(1));
        }
        let told = [ms(&latency, 0.5), ms(&latency, 0.99)];
        eprintln!(
            "  alarm to desk p50 {:.1} ms, p99 {:.1} ms, {} situations; {:.2} % late",
            told[0],
            told[1],
            latency.len(),
            open.behind * 100.0
        );
        if round > 0 && open.is_valid() {
            p50.push(told[0]);
            p99.push(told[1]);
        }
    }
    if p99.is_empty() {
        bail!("the generator fell behind its plan in every round");
    }
    let (p50, p99) = (Spread::of(&p50), Spread::of(&p99));
    let name = format!(
        "Alarm published (kept by the server) to its situation on a desk that follows through the gateway, at {RATE:.0}/s of which \
         one in {OPENS} opens a situation (open loop), p99"
    );
    table.held(&name, (Target::AtMost(200.0), "≤ 200 ms"), p99, p99.fixed(1, " ms"));
    table.shown("– p50", p50.fixed(1, " ms"));
    Ok(())
}

/// Publishes the `n`th alarm. One of some comes from a place where nothing is open yet; the others add to the storm.
async fn raise(
    lines: &[Client; 2],
    base: usize,
    n: usize,
    due: Instant,
    planned: &Mutex<Vec<(String, Instant)>>,
) -> Result<()> {
    if !n.is_multiple_of(OPENS) {
        let alarm = alarm("desk", &format!("D-{}", n % DEVICES), "device_fault");
        return Ok(lines[1].publish("alarm", alarm.into()).await?);
    }
    let place = base + n / OPENS;
    let (subdistrict, rest) = (place % SUBDISTRICTS, place / SUBDISTRICTS);
    let (community, kind) = (rest % COMMUNITIES, rest / COMMUNITIES);
    let kind = KINDS.get(kind).context("there are no more places in which nothing is open")?;
    let area = 511_903_000_000_001 + (subdistrict + 2) * 1_000_000 + (community + 1) * 1_000;
    planned.lock().unwrap_or_else(PoisonError::into_inner).push((format!("{area} {kind}"), due));
    Ok(lines[0].publish("alarm", alarm("desk", &format!("S-{subdistrict}-{community}"), kind).into()).await?)
}

/// What a desk has heard: of which place and kind, and when.
struct Heard {
    opened: Arc<Mutex<HashMap<String, Instant>>>,
    /// Ends with the value.
    _reading: JoinSet<()>,
}

impl Heard {
    fn start(mut desk: Follower) -> Self {
        let opened: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
        let noted = Arc::clone(&opened);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            // Whoever waits for what does not come says so.
            while let Ok(change) = desk.next().await {
                let at = Instant::now();
                if change["kind"] == "AlarmSituationOpened" {
                    let text = |name: &str| change["body"][name].as_str().unwrap_or_default().to_owned();
                    let key = format!("{} {}", text("areaCode"), text("kind"));
                    noted.lock().unwrap_or_else(PoisonError::into_inner).insert(key, at);
                }
            }
        });
        Self { opened, _reading: reading }
    }

    /// When the desk heard of a situation.
    async fn of(&self, key: &str) -> Result<Instant> {
        let find = async {
            loop {
                let found = self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
                match found {
                    Some(at) => break at,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), find).await;
        found.with_context(|| format!("the desk has not heard of {key} in 30 s"))
    }
}

/// Waits until the service has opened all partners' lanes.
async fn lanes(partners: &Partners<'_>) -> Result<()> {
    waits(partners, 0).await?;
    for n in 0..PARTNERS {
        let line = partners.connect(n).await?;
        let began = Instant::now();
        while line.request("ask.heartbeat", r#"{"device":"D-0"}"#.into()).await.is_err() {
            ensure!(began.elapsed() < Duration::from_secs(30), "{} is not listened to", name(n));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Waits until so many alarms wait on the server.
async fn waits(partners: &Partners<'_>, wanted: usize) -> Result<()> {
    let platform = partners.platform().await?;
    let began = Instant::now();
    loop {
        let mut waiting = 0;
        let mut known = 0;
        for n in 0..PARTNERS {
            if let Ok(mut stream) = platform.get_stream(format!("LINJU_IN_{}", name(n))).await {
                waiting += usize::try_from(stream.info().await?.state.messages)?;
                known += 1;
            }
        }
        if known == PARTNERS && waiting == wanted {
            return Ok(());
        }
        ensure!(began.elapsed() < Duration::from_mins(2), "{waiting} alarms wait on the server, and not {wanted}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
