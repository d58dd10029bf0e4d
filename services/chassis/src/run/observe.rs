//! What operators and Kubernetes ask over HTTP: metrics, liveness, readiness.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};

use super::Meter;
use crate::data::Db;

/// What readiness depends on.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) meter: Meter,
    pub(crate) databases: Vec<(&'static str, Db)>,
    /// Set once everything is served; taken back when the program stops.
    pub(crate) serving: Arc<AtomicBool>,
}

/// The routes. Liveness depends on the process alone, so that a database that is down does not get it restarted; writes go
/// on without the bus, so readiness does not ask for that either.
pub(super) fn routes(observed: Observed) -> Router {
    Router::new()
        .route("/metrics", get(|State(o): State<Observed>| async move { o.meter.text() }))
        .route("/healthz/live", get(|| async { "ok" }))
        .route("/healthz/ready", get(ready))
        .with_state(observed)
}

async fn ready(State(observed): State<Observed>) -> (StatusCode, String) {
    if !observed.serving.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "not serving".to_owned());
    }
    for (name, db) in &observed.databases {
        if let Err(error) = db.read().ping().await {
            tracing::warn!(service = name, %error, "not ready");
            return (StatusCode::SERVICE_UNAVAILABLE, format!("the database of {name} does not answer"));
        }
    }
    (StatusCode::OK, "ok".to_owned())
}
