//! What runs beside a service's calls: relay, consumers, timers, audit sealer, key refresh, and figures of all of these.

use std::time::Duration;

use super::{BusSettings, Context, Meter, Tasks};
use crate::{
    access::audit,
    data::prune_requests,
    events::{Consumer, ConsumerRunner, OutboxState, Relay, SharedBus, TimerHandlers, TimerRunner, timers},
};

/// How often the audit log is sealed.
const SEAL: Duration = Duration::from_secs(1);
/// How often figures are taken, and keys taken up that another process made.
const LOOK: Duration = Duration::from_secs(5);

/// The tasks of one service.
#[derive(Clone)]
pub(super) struct Upkeep {
    pub(super) name: &'static str,
    pub(super) context: Context,
    pub(super) bus: SharedBus,
    pub(super) meter: Meter,
    pub(super) tasks: Tasks,
}

impl Upkeep {
    /// Starts them; they end when the program stops.
    pub(super) fn spawn(self, settings: &BusSettings, consumers: Vec<Consumer>, timers: TimerHandlers) {
        let Context { db, clock, ids, outbox, .. } = self.context.clone();
        let (bus, tasks) = (self.bus.clone(), self.tasks.clone());
        let relay = Relay {
            db: db.clone(),
            bus: bus.clone(),
            outbox,
            clock: clock.clone(),
            tasks: tasks.clone(),
            settings: settings.relay.clone(),
        };
        tasks.spawn(relay.run(ids.clone()));
        let runner = TimerRunner {
            db: db.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            handlers: timers,
            settings: settings.timers.clone(),
        };
        tasks.spawn(runner.run(ids));
        let names: Vec<_> = consumers.iter().map(|c| c.name).collect();
        for consumer in consumers {
            let runner = ConsumerRunner {
                db: db.clone(),
                bus: bus.clone(),
                clock: clock.clone(),
                tasks: tasks.clone(),
                consumer,
                settings: settings.consumers.clone(),
            };
            tasks.spawn(runner.run());
        }
        tasks.spawn(self.clone().seal());
        tasks.spawn(self.watch(names));
    }

    async fn seal(self) {
        while self.tasks.pause(SEAL).await {
            if let Err(error) = audit::seal_pending(&self.context.db).await {
                tracing::warn!(service = self.name, %error, "the audit log is not sealed; it is tried again");
            }
        }
    }

    async fn watch(self, consumers: Vec<&'static str>) {
        while self.tasks.pause(LOOK).await {
            if let Err(error) = self.context.keys.refresh().await {
                tracing::warn!(service = self.name, %error, "the data keys cannot be read again");
            }
            if let Err(error) = prune_requests(&self.context.db, &self.context.clock).await {
                tracing::warn!(service = self.name, %error, "answered requests are not forgotten; it is tried again");
            }
            self.figures(&consumers).await;
        }
    }

    /// A figure that cannot be had keeps its last value; readiness tells what is away.
    async fn figures(&self, consumers: &[&'static str]) {
        let Context { db, clock, .. } = &self.context;
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        let number = |n: u64| n as f64;
        if let Ok(state) = OutboxState::read(db.read(), clock).await {
            self.meter.state(self.name, "outbox_unpublished", "", number(state.unpublished));
            self.meter.state(self.name, "outbox_age_seconds", "", state.oldest_age.as_secs_f64());
        }
        if let Ok(overdue) = timers::overdue(db.read(), clock).await {
            self.meter.state(self.name, "timers_overdue", "", number(overdue));
        }
        for consumer in consumers {
            if let Ok(lag) = self.bus.lag(consumer).await {
                self.meter.state(self.name, "consumer_lag", consumer, number(lag));
            }
        }
    }
}
