//! The bus of an install with servers: a JetStream stream of NATS.
//!
//! The database is the truth and the stream a copy, so that a store that was lost is no more than a delay: streams and
//! consumers are made again, and the outbox publishes anew.

mod feed;
mod lanes;
mod link;
mod parked;
mod publish;
mod server;
mod settings;
mod streams;
mod tail;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_nats::jetstream::{
    Context, Error, ErrorCode,
    consumer::{Consumer, pull},
    context::ContextBuilder,
    stream::ConsumerErrorKind,
};
use async_trait::async_trait;

use self::{feed::PullFeed, link::Link, tail::PullTail};
use super::{Bus, BusError, Event, Feed, Lanes, Parked, ParkedId, Subscription, Tail, subject};

pub use link::BusTrouble;
pub use settings::NatsSettings;

/// A first token of their own keeps given-again and parked events out of every subscription, which starts with `linju.`;
/// JetStream refuses a stream or consumer whose subjects might overlap.
const RETRY: &str = "linju-retry.";
const DLQ: &str = "linju-dlq.";

/// Events in JetStream: one stream for all of them, a durable pull consumer for each subscription, a second stream for what
/// was parked.
#[derive(Debug)]
pub struct JetStream(Arc<Inner>);

struct Inner {
    settings: NatsSettings,
    link: Link,
    context: Context,
    /// The connection on which server and streams were last checked.
    checked: AtomicU64,
    checking: tokio::sync::Mutex<()>,
}

impl JetStream {
    /// Connects. A server that is too old, has no JetStream or does not let us in as wanted is refused; one that cannot be
    /// reached is tried on in the background, as work goes on without it.
    pub async fn connect(settings: NatsSettings) -> Result<Arc<Self>, BusError> {
        let link = Link::start(&settings).await?;
        let context = ContextBuilder::new().timeout(settings.request()).build(link.client.clone());
        let inner =
            Inner { settings, link, context, checked: AtomicU64::new(0), checking: tokio::sync::Mutex::default() };
        match inner.ready().await {
            Ok(_) => {}
            Err(error @ BusError::Unreachable(_)) => tracing::warn!(%error, "starting without NATS"),
            Err(error) => return Err(error),
        }
        Ok(Arc::new(Self(Arc::new(inner))))
    }

    /// What went wrong on the connection so far.
    pub fn trouble(&self) -> BusTrouble {
        self.0.link.trouble()
    }
}

impl Inner {
    /// Waits for a connection and, once on each, checks the server and makes the streams. Answers the connection's number.
    async fn ready(&self) -> Result<u64, BusError> {
        let number = self.link.connected(self.settings.request()).await?;
        if self.checked.load(Ordering::Acquire) == number {
            return Ok(number);
        }
        let _one_at_a_time = self.checking.lock().await;
        if self.checked.load(Ordering::Acquire) == number {
            return Ok(number);
        }
        let before = self.link.trouble();
        // What the server says of itself is in by the time it has answered.
        let flushed = tokio::time::timeout(self.settings.request(), self.link.client.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            return Err(self.link.unanswered(before, "the server does not answer"));
        }
        server::check(&self.link.client.server_info())?;
        streams::ensure(&self.context, &self.settings).await.map_err(|error| match error {
            BusError::Unreachable(what) => self.link.unanswered(before, what),
            other => other,
        })?;
        self.checked.store(number, Ordering::Release);
        Ok(number)
    }

    /// Streams may be gone: the next call looks.
    fn forget(&self) {
        self.checked.store(0, Ordering::Release);
    }

    async fn ready_again(&self) -> Result<u64, BusError> {
        self.forget();
        self.ready().await
    }
}

#[async_trait]
impl Bus for JetStream {
    async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        self.0.publish(events).await
    }

    async fn subscribe(&self, consumer: &Subscription) -> Result<Box<dyn Feed>, BusError> {
        subject::patterns(consumer)?;
        let mut feed = PullFeed::new(self.0.clone(), consumer);
        match feed.open().await {
            // A server that is down is no reason not to start: the feed opens with its first call.
            Ok(()) | Err(BusError::Unreachable(_)) => Ok(Box::new(feed)),
            Err(error) => Err(error),
        }
    }

    async fn tail(&self, after: Option<u64>, subjects: &[String]) -> Result<Box<dyn Tail>, BusError> {
        subject::tail_patterns(subjects)?;
        Ok(Box::new(PullTail::open(self.0.clone(), after, subjects).await?))
    }

    async fn lag(&self, consumer: &str) -> Result<u64, BusError> {
        self.0.ready().await?;
        let stream = &self.0.settings.stream;
        let found = self.0.context.get_consumer_from_stream::<pull::Config, _, _>(consumer, stream).await;
        let consumer: Consumer<pull::Config> = found.map_err(|error| match error.kind() {
            ConsumerErrorKind::JetStream(e) if e.error_code() == ErrorCode::CONSUMER_NOT_FOUND => {
                BusError::Refused(format!("there is no consumer `{consumer}`"))
            }
            ConsumerErrorKind::JetStream(e) => jetstream_error(&format!("consumer {consumer}"), &e),
            _ => self.0.link.unreachable(error),
        })?;
        let info = consumer.cached_info();
        Ok(info.num_pending + info.num_ack_pending as u64)
    }

    fn lanes(&self) -> Option<Arc<dyn Lanes>> {
        Some(Arc::new(lanes::JetLanes(self.0.clone())))
    }

    async fn park(&self, consumer: &str, event: &Event, reason: &str) -> Result<(), BusError> {
        self.0.park(consumer, event, reason).await
    }

    async fn parked(&self, most: usize) -> Result<Vec<Parked>, BusError> {
        self.0.parked(most).await
    }

    async fn retry(&self, id: ParkedId) -> Result<(), BusError> {
        self.0.retry(id).await
    }

    async fn drop_parked(&self, id: ParkedId) -> Result<(), BusError> {
        self.0.drop_parked(id).await
    }

    async fn check(&self) -> Result<(), BusError> {
        self.0.ready().await?;
        let stream = self.0.context.get_stream(&self.0.settings.stream).await;
        stream.map(|_| ()).map_err(|e| {
            self.0.forget();
            self.0.link.unreachable(e)
        })
    }

    async fn close(&self) {
        let drained = async {
            // Acknowledgements are on their way without an answer; the flush sees them out.
            let _ = self.0.link.client.flush().await;
            let _ = self.0.link.client.drain().await;
        };
        if tokio::time::timeout(self.0.settings.request(), drained).await.is_err() {
            tracing::warn!("the connection to NATS was closed without an answer; the last events may come again");
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStream")
            .field("url", &self.settings.url)
            .field("stream", &self.settings.stream)
            .finish_non_exhaustive()
    }
}

/// Where events that are given to a consumer again are published; no other consumer sees them there.
fn retry_prefix(consumer: &str) -> String {
    format!("{RETRY}{consumer}.")
}

/// What JetStream has answered: passing (5xx, an absent stream or consumer) or for good.
fn jetstream_error(what: &str, error: &Error) -> BusError {
    match error.error_code() {
        ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => BusError::Refused(
            "JetStream is not enabled for this NATS account: add `jetstream: enabled` to the account in the server's \
             configuration"
                .into(),
        ),
        ErrorCode::STREAM_NOT_FOUND | ErrorCode::CONSUMER_NOT_FOUND => {
            BusError::Unreachable(format!("{what}: {error}"))
        }
        // Answered with 500, but no second try will cure it.
        ErrorCode::STREAM_INVALID_CONFIG | ErrorCode::STREAM_SUBJECT_OVERLAP => {
            BusError::Refused(format!("NATS refuses {what}: {error}"))
        }
        _ if error.code() >= 500 => BusError::Unreachable(format!("{what}: {error}")),
        _ => BusError::Refused(format!("NATS refuses {what}: {error}")),
    }
}
