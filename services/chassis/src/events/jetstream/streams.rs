//! The two streams: made where there are none, corrected where they differ, and read back.

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};

use super::{NatsSettings, jetstream_error};
use crate::events::BusError;

/// How long JetStream knows a message id. The inbox of a consumer knows it longer.
pub(super) const DUPLICATE_WINDOW: std::time::Duration = std::time::Duration::from_mins(2);

/// Makes sure that both streams are there as wanted. A server that leaves out what it does not know is refused.
pub(super) async fn ensure(context: &Context, settings: &NatsSettings) -> Result<(), BusError> {
    let common = Config {
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        num_replicas: settings.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    };
    let events = Config {
        name: settings.stream.clone(),
        subjects: vec!["linju.*.v1.>".into(), format!("{}>", super::RETRY)],
        max_age: settings.max_age(),
        allow_atomic_publish: true,
        ..common.clone()
    };
    // What was parked waits for a person, however long that takes.
    let parked = Config { name: settings.dlq_stream.clone(), subjects: vec![format!("{}>", super::DLQ)], ..common };
    for wanted in [events, parked] {
        ensure_one(context, &wanted).await?;
    }
    Ok(())
}

/// Makes one stream, or corrects it.
pub(super) async fn ensure_one(context: &Context, wanted: &Config) -> Result<(), BusError> {
    let name = &wanted.name;
    let kept = match context.get_stream(name).await {
        Ok(stream) => {
            let found = stream.cached_info().config.clone();
            let mended = mended(&found, wanted);
            if mended == found {
                found
            } else {
                context.update_stream(&mended).await.map_err(|e| refused(name, e.kind(), &e))?.config
            }
        }
        Err(e) => match e.kind() {
            GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                let made = context.create_stream(wanted.clone()).await.map_err(|e| refused(name, e.kind(), &e))?;
                made.cached_info().config.clone()
            }
            GetStreamErrorKind::JetStream(error) => return Err(jetstream_error(&format!("stream {name}"), &error)),
            _ => return Err(BusError::Unreachable(format!("stream {name}: {e}"))),
        },
    };
    let differing = differing(&kept, wanted);
    if differing.is_empty() {
        return Ok(());
    }
    Err(BusError::Refused(format!(
        "the NATS server keeps the stream {name} with another {}: it does not know the setting or may not change it; \
         update the server, or delete the stream and publish its events again with `linju replay`",
        differing.join(", ")
    )))
}

/// What was found, with our settings in it; all else (placement, limits in bytes, …) stays as the operator has set it.
fn mended(found: &Config, wanted: &Config) -> Config {
    let mut subjects = found.subjects.clone();
    subjects.sort();
    let mut ours = wanted.subjects.clone();
    ours.sort();
    Config {
        subjects: if subjects == ours { found.subjects.clone() } else { wanted.subjects.clone() },
        max_age: wanted.max_age,
        duplicate_window: wanted.duplicate_window,
        num_replicas: wanted.num_replicas,
        allow_atomic_publish: wanted.allow_atomic_publish,
        ..found.clone()
    }
}

fn differing(kept: &Config, wanted: &Config) -> Vec<&'static str> {
    let mut differing = Vec::new();
    let mut compare = |same: bool, name| {
        if !same {
            differing.push(name);
        }
    };
    let among = |a: &Config, b: &Config| a.subjects.iter().all(|s| b.subjects.contains(s));
    compare(among(kept, wanted) && among(wanted, kept), "subjects");
    compare(kept.storage == wanted.storage, "storage");
    compare(kept.retention == wanted.retention, "retention");
    compare(kept.max_age == wanted.max_age, "max_age");
    compare(kept.duplicate_window == wanted.duplicate_window, "duplicate_window");
    compare(kept.num_replicas == wanted.num_replicas, "num_replicas");
    compare(kept.allow_atomic_publish == wanted.allow_atomic_publish, "allow_atomic");
    differing
}

fn refused(name: &str, kind: CreateStreamErrorKind, error: &dyn std::error::Error) -> BusError {
    match kind {
        CreateStreamErrorKind::JetStream(error) => jetstream_error(&format!("stream {name}"), &error),
        _ => BusError::Unreachable(format!("stream {name}: {error}")),
    }
}
