//! What happened, as others are told of it.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use uuid::Uuid;

use crate::data::{AreaCode, AreaLevel};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(linju_proto::DESCRIPTORS).expect("the build has read these descriptors"));

/// One event, a CloudEvents 1.0 message: the attributes apart, the data as the canonical JSON of its proto message.
///
/// It carries no personal data; the build of the contracts has proved that of every message in an `events.proto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `ce-id` and `Nats-Msg-Id`; the key by which a consumer knows it again.
    pub id: Uuid,
    /// `ce-type`: full name of the proto message, for example `linju.residents.v1.ResidentMoved`.
    pub kind: String,
    /// `ce-source`: the service, for example `residents`.
    pub source: String,
    /// Where it is published: `linju.<service>.v1.<county>.<subdistrict>.<community>.<event>`.
    pub subject: String,
    /// `ce-linjukey`: what it is about; events of one key come in the order of their versions.
    pub key: Uuid,
    /// `ce-linjuversion`: counts the changes of `key` from 1.
    pub version: i64,
    /// `ce-time`.
    pub at: DateTime<Utc>,
    /// `traceparent` of the call that caused it.
    pub trace: Option<String>,
    /// Canonical proto3 JSON.
    pub data: String,
}

/// A message that is an event, with what every event needs.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    pub id: Uuid,
    pub key: Uuid,
    pub version: i64,
    pub area: AreaCode,
    pub at: DateTime<Utc>,
}

impl Event {
    /// Makes an event of a message of `linju.<service>.v1`.
    pub fn new<M: Message + Name>(head: Head, message: &M) -> Self {
        let Head { id, key, version, area, at } = head;
        let source = M::PACKAGE.split('.').nth(1).unwrap_or_default().to_owned();
        let token = |level| area.token(level);
        let subject = format!(
            "linju.{source}.v1.{}.{}.{}.{}",
            token(AreaLevel::County),
            token(AreaLevel::Subdistrict),
            token(AreaLevel::Community),
            snake(M::NAME)
        );
        Self {
            id,
            kind: M::full_name(),
            source,
            subject,
            key,
            version,
            at,
            trace: crate::run::traceparent(),
            data: json(&M::full_name(), &message.encode_to_vec()),
        }
    }

    /// Reads the data back as the message it was made of.
    pub fn message<M: Message + Name + Default>(&self) -> Result<M, String> {
        if self.kind != M::full_name() {
            return Err(format!("the event is a {}, not a {}", self.kind, M::full_name()));
        }
        let kind = POOL.get_message_by_name(&self.kind).ok_or_else(|| format!("{} is not known here", self.kind))?;
        // Fields of a newer version are left out, so that an older consumer reads on during an upgrade.
        let lenient = prost_reflect::DeserializeOptions::new().deny_unknown_fields(false);
        let mut json = serde_json::Deserializer::from_str(&self.data);
        let message = DynamicMessage::deserialize_with_options(kind, &mut json, &lenient)
            .map_err(|e| format!("the data of {} is not its JSON: {e}", self.kind))?;
        M::decode(message.encode_to_vec().as_slice()).map_err(|e| e.to_string())
    }
}

/// `ResidentMoved` -> `resident_moved`
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.char_indices() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn json(full_name: &str, bytes: &[u8]) -> String {
    let message = POOL.get_message_by_name(full_name).and_then(|kind| DynamicMessage::decode(kind, bytes).ok());
    message.and_then(|m| serde_json::to_string(&m).ok()).expect("a message of the contracts has a JSON form")
}
