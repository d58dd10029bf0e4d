//! Traces, metrics and logs. Nothing personal gets here: personal types print without content.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use http::HeaderMap;
use opentelemetry::{
    KeyValue, global,
    metrics::{Gauge, Histogram, MeterProvider},
    propagation::{Extractor, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use prometheus::{Registry, TextEncoder};
use tonic::Code;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use super::{LogFormat, TelemetrySettings};

/// Keeps telemetry going, and flushes it at the end.
#[derive(Debug)]
pub struct Telemetry {
    traces: SdkTracerProvider,
}

impl Telemetry {
    /// Starts logs, and traces where an endpoint is configured. Must be called inside a runtime with two worker threads or
    /// more: the exporter blocks one of its own.
    pub fn start(settings: &TelemetrySettings) -> Result<Self, String> {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let filter = EnvFilter::try_new(&settings.filter)
            .map_err(|e| format!("telemetry.filter {:?} is not a log filter: {e}", settings.filter))?;
        let traces = traces(&settings.otlp)?;
        let spans = {
            // The exporter's own calls would be exported, and so on for ever.
            let quiet = ["h2", "hyper", "hyper_util", "tonic", "tower", "opentelemetry", "opentelemetry_sdk"];
            let targets = quiet.iter().fold(Targets::new().with_default(tracing::Level::INFO), |targets, name| {
                targets.with_target(*name, tracing::level_filters::LevelFilter::OFF)
            });
            tracing_opentelemetry::layer().with_tracer(traces.tracer("linju")).with_filter(targets)
        };
        let text = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false);
        let log = match settings.format {
            LogFormat::Text => text.boxed(),
            LogFormat::Json => text.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry()
            .with(log.with_filter(filter))
            .with(spans)
            .try_init()
            .map_err(|e| format!("telemetry was started before: {e}"))?;
        Ok(Self { traces })
    }

    /// Sends what is left, at most for two seconds.
    pub async fn flush(self) {
        let flush = tokio::task::spawn_blocking(move || self.traces.shutdown());
        let _ = tokio::time::timeout(Duration::from_secs(2), flush).await;
    }
}

/// Where no endpoint is configured nothing is recorded, but a caller's trace is still carried on into events.
fn traces(endpoint: &str) -> Result<SdkTracerProvider, String> {
    if endpoint.is_empty() {
        let carried = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        return Ok(SdkTracerProvider::builder().with_sampler(carried).build());
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(5))
        .build()
        .map_err(|e| format!("telemetry.otlp {endpoint:?} cannot be used: {e}"))?;
    let resource = Resource::builder().with_service_name("linju").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// The current span as a W3C `traceparent`, where it belongs to a trace.
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
}

/// Makes `span` a child of a `traceparent` that came with a call or an event.
pub fn continue_trace(span: &Span, traceparent: &str) {
    struct One<'t>(&'t str);
    impl Extractor for One<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            (key == "traceparent").then_some(self.0)
        }
        fn keys(&self) -> Vec<&str> {
            vec!["traceparent"]
        }
    }
    // Refused only where the span was sampled before; then it stays a root.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&One(traceparent)));
}

/// The span of one call, a child of the caller's.
pub(crate) fn call_span(method: &'static str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!("call", method);
    if let Some(parent) = headers.get("traceparent").and_then(|v| v.to_str().ok()) {
        continue_trace(&span, parent);
    }
    span
}

/// Numbers of one process, read at `/metrics`.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    registry: Registry,
    provider: SdkMeterProvider,
    calls: Histogram<f64>,
    state: Gauge<f64>,
}

impl Meter {
    /// Makes the instruments of this process.
    pub fn new() -> Result<Self, String> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .without_target_info()
            .build()
            .map_err(|e| e.to_string())?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let meter = provider.meter("linju");
        let calls = meter
            .f64_histogram("linju_call_duration")
            .with_unit("s")
            .with_description("How long calls took, by method and code")
            .with_boundaries(vec![0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
            .build();
        let state = meter
            .f64_gauge("linju_state")
            .with_description(
                "What a service holds now: outbox_unpublished, outbox_age_seconds, consumer_lag, timers_overdue",
            )
            .build();
        Ok(Self(Arc::new(Instruments { registry, provider, calls, state })))
    }

    /// One call was answered.
    pub fn call(&self, method: &'static str, code: Code, took: Duration) {
        let labels = [KeyValue::new("method", method), KeyValue::new("code", format!("{code:?}"))];
        self.0.calls.record(took.as_secs_f64(), &labels);
    }

    /// A service's queue or lag, as it is now.
    pub fn state(&self, service: &'static str, what: &'static str, of: &str, value: f64) {
        let labels =
            [KeyValue::new("service", service), KeyValue::new("what", what), KeyValue::new("of", of.to_owned())];
        self.0.state.record(value, &labels);
    }

    /// The text of `/metrics`.
    pub fn text(&self) -> String {
        // The provider owns the reader that fills the registry.
        let _ = self.0.provider.force_flush();
        TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_default()
    }
}
