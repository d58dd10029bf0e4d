//! Lanes of senders outside: for each a stream `LINJU_IN_<name>` that takes `linju.in.<name>.*`, a subscription to
//! `linju.ask.<name>.*`, and a consumer `partner-<name>` of the events it may read.
//!
//! A stream of its own bounds what a sender can fill, and what the headers of its messages can do: the ids by which the
//! server drops what came twice are known within one stream only. Nothing that a header could ask for is switched on.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Subscriber,
    jetstream::{
        AckKind, ErrorCode,
        consumer::{AckPolicy, DeliverPolicy, pull::Config},
        stream::{Config as StreamConfig, DiscardPolicy, RetentionPolicy, StorageType},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::{
    Inner,
    feed::{PullFeed, sent_by_stream},
    jetstream_error, streams,
};
use crate::events::{
    BusError,
    ingress::{Incoming, Lane, Lanes, Received, Sender},
};

const STREAMS: &str = "LINJU_IN_";
/// The copies of the service that answer requests share them.
const GROUP: &str = "linju";
/// Bytes of one message, and what may wait: messages, bytes, days.
const MESSAGE: i32 = 32 * 1024;
const WAITING: i64 = 50_000;
const WAITING_BYTES: i64 = 256 * 1024 * 1024;
const WAITING_TIME: Duration = Duration::from_hours(72);
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Tries of one event on a sender outside, and how many it may hold unanswered.
const EVENT_TRIES: i64 = 20;
const EVENTS_HELD: i64 = 500;

/// The lanes of one bus.
pub(super) struct JetLanes(pub(super) Arc<Inner>);

#[async_trait]
impl Lanes for JetLanes {
    async fn published(&self, sender: &Sender) -> Result<Box<dyn Lane>, BusError> {
        self.0.ready().await?;
        self.ensure_stream(&sender.name).await?;
        self.ensure_reader(sender).await?;
        let config = Config {
            durable_name: Some("intake".to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: 2_000,
            num_replicas: self.0.settings.replicas,
            ..Config::default()
        };
        let mut feed = PullFeed::of(self.0.clone(), stream_of(&sender.name), config);
        feed.open().await?;
        Ok(Box::new(Published(feed)))
    }

    async fn asked(&self, sender: &Sender) -> Result<Box<dyn Lane>, BusError> {
        self.0.ready().await?;
        let subject = format!("linju.ask.{}.*", sender.name);
        let client = self.0.link.client.clone();
        let inbox = client.queue_subscribe(subject, GROUP.to_owned()).await;
        Ok(Box::new(Asked { inbox: inbox.map_err(|e| self.0.link.unreachable(e))?, bus: self.0.clone() }))
    }

    async fn keep_only(&self, names: &[String]) -> Result<(), BusError> {
        self.0.ready().await?;
        let found: Vec<String> =
            self.0.context.stream_names().try_collect().await.map_err(|e| self.0.link.unreachable(e))?;
        let gone = found.iter().filter_map(|stream| stream.strip_prefix(STREAMS)).filter(|name| {
            let name: &str = name;
            !names.iter().any(|kept| kept == name)
        });
        for name in gone {
            // Another copy may have been first.
            let _ = self.0.context.delete_stream(stream_of(name)).await;
            let _ = self.0.context.delete_consumer_from_stream(reader(name), &self.0.settings.stream).await;
            tracing::info!(sender = name, "the lane of a sender is taken down");
        }
        Ok(())
    }
}

impl JetLanes {
    async fn ensure_stream(&self, name: &str) -> Result<(), BusError> {
        let wanted = StreamConfig {
            name: stream_of(name),
            subjects: vec![format!("linju.in.{name}.*")],
            storage: StorageType::File,
            // What is done with goes, and what is too much is refused at the door.
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_messages: WAITING,
            max_bytes: WAITING_BYTES,
            max_message_size: MESSAGE,
            max_age: WAITING_TIME,
            num_replicas: self.0.settings.replicas,
            duplicate_window: streams::DUPLICATE_WINDOW,
            allow_rollup: false,
            allow_message_ttl: false,
            allow_atomic_publish: false,
            allow_message_schedules: false,
            allow_message_counter: false,
            ..StreamConfig::default()
        };
        streams::ensure_one(&self.0.context, &wanted).await
    }

    /// The consumer by which the sender reads events. It is ours: the sender may ask it for the next event and nothing else.
    async fn ensure_reader(&self, sender: &Sender) -> Result<(), BusError> {
        let (name, stream) = (reader(&sender.name), &self.0.settings.stream);
        if sender.reads.is_empty() {
            return match self.0.context.delete_consumer_from_stream(name, stream).await {
                Err(error) if !error.to_string().contains("not found") => Err(self.0.link.unreachable(error)),
                _ => Ok(()),
            };
        }
        let config = Config {
            durable_name: Some(name.clone()),
            deliver_policy: DeliverPolicy::New,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: EVENT_TRIES,
            max_ack_pending: EVENTS_HELD,
            num_replicas: self.0.settings.replicas,
            filter_subjects: sender.reads.clone(),
            ..Config::default()
        };
        let made = self.0.context.create_consumer_on_stream(config, stream).await;
        made.map(|_| ()).map_err(|error| match error.kind() {
            async_nats::jetstream::stream::ConsumerErrorKind::JetStream(e)
                if e.error_code() != ErrorCode::STREAM_NOT_FOUND =>
            {
                jetstream_error(&format!("consumer {name}"), &e)
            }
            _ => self.0.link.unreachable(error),
        })
    }
}

fn stream_of(name: &str) -> String {
    format!("{STREAMS}{name}")
}

fn reader(name: &str) -> String {
    format!("partner-{name}")
}

/// The last token: what kind of message it is.
fn kind(subject: &str) -> String {
    subject.rsplit('.').next().unwrap_or_default().to_owned()
}

struct Published(PullFeed);

#[async_trait]
impl Lane for Published {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        let messages = self.0.messages(most, wait).await?;
        let received = messages.into_iter().filter_map(|message| {
            let (_, token) = sent_by_stream(&message)?;
            let incoming = Incoming { kind: kind(&message.subject), body: message.message.payload };
            Some(Received { incoming, token })
        });
        Ok(received.collect())
    }

    async fn done(&mut self, received: &[Received], _: Vec<Bytes>) -> Result<(), BusError> {
        for one in received {
            self.0.answer(&one.token, AckKind::Ack).await?;
        }
        Ok(())
    }
}

struct Asked {
    inbox: Subscriber,
    bus: Arc<Inner>,
}

#[async_trait]
impl Lane for Asked {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        let Ok(first) = tokio::time::timeout(wait, self.inbox.next()).await else { return Ok(Vec::new()) };
        let mut messages = vec![first.ok_or_else(|| self.bus.link.unreachable("the subscription has ended"))?];
        while messages.len() < most
            && let Some(Some(message)) = self.inbox.next().now_or_never()
        {
            messages.push(message);
        }
        let received = messages.into_iter().map(|message| Received {
            incoming: Incoming { kind: kind(&message.subject), body: message.payload },
            token: message.reply.map(|reply| reply.to_string()).unwrap_or_default(),
        });
        Ok(received.collect())
    }

    async fn done(&mut self, received: &[Received], answers: Vec<Bytes>) -> Result<(), BusError> {
        for (one, answer) in received.iter().zip(answers) {
            // Somebody who only publishes there waits for nothing.
            if !one.token.is_empty() {
                let sent = self.bus.link.client.publish(one.token.clone(), answer).await;
                sent.map_err(|e| self.bus.link.unreachable(e))?;
            }
        }
        Ok(())
    }
}
