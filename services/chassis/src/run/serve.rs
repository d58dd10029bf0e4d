//! Puts services together, serves them, and stops them in time.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use tokio::net::TcpListener;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tower::Layer;

use super::{
    Inside, Install, Meter, Parts, Service, Settings, StartError, Tasks, Tls,
    observe::{self, Observed},
    upkeep,
};
use crate::{
    access::Gate,
    data::Db,
    events::{IngressRunner, SharedBus},
};

/// A program that serves. Dropping it does not stop it; [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where metrics and health are served.
    pub observe: SocketAddr,
    /// Where the doors of services are, by the service's name.
    pub doors: Vec<(&'static str, SocketAddr)>,
    settings: Settings,
    tasks: Tasks,
    serving: Arc<AtomicBool>,
    health: tonic_health::server::HealthReporter,
    databases: Vec<(&'static str, Db)>,
    bus: SharedBus,
}

/// Opens databases, keys and bus, builds `services` and serves them. On return everything answers.
pub async fn start(settings: Settings, services: &[&dyn Service]) -> Result<Running, StartError> {
    let (grpc, grpc_at) = listen(settings.listen).await?;
    let (http, observe_at) = listen(settings.observe).await?;
    let install = Install::prepare(settings)?;
    let verifier = install.verifier()?;
    let bus = install.bus().await?;
    let meter = Meter::new().map_err(StartError::Telemetry)?;
    let tasks = Tasks::default();

    let mut databases = Vec::new();
    let mut routes = Routes::default();
    let mut doors = Vec::new();
    for service in services {
        let context = install.context(*service).await?;
        let Parts { routes: more, consumers, timers, intake, door } = service.build(context.clone(), bus.clone())?;
        if let Some(intake) = intake {
            tasks.spawn(IngressRunner { bus: bus.clone(), tasks: tasks.clone(), intake }.run());
        }
        doors.extend(door.map(|door| (service.name(), door)));
        // Each set of routes brings its own answer to an unknown method; one is enough.
        routes = Routes::from(routes.into_axum_router().merge(more.into_axum_router().reset_fallback()));
        databases.push((service.name(), context.db.clone()));
        upkeep::Upkeep { name: service.name(), context, bus: bus.clone(), meter: meter.clone(), tasks: tasks.clone() }
            .spawn(&install.settings.bus, consumers, timers);
    }

    let tls = install.settings.tls.clone().map(|files| Tls::open(files, &tasks)).transpose()?;
    let serving = Arc::new(AtomicBool::new(false));
    let (health, health_service) = tonic_health::server::health_reporter();
    let gate = Gate::new(verifier, install.settings.limits.calls, meter.clone());
    let routes = routes.add_service(health_service);
    let inside = Inside {
        calls: gate.layer(routes.clone()),
        services: services.iter().map(|s| s.name()).collect(),
        install: install.clone(),
        bus: bus.clone(),
        meter: meter.clone(),
        tasks: tasks.clone(),
        tls: tls.clone(),
    };
    serve_grpc(&install.settings, (grpc, tls), gate, routes, &tasks);
    let observed = Observed { meter, databases: databases.clone(), serving: serving.clone() };
    serve_http(http, observe::routes(observed), &tasks);

    let mut opened = Vec::new();
    for (name, door) in doors {
        opened.push((name, door.open(inside.clone()).await?));
    }
    for name in databases.iter().map(|(name, _)| *name).chain([""]) {
        health.set_service_status(name, tonic_health::ServingStatus::Serving).await;
    }
    serving.store(true, Ordering::Release);
    let settings = install.settings;
    Ok(Running { grpc: grpc_at, observe: observe_at, doors: opened, settings, tasks, serving, health, databases, bus })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let at = listener.local_addr()?;
        Ok((listener, at))
    };
    bound.await.map_err(|e| StartError::Listen(address, e))
}

fn serve_grpc(
    settings: &Settings,
    (listener, tls): (TcpListener, Option<Tls>),
    gate: Gate,
    routes: Routes,
    tasks: &Tasks,
) {
    let limits = &settings.limits;
    // Spread over a fifth of the age, so that connections made together do not come again together.
    let age = Duration::from_secs(limits.connection_age_s)
        + Duration::from_millis(u64::from(std::process::id() % 1000) * limits.connection_age_s / 5);
    let mut server = Server::builder()
        .timeout(Duration::from_secs(limits.deadline_s))
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_connection_age(age)
        .max_connection_age_grace(Duration::from_secs(30))
        .max_concurrent_streams(limits.streams)
        .http2_max_header_list_size(16 * 1024)
        .http2_max_pending_accept_reset_streams(Some(64))
        .http2_max_local_error_reset_streams(Some(256))
        .layer(gate.clone());
    let stopping = tasks.clone();
    let stop = async move { stopping.stopping().await };
    let quiet = quiet(tasks.clone(), gate);
    let server = server.add_routes(routes);
    let calls = if let Some(tls) = tls {
        server.serve_with_incoming_shutdown(tls.incoming(listener, tasks), stop).boxed()
    } else {
        let lines = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(Duration::from_mins(1)));
        server.serve_with_incoming_shutdown(lines, stop).boxed()
    };
    tasks.spawn(async move {
        tokio::select! {
            ended = calls => if let Err(error) = ended {
                tracing::error!(%error, "gRPC ended");
            },
            () = quiet => {}
        }
    });
}

/// How long those who are connected have to hear that the program stops.
const GOODBYE: Duration = Duration::from_millis(250);

/// Resolves when the program stops and no call is in flight: a connection on which nobody says anything would never end,
/// and nobody loses by its being cut.
async fn quiet(tasks: Tasks, gate: Gate) {
    tasks.stopping().await;
    tokio::time::sleep(GOODBYE).await;
    gate.drained().await;
}

fn serve_http(listener: TcpListener, routes: axum::Router, tasks: &Tasks) {
    let stopping = tasks.clone();
    tasks.spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown({
            let stopping = stopping.clone();
            async move { stopping.stopping().await }
        });
        let cut = async {
            stopping.stopping().await;
            tokio::time::sleep(GOODBYE).await;
        };
        tokio::select! {
            ended = served.into_future() => if let Err(error) = ended {
                tracing::error!(%error, "metrics and health ended");
            },
            () = cut => {}
        }
    });
}

impl Running {
    /// Waits for Ctrl-C or SIGTERM.
    pub async fn until_signal(&self) -> io::Result<()> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }

    /// Stops: not ready, still serving for the announced time, then no new calls, calls and tasks finished, connections
    /// closed. What still runs at the deadline is left behind; false says so.
    pub async fn stop(self) -> bool {
        let ShutdownTimes { announce, deadline } = ShutdownTimes::of(&self.settings);
        self.serving.store(false, Ordering::Release);
        for name in self.databases.iter().map(|(name, _)| *name).chain([""]) {
            self.health.set_service_status(name, tonic_health::ServingStatus::NotServing).await;
        }
        tokio::time::sleep(announce).await;

        let stopped = async {
            self.tasks.stop();
            let in_time = self.tasks.wait(deadline.mul_f32(0.7)).await;
            self.bus.close().await;
            for (_, db) in &self.databases {
                db.close().await;
            }
            in_time
        };
        tokio::time::timeout(deadline, stopped).await.unwrap_or(false)
    }
}

struct ShutdownTimes {
    announce: Duration,
    deadline: Duration,
}

impl ShutdownTimes {
    fn of(settings: &Settings) -> Self {
        let s = settings.shutdown;
        Self { announce: Duration::from_secs(s.announce_s), deadline: Duration::from_secs(s.deadline_s) }
    }
}
