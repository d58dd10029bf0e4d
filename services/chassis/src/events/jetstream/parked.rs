//! The stream of what was parked: `linju-dlq.<consumer>`, the event with its own headers and the reason.

use async_nats::jetstream::{
    ErrorCode,
    message::StreamMessage,
    stream::{DeleteMessageErrorKind, RawMessageError, RawMessageErrorKind, Stream},
};
use bytes::Bytes;

use super::{DLQ, Inner, jetstream_error, publish::Outgoing};
use crate::events::{BusError, Event, Parked, ParkedId, envelope};

const SUBJECT: &str = "linju-subject";
const REASON: &str = "linju-reason";
/// Characters of a reason that are kept.
const REASON_LENGTH: usize = 500;

impl Inner {
    /// Returns when it is kept. The same event is kept once, also if the caller is killed before it acknowledges the
    /// delivery and parks it again.
    pub(super) async fn park(&self, consumer: &str, event: &Event, reason: &str) -> Result<(), BusError> {
        self.ready().await?;
        let mut name = format!("{}.{consumer}", event.id);
        loop {
            let mut headers = envelope::headers(event, &name);
            headers.insert(SUBJECT, event.subject.as_str());
            headers.insert(REASON, one_line(reason));
            let subject = format!("{DLQ}{consumer}");
            let ack = self.keep(&Outgoing { subject, headers, body: Bytes::from(event.data.clone()) }).await?;
            if !ack.duplicate || self.find(ack.sequence).await?.is_some() {
                return Ok(());
            }
            // It was parked, given again or dropped, and fails anew within the duplicate window: a new entry.
            name = format!("{}.{consumer}.{}", event.id, ack.sequence);
        }
    }

    pub(super) async fn parked(&self, most: usize) -> Result<Vec<Parked>, BusError> {
        self.ready().await?;
        let stream = self.dlq().await?;
        let (mut list, mut from) = (Vec::new(), 1);
        while list.len() < most {
            let next = stream.raw_message_builder().sequence(from).next_by_subject(format!("{DLQ}>")).send().await;
            let Some(message) = found(next)? else { break };
            from = message.sequence + 1;
            match read(&message) {
                Ok(parked) => list.push(parked),
                Err(reason) => tracing::warn!(sequence = message.sequence, reason, "a parked message cannot be read"),
            }
        }
        Ok(list)
    }

    /// The message id names the entry, so that a retry which was cut off before the entry was deleted counts once.
    pub(super) async fn retry(&self, id: ParkedId) -> Result<(), BusError> {
        self.ready().await?;
        let message = self.find(id).await?.ok_or(BusError::NotParked(id))?;
        let Parked { consumer, event, .. } = read(&message).map_err(|reason| {
            BusError::Refused(format!(
                "parked message {id} cannot be read ({reason}): drop it with `linju dlq drop {id}`"
            ))
        })?;
        let rest = event.subject.strip_prefix("linju.").unwrap_or(&event.subject);
        let subject = format!("{}{rest}", super::retry_prefix(&consumer));
        let headers = envelope::headers(&event, &format!("{}.retry.{id}", event.id));
        self.keep(&Outgoing { subject, headers, body: Bytes::from(event.data) }).await?;
        self.delete(id).await
    }

    pub(super) async fn drop_parked(&self, id: ParkedId) -> Result<(), BusError> {
        self.ready().await?;
        self.find(id).await?.ok_or(BusError::NotParked(id))?;
        self.delete(id).await
    }

    async fn delete(&self, id: ParkedId) -> Result<(), BusError> {
        let Err(error) = self.dlq().await?.delete_message(id).await else { return Ok(()) };
        match error.kind() {
            DeleteMessageErrorKind::JetStream(e) if is_absent(e.error_code()) => Err(BusError::NotParked(id)),
            DeleteMessageErrorKind::JetStream(e) => Err(jetstream_error("the parked events", &e)),
            _ => Err(self.link.unreachable(error)),
        }
    }

    async fn find(&self, id: ParkedId) -> Result<Option<StreamMessage>, BusError> {
        if id == 0 {
            return Ok(None);
        }
        found(self.dlq().await?.get_raw_message(id).await)
    }

    async fn dlq(&self) -> Result<Stream<()>, BusError> {
        let name = &self.settings.dlq_stream;
        self.context
            .get_stream_no_info(name)
            .await
            .map_err(|e| BusError::Refused(format!("bus.nats.dlq_stream `{name}`: {e}")))
    }
}

fn found(outcome: Result<StreamMessage, RawMessageError>) -> Result<Option<StreamMessage>, BusError> {
    let error = match outcome {
        Ok(message) => return Ok(Some(message)),
        Err(error) => error,
    };
    match error.kind() {
        RawMessageErrorKind::NoMessageFound => Ok(None),
        RawMessageErrorKind::JetStream(e) if is_absent(e.error_code()) => Ok(None),
        RawMessageErrorKind::JetStream(e) => Err(jetstream_error("the parked events", &e)),
        _ => Err(BusError::Unreachable(format!("the parked events: {error}"))),
    }
}

fn is_absent(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::NO_MESSAGE_FOUND | ErrorCode::SEQUENCE_NOT_FOUND)
}

fn read(message: &StreamMessage) -> Result<Parked, String> {
    let header = |name| message.headers.get(name).map(|v| v.as_str().to_owned());
    let subject = header(SUBJECT).ok_or_else(|| format!("header {SUBJECT} is missing"))?;
    Ok(Parked {
        id: message.sequence,
        consumer: message.subject.strip_prefix(DLQ).unwrap_or_default().to_owned(),
        event: envelope::event(&subject, &message.headers, &message.payload)?,
        reason: header(REASON).unwrap_or_default(),
        parked_at: message.time,
    })
}

/// A header is one line.
fn one_line(reason: &str) -> String {
    reason.chars().take(REASON_LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
