//! Publishing: atomic batches after ADR-50 of NATS, and one by one where a batch cannot be.

use async_nats::{
    HeaderMap, Request, RequestErrorKind,
    jetstream::{Error, ErrorCode, publish::PublishAck, response::Response},
};
use bytes::Bytes;

use super::{Inner, jetstream_error};
use crate::events::{BusError, Event, envelope, subject};

/// Most messages the server takes in one batch.
const BATCH: usize = 1_000;
/// Up to so many are published one after the other. A batch costs the server files of its own: with everything synced, one
/// of 2 took 7 ms where a single message took 0.8 ms (docs/adr/0011).
const FEW: usize = 6;
/// What the headers of a batch, or of a parked event with its reason, may add to a message.
const ROOM: usize = 4_096;

const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) subject: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why a message, or a batch, was not kept.
enum Failure {
    /// JetStream says no.
    Answered(Error),
    /// No stream takes the subject: the store was lost.
    NoStream,
    Bus(BusError),
}

impl Outgoing {
    fn new(event: &Event) -> Self {
        let headers = envelope::headers(event, &event.id.to_string());
        Self { subject: event.subject.clone(), headers, body: Bytes::from(event.data.clone()) }
    }

    /// Bytes of headers and body as they are sent.
    fn size(&self) -> usize {
        let line = |(name, values): (&async_nats::HeaderName, &Vec<async_nats::HeaderValue>)| {
            let name: &str = name.as_ref();
            values.iter().map(|v| name.len() + v.as_str().len() + 4).sum::<usize>()
        };
        "NATS/1.0\r\n\r\n".len() + self.headers.iter().map(line).sum::<usize>() + self.body.len()
    }
}

impl Inner {
    /// Publishes in order; in whole batches, so that a failure leaves the later ones out.
    pub(super) async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        events.iter().try_for_each(subject::check)?;
        self.ready().await?;
        let messages: Vec<_> = events.iter().map(Outgoing::new).collect();
        let most = self.link.client.max_payload();
        for (event, message) in events.iter().zip(&messages) {
            let size = message.size() + ROOM;
            if size > most {
                let reason = format!("it takes {size} bytes, and the NATS server allows {most} (max_payload)");
                return Err(BusError::Unpublishable { id: event.id, reason });
            }
        }
        for batch in messages.chunks(BATCH) {
            if batch.len() <= FEW {
                self.keep_each(batch).await?;
            } else {
                self.keep_all(batch).await?;
            }
        }
        Ok(())
    }

    async fn keep_all(&self, batch: &[Outgoing]) -> Result<(), BusError> {
        let failure = match self.batch(batch).await {
            Err(Failure::NoStream) => {
                self.ready_again().await?;
                self.batch(batch).await
            }
            outcome => outcome,
        };
        match failure {
            Ok(()) => Ok(()),
            Err(Failure::Answered(error)) if concerns_batches(error.error_code()) => {
                tracing::debug!(%error, "a batch was refused; its events are published one by one");
                self.keep_each(batch).await
            }
            Err(failure) => Err(told(failure)),
        }
    }

    /// One after the other, so that none is kept before one that failed.
    async fn keep_each(&self, messages: &[Outgoing]) -> Result<(), BusError> {
        for message in messages {
            self.keep(message).await?;
        }
        Ok(())
    }

    /// Publishes one message and waits until it is kept.
    pub(super) async fn keep(&self, message: &Outgoing) -> Result<PublishAck, BusError> {
        let outcome = match self.ask(message.clone()).await {
            Err(Failure::NoStream) => {
                self.ready_again().await?;
                self.ask(message.clone()).await
            }
            outcome => outcome,
        };
        outcome.map_err(told)
    }

    /// All or none. Only the last message is answered.
    async fn batch(&self, batch: &[Outgoing]) -> Result<(), Failure> {
        let Some((last, others)) = batch.split_last() else { return Ok(()) };
        // The tail of a new inbox is a name that no other client makes.
        let inbox = self.link.client.new_inbox();
        let id = inbox.rsplit('.').next().unwrap_or(&inbox);
        let numbered = |message: &Outgoing, number: usize| {
            let mut message = message.clone();
            message.headers.insert(BATCH_ID, id);
            message.headers.insert(BATCH_SEQUENCE, number.to_string());
            message
        };
        for (i, message) in others.iter().enumerate() {
            let Outgoing { subject, headers, body } = numbered(message, i + 1);
            let sent = self.link.client.publish_with_headers(subject, headers, body).await;
            sent.map_err(|e| Failure::Bus(self.link.unreachable(e)))?;
        }
        let mut commit = numbered(last, batch.len());
        commit.headers.insert(BATCH_COMMIT, "1");
        self.ask(commit).await.map(|_| ())
    }

    async fn ask(&self, message: Outgoing) -> Result<PublishAck, Failure> {
        let Outgoing { subject, headers, body } = message;
        let before = self.link.trouble();
        let request = Request::new().headers(headers).payload(body);
        let answer = self.link.client.send_request(subject.clone(), request).await.map_err(|e| match e.kind() {
            RequestErrorKind::NoResponders => Failure::NoStream,
            RequestErrorKind::TimedOut => Failure::Bus(self.link.unanswered(before, "a publish was not acknowledged")),
            _ => Failure::Bus(self.link.unreachable(e)),
        })?;
        match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
            Ok(Response::Ok(ack)) => Ok(ack),
            Ok(Response::Err { error }) => Err(Failure::Answered(error)),
            Err(e) => Err(Failure::Bus(BusError::Refused(format!(
                "what answers on `{subject}` is no JetStream stream ({e}); look for other subscribers of it"
            )))),
        }
    }
}

/// Whether the batch was refused for what a single message may still do: a duplicate id in it, a part lost in a reconnect,
/// limits of batches.
fn concerns_batches(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE
            | ErrorCode::ATOMIC_PUBLISH_INCOMPLETE_BATCH
            | ErrorCode::ATOMIC_PUBLISH_TOO_LARGE_BATCH
            | ErrorCode::ATOMIC_PUBLISH_DISABLED
            | ErrorCode::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT
    )
}

fn told(failure: Failure) -> BusError {
    match failure {
        Failure::Answered(error) => jetstream_error("publishing", &error),
        Failure::NoStream => BusError::Unreachable("the stream is gone; it is made again".into()),
        Failure::Bus(error) => error,
    }
}
