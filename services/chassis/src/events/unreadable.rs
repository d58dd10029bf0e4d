//! What is kept of a message that is no event.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Event, Unreadable};

/// Bytes of a body that are kept.
const KEPT: usize = 64 * 1024;

impl Unreadable {
    /// An event of the kind `unreadable` in its place, for the dead letters. Its data is a JSON string, the body as text or,
    /// where it is no text, in base64; its id is made of subject and body, so that the same message is parked once.
    pub(super) fn stand_in(self, at: DateTime<Utc>) -> Event {
        let Self { reason: _, subject, body } = self;
        let hash = digest(&SHA256, &[subject.as_bytes(), &[0], body.as_slice()].concat());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        let kept = &body[..body.len().min(KEPT)];
        let text = std::str::from_utf8(kept).map_or_else(|_| STANDARD.encode(kept), str::to_owned);
        Event {
            id: uuid::Builder::from_custom_bytes(id).into_uuid(),
            kind: "unreadable".to_owned(),
            source: subject.split('.').nth(1).unwrap_or_default().to_owned(),
            subject,
            key: Uuid::nil(),
            version: 0,
            at,
            trace: None,
            data: serde_json::Value::String(text).to_string(),
        }
    }
}
