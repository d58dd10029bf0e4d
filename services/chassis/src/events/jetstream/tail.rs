//! Reading the stream without a durable consumer: a pull consumer in memory, made again wherever it is lost.

use std::{sync::Arc, time::Duration};

use async_nats::{
    StatusCode, Subject, Subscriber,
    jetstream::{
        self,
        consumer::{
            AckPolicy, Consumer, DeliverPolicy,
            pull::{BatchConfig, Config},
        },
        stream::ConsumerErrorKind,
    },
};
use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Inner, jetstream_error};
use crate::events::{BusError, Numbered, Tail, envelope};

/// How long the server keeps a consumer that nobody asks.
const IDLE: Duration = Duration::from_secs(10);
/// The pause after the first failure; it doubles up to 32 times this.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct PullTail {
    bus: Arc<Inner>,
    subjects: Vec<String>,
    seen: u64,
    pull: Option<Pull>,
    failures: u32,
}

/// A consumer and the subscription that its deliveries come to.
struct Pull {
    context: jetstream::Context,
    consumer: Consumer<Config>,
    inbox: Subscriber,
    reply: Subject,
    /// The open request; none where the server has answered the last one to its end.
    request: Option<Request>,
    /// Deliveries so far: one that is missing shows.
    delivered: u64,
    connection: u64,
}

#[derive(Clone, Copy)]
struct Request {
    /// Deliveries it may still bring.
    owed: usize,
    /// Brings what there is and does not wait for more.
    at_once: bool,
    /// When it must have been answered.
    until: Instant,
}

enum Step {
    Message(Option<async_nats::Message>),
    Reconnected,
    Silent,
}

impl PullTail {
    pub(super) async fn open(bus: Arc<Inner>, after: Option<u64>, subjects: &[String]) -> Result<Self, BusError> {
        let mut tail =
            Self { bus, subjects: subjects.to_vec(), seen: after.unwrap_or_default(), pull: None, failures: 0 };
        tail.connect(after.is_none()).await?;
        Ok(tail)
    }

    /// Makes the consumer, unless that was done on this connection.
    async fn connect(&mut self, from_now: bool) -> Result<(), BusError> {
        let bus = self.bus.clone();
        let connection = bus.ready().await?;
        if self.pull.as_ref().is_some_and(|pull| pull.connection == connection) {
            return Ok(());
        }
        let before = bus.link.trouble();
        let stream = bus.context.get_stream(&bus.settings.stream).await.map_err(|error| {
            bus.forget();
            bus.link.unanswered(before, format!("the stream: {error}"))
        })?;
        let state = &stream.cached_info().state;
        if from_now {
            self.seen = state.last_sequence;
        } else if self.seen > state.last_sequence || self.seen + 1 < state.first_sequence {
            return Err(BusError::Lost { after: self.seen });
        }
        let config = Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.seen + 1 },
            ack_policy: AckPolicy::None,
            filter_subjects: self.subjects.clone(),
            inactive_threshold: IDLE,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let made = stream.create_consumer(config).await;
        let consumer = made.map_err(|error| match error.kind() {
            ConsumerErrorKind::JetStream(e) => jetstream_error("a reader", &e),
            _ => bus.link.unanswered(before, format!("a reader: {error}")),
        })?;
        let reply = Subject::from(bus.link.client.new_inbox());
        let inbox = bus.link.client.subscribe(reply.clone()).await.map_err(|e| bus.link.unreachable(e))?;
        let context = bus.context.clone();
        self.pull = Some(Pull { context, consumer, inbox, reply, request: None, delivered: 0, connection });
        Ok(())
    }

    async fn receive(&mut self, most: usize, wait: Duration) -> Result<Vec<Numbered>, BusError> {
        let deadline = Instant::now() + wait;
        let patience = self.bus.settings.request();
        let mut asked = false;
        loop {
            self.connect(false).await?;
            let bus = self.bus.clone();
            let Some(pull) = &mut self.pull else { continue };
            let request = match pull.request {
                Some(open) => open,
                None if asked && Instant::now() >= deadline => return Ok(Vec::new()),
                None => {
                    asked = true;
                    let left = deadline.saturating_duration_since(Instant::now());
                    pull.ask(most, left, patience).await.map_err(|e| bus.link.unreachable(e))?
                }
            };
            let step = tokio::select! {
                biased;
                message = pull.inbox.next() => Step::Message(message),
                () = bus.link.other_than(pull.connection) => Step::Reconnected,
                () = sleep_until(request.until) => Step::Silent,
            };
            match step {
                Step::Message(Some(message)) => {
                    let mut found = Vec::new();
                    found.extend(self.take(message)?);
                    self.take_ready(&mut found, most);
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
                Step::Message(None) => return Err(bus.link.unreachable("the subscription has ended")),
                Step::Silent => return Err(bus.link.unreachable("the stream does not answer")),
                Step::Reconnected => {
                    self.pull = None;
                    asked = false;
                }
            }
        }
    }

    /// Adds what has already come.
    fn take_ready(&mut self, found: &mut Vec<Numbered>, most: usize) {
        while let Some(pull) = &mut self.pull
            && found.len() < most
            && let Some(Some(message)) = pull.inbox.next().now_or_never()
        {
            match self.take(message) {
                Ok(event) => found.extend(event),
                // What was read is good; the consumer is made anew by the next call.
                Err(_) => self.pull = None,
            }
        }
    }

    /// An event; none where it was the end of a request, or is nothing that can be read.
    fn take(&mut self, message: async_nats::Message) -> Result<Option<Numbered>, BusError> {
        let Some(pull) = &mut self.pull else { return Ok(None) };
        let Some((number, message)) = pull.read(message)? else { return Ok(None) };
        self.seen = number;
        match envelope::read(&message.subject, message.headers.as_ref(), &message.payload) {
            Ok(event) => Ok(Some(Numbered { number, event })),
            Err(unreadable) => {
                tracing::warn!(
                    number,
                    subject = unreadable.subject,
                    reason = unreadable.reason,
                    "passed over: no event"
                );
                Ok(None)
            }
        }
    }
}

impl Pull {
    async fn ask(
        &mut self,
        most: usize,
        wait: Duration,
        patience: Duration,
    ) -> Result<Request, jetstream::consumer::pull::BatchRequestError> {
        let at_once = wait.is_zero();
        let expires = (!at_once).then_some(wait);
        let batch = BatchConfig { batch: most, expires, no_wait: at_once, ..BatchConfig::default() };
        self.consumer.request_batch(batch, self.reply.clone()).await?;
        let request = Request { owed: most, at_once, until: Instant::now() + wait + patience };
        self.request = Some(request);
        Ok(request)
    }

    /// A message with its number in the stream.
    fn read(&mut self, message: async_nats::Message) -> Result<Option<(u64, jetstream::Message)>, BusError> {
        match message.status {
            None | Some(StatusCode::OK) => {}
            Some(StatusCode::IDLE_HEARTBEAT) => return Ok(None),
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                self.request = None;
                return Ok(None);
            }
            Some(status) => {
                let why = message.description.unwrap_or_default();
                return Err(BusError::Unreachable(format!("the server ended a pull: {status} {why}")));
            }
        }
        let message = jetstream::Message { message, context: self.context.clone() };
        let Ok(info) = message.info() else { return Ok(None) };
        let (number, at, last) = (info.stream_sequence, info.consumer_sequence, info.pending == 0);
        self.delivered += 1;
        if at != self.delivered {
            return Err(BusError::Unreachable("a delivery is missing; it is read again".into()));
        }
        if let Some(request) = &mut self.request {
            request.owed = request.owed.saturating_sub(1);
            // The server cuts a request that does not wait to what there is, and does not say when it is done.
            if request.owed == 0 || (request.at_once && last) {
                self.request = None;
            }
        }
        Ok(Some((number, message)))
    }
}

#[async_trait]
impl Tail for PullTail {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Numbered>, BusError> {
        let outcome = self.receive(most.max(1), wait).await;
        if outcome.is_ok() {
            self.failures = 0;
        } else {
            self.pull = None;
            sleep(PAUSE * 2u32.pow(self.failures.min(5))).await;
            self.failures += 1;
        }
        outcome
    }

    fn seen(&self) -> u64 {
        self.seen
    }
}
