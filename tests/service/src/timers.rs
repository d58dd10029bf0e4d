//! Timers, run as the program runs them, and one by one.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chassis::{
    data::Ids,
    events::{Timer, TimerRunner, TimerSettings, timers},
    run::Tasks,
};
use sea_orm::{DbBackend, DbErr};

use crate::Base;

impl Base {
    /// Runs two copies of the timers until nothing is due any more.
    pub async fn fire_timers(&self) -> Result<()> {
        let tasks = Tasks::default();
        for copy in 0..2 {
            let runner = TimerRunner {
                db: self.db.clone(),
                clock: self.clock.clone(),
                tasks: tasks.clone(),
                handlers: self.timers.clone(),
                settings: TimerSettings { poll_ms: 5, rest_ms: 1, retry_s: 0, ..TimerSettings::default() },
            };
            tasks.spawn(runner.run(Ids::seeded(self.clock.clone(), copy)));
        }
        let done = async {
            while timers::overdue(self.db.read(), &self.clock).await? > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_mins(1), done).await.context("the timers do not come to an end")??;
        tasks.stop();
        ensure!(tasks.wait(Duration::from_secs(10)).await, "a task does not stop");
        Ok(())
    }

    /// Fires every timer that is due now, the soonest first; how many.
    pub async fn fire_due(&self) -> Result<usize> {
        let now = match self.db.backend() {
            DbBackend::Postgres => self.clock.now().to_rfc3339(),
            _ => self.clock.now().format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
        };
        let due = format!("SELECT kind || ' ' || key || ' ' || payload FROM timers WHERE due_at <= '{now}'");
        let rows = self.rows(&format!("{due} ORDER BY due_at, id")).await?;
        for row in &rows {
            let mut words = row.splitn(3, ' ').map(str::to_owned);
            let mut word = || words.next().context("a kind, a key and a payload");
            let timer = Timer { kind: word()?, key: word()?, due_at: self.clock.now(), payload: word()? };
            let handler = self.timers.get(timer.kind.as_str());
            let handler = handler.with_context(|| format!("no handler for {}", timer.kind))?.clone();
            let write = self.db.write(move |tx| {
                let (handler, timer) = (handler.clone(), timer.clone());
                Box::pin(async move {
                    timers::cancel(tx, &timer.kind, &timer.key).await?;
                    handler.fire(tx, &timer).await.map_err(|e| DbErr::Custom(e.to_string()))
                })
            });
            write.await?;
        }
        Ok(rows.len())
    }
}
