//! What one consumer reads: pull requests of our own, with heartbeats.
//!
//! The client's ready-made streams of messages have a history of stalls after a lost connection or a new leader. Here every
//! request is answered by a delivery, a status or a heartbeat; where none comes in time, all is built anew.

use std::{sync::Arc, time::Duration};

use async_nats::{
    StatusCode, Subject, Subscriber,
    jetstream::{
        self, AckKind, ErrorCode, Message,
        consumer::{
            AckPolicy, Consumer, DeliverPolicy,
            pull::{BatchConfig, Config},
        },
        message::Info,
        stream::ConsumerErrorKind,
    },
};
use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Inner, jetstream_error, retry_prefix};
use crate::events::{BusError, Delivery, Feed, Subscription, envelope};

/// How long one pull request waits at the server.
const EXPIRES: Duration = Duration::from_secs(30);
/// The pause after the first failure; it doubles up to 32 times this.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct PullFeed {
    bus: Arc<Inner>,
    stream: String,
    config: Config,
    pull: Option<Pull>,
    failures: u32,
}

/// A subscription that the deliveries come to.
struct Pull {
    context: jetstream::Context,
    consumer: Consumer<Config>,
    inbox: Subscriber,
    reply: Subject,
    /// How many deliveries the open request may still bring; 0 where none is open.
    owed: usize,
    /// The connection it was made on.
    connection: u64,
    /// When the server was last heard.
    heard: Instant,
}

enum Step {
    Said(Option<async_nats::Message>),
    Reconnected,
    Silent,
    TimeIsUp,
}

impl PullFeed {
    pub(super) fn new(bus: Arc<Inner>, subscription: &Subscription) -> Self {
        let name = &subscription.name;
        let mut filter_subjects = subscription.subjects.clone();
        filter_subjects.push(format!("{}>", retry_prefix(name)));
        let config = Config {
            durable_name: Some(name.clone()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: subscription.ack_wait,
            // Without limit: what fails too often is parked by its consumer, which the server cannot do.
            max_deliver: -1,
            max_ack_pending: i64::from(bus.settings.max_ack_pending),
            num_replicas: bus.settings.replicas,
            filter_subjects,
            ..Config::default()
        };
        let stream = bus.settings.stream.clone();
        Self::of(bus, stream, config)
    }

    /// Reads `stream` as `config` says.
    pub(super) fn of(bus: Arc<Inner>, stream: String, config: Config) -> Self {
        Self { bus, stream, config, pull: None, failures: 0 }
    }

    /// Makes the consumer and subscribes to its deliveries, unless that was done on this connection.
    pub(super) async fn open(&mut self) -> Result<(), BusError> {
        let connection = self.bus.ready().await?;
        if self.pull.as_ref().is_some_and(|pull| pull.connection == connection) {
            return Ok(());
        }
        let before = self.bus.link.trouble();
        let name = self.config.durable_name.clone().unwrap_or_default();
        let made = self.bus.context.create_consumer_on_stream(self.config.clone(), &self.stream).await;
        let consumer = made.map_err(|error| match error.kind() {
            ConsumerErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                self.bus.forget();
                BusError::Unreachable("the stream is gone; it is made again".into())
            }
            ConsumerErrorKind::JetStream(e) => jetstream_error(&format!("consumer {name}"), &e),
            _ => self.bus.link.unanswered(before, format!("consumer {name}: {error}")),
        })?;
        let kept = &consumer.cached_info().config.filter_subjects;
        if !self.config.filter_subjects.iter().all(|subject| kept.contains(subject)) {
            return Err(BusError::Refused(format!(
                "the NATS server keeps consumer {name} with other subjects ({}): update the server",
                kept.join(", ")
            )));
        }
        let reply = Subject::from(self.bus.link.client.new_inbox());
        let inbox = self.bus.link.client.subscribe(reply.clone()).await.map_err(|e| self.bus.link.unreachable(e))?;
        let context = self.bus.context.clone();
        self.pull = Some(Pull { context, consumer, inbox, reply, owed: 0, connection, heard: Instant::now() });
        Ok(())
    }

    async fn receive(&mut self, most: usize, deadline: Instant) -> Result<Vec<Message>, BusError> {
        let heartbeat = self.bus.settings.ping().min(EXPIRES / 2);
        loop {
            self.open().await?;
            let Some(pull) = &mut self.pull else { continue };
            if pull.owed == 0 {
                pull.request(most, heartbeat).await.map_err(|e| self.bus.link.unreachable(e))?;
            }
            let step = tokio::select! {
                biased;
                message = pull.inbox.next() => Step::Said(message),
                () = self.bus.link.other_than(pull.connection) => Step::Reconnected,
                () = sleep_until(pull.heard + heartbeat * 2) => Step::Silent,
                () = sleep_until(deadline) => Step::TimeIsUp,
            };
            match step {
                Step::Said(Some(message)) => {
                    if let Some(first) = pull.read(message)? {
                        return Ok(self.with_ready(first, most));
                    }
                }
                Step::Said(None) => return Err(self.bus.link.unreachable("the subscription has ended")),
                Step::Silent => return Err(self.bus.link.unreachable("the consumer is silent; it is asked anew")),
                Step::Reconnected => self.pull = None,
                Step::TimeIsUp => return Ok(Vec::new()),
            }
        }
    }

    /// Adds what has already come.
    fn with_ready(&mut self, first: Message, most: usize) -> Vec<Message> {
        let mut list = vec![first];
        while let Some(pull) = &mut self.pull
            && list.len() < most
            && let Some(Some(message)) = pull.inbox.next().now_or_never()
        {
            match pull.read(message) {
                Ok(message) => list.extend(message),
                // What was read is good; the pull is built anew by the next call.
                Err(_) => self.pull = None,
            }
        }
        list
    }
}

impl Pull {
    async fn request(
        &mut self,
        most: usize,
        heartbeat: Duration,
    ) -> Result<(), jetstream::consumer::pull::BatchRequestError> {
        let batch =
            BatchConfig { batch: most, expires: Some(EXPIRES), idle_heartbeat: heartbeat, ..BatchConfig::default() };
        self.consumer.request_batch(batch, self.reply.clone()).await?;
        (self.owed, self.heard) = (most, Instant::now());
        Ok(())
    }

    /// A message; none where it was only a sign of life or the end of a request.
    fn read(&mut self, message: async_nats::Message) -> Result<Option<Message>, BusError> {
        self.heard = Instant::now();
        match message.status {
            None | Some(StatusCode::OK) => {}
            Some(StatusCode::IDLE_HEARTBEAT) => return Ok(None),
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                self.owed = 0;
                return Ok(None);
            }
            Some(status) => {
                let why = message.description.unwrap_or_default();
                return Err(BusError::Unreachable(format!("the server ended a pull: {status} {why}")));
            }
        }
        self.owed = self.owed.saturating_sub(1);
        Ok(Some(Message { message, context: self.context.clone() }))
    }
}

/// What a stream says of a message of its own; none of one that no stream has sent.
pub(super) fn sent_by_stream(message: &Message) -> Option<(Info<'_>, String)> {
    if let (Ok(info), Some(reply)) = (message.info(), &message.reply) {
        return Some((info, reply.to_string()));
    }
    tracing::warn!(subject = %message.subject, "a message that no stream has sent was left out");
    None
}

fn delivery(message: &Message) -> Option<Delivery> {
    let (info, token) = sent_by_stream(message)?;
    let subject = match message.subject.strip_prefix(&retry_prefix(info.consumer)) {
        Some(rest) => format!("linju.{rest}"),
        None => message.subject.to_string(),
    };
    Some(Delivery {
        event: envelope::read(&subject, message.headers.as_ref(), &message.payload),
        attempt: u32::try_from(info.delivered).unwrap_or(u32::MAX),
        token,
    })
}

#[async_trait]
impl Feed for PullFeed {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        Ok(self.messages(most, wait).await?.iter().filter_map(delivery).collect())
    }

    async fn ack(&mut self, delivery: &Delivery) -> Result<(), BusError> {
        self.answer(&delivery.token, AckKind::Ack).await
    }

    async fn nak(&mut self, delivery: &Delivery, delay: Duration) -> Result<(), BusError> {
        self.answer(&delivery.token, AckKind::Nak(Some(delay))).await
    }
}

impl PullFeed {
    /// Up to `most` messages as they lie in the stream; after a failure it answers only once it has paused.
    pub(super) async fn messages(&mut self, most: usize, wait: Duration) -> Result<Vec<Message>, BusError> {
        let outcome = self.receive(most.max(1), Instant::now() + wait).await;
        if outcome.is_ok() {
            self.failures = 0;
        } else {
            self.pull = None;
            sleep(PAUSE * 2u32.pow(self.failures.min(5))).await;
            self.failures += 1;
        }
        outcome
    }

    pub(super) async fn answer(&self, token: &str, kind: AckKind) -> Result<(), BusError> {
        let sent = self.bus.link.client.publish(token.to_owned(), kind.into()).await;
        sent.map_err(|e| self.bus.link.unreachable(e))
    }
}
