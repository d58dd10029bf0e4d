//! Load of two kinds. Closed: every client calls again when it was answered; that gives the highest rate and says nothing
//! of latency. Open: calls start by a plan that waits for nobody, and latency counts from the planned start, so that a
//! pause of the server is felt by all calls that it held up.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Answered calls per second of `clients` that call one after the other for `time`, after `warm` that does not count.
/// `call` gets the number of the client and of its call.
pub(crate) async fn closed<F, Fut>(clients: usize, warm: Duration, time: Duration, call: F) -> Result<f64>
where
    F: Fn(usize, usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let (from, call) = (Instant::now() + warm, Arc::new(call));
    let until = from + time;
    let mut running = JoinSet::new();
    for client in 0..clients {
        let call = Arc::clone(&call);
        running.spawn(async move {
            let mut counted = 0u32;
            for n in 0.. {
                call(client, n).await?;
                let now = Instant::now();
                if now >= until {
                    break;
                }
                counted += u32::from(now >= from);
            }
            anyhow::Ok(counted)
        });
    }
    let mut all = 0.0;
    while let Some(counted) = running.join_next().await {
        all += f64::from(counted??);
    }
    Ok(all / time.as_secs_f64())
}

/// What an open load found.
#[derive(Debug)]
pub(crate) struct Open {
    /// Microseconds from the planned start to the answer.
    pub(crate) latency: Histogram<u64>,
    /// Share of the planned time by which the generator itself came late.
    pub(crate) behind: f64,
}

impl Open {
    /// Whether the generator kept to its plan; if not, the run counts for nothing.
    pub(crate) fn is_valid(&self) -> bool {
        self.behind <= 0.01
    }

    /// Milliseconds that the share `quantile` of all calls stayed within.
    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        ms(&self.latency, quantile)
    }
}

/// Milliseconds at a quantile of microseconds.
#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 µs")]
pub(crate) fn ms(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1000.0
}

/// An empty histogram of microseconds, up to a minute.
pub(crate) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// Starts `rate` calls a second, evenly, for `time`. `call` gets the number of the call and its planned start. The timer
/// wakes once a millisecond, so up to one of them is the generator's own.
pub(crate) async fn open<F, Fut>(rate: f64, time: Duration, call: F) -> Result<Open>
where
    F: Fn(usize, Instant) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    const UNANSWERED: usize = 20_000;
    let (start, mut running, mut latency) = (Instant::now(), JoinSet::new(), histogram()?);
    let mut note = |outcome: Result<Duration>| -> Result<()> {
        latency.saturating_record(u64::try_from(outcome?.as_micros())?.max(1));
        Ok(())
    };
    let planned = time.as_secs_f64();
    for n in 0.. {
        let after = f64::from(n) / rate;
        if after >= planned {
            break;
        }
        let due = start + Duration::from_secs_f64(after);
        if Instant::now() < due {
            sleep_until(due).await;
        }
        let answer = call(usize::try_from(n)?, due);
        running.spawn(async move { answer.await.map(|()| due.elapsed()) });
        while let Some(outcome) = running.try_join_next() {
            note(outcome?)?;
        }
        if running.len() > UNANSWERED {
            bail!("{UNANSWERED} calls wait for an answer: {rate:.0}/s is more than is served");
        }
    }
    let behind = start.elapsed().as_secs_f64() / planned - 1.0;
    let answered = async {
        while let Some(outcome) = running.join_next().await {
            note(outcome?)?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(30), answered).await.context("calls were not answered in 30 s")??;
    Ok(Open { latency, behind })
}
