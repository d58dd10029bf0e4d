//! How one entry is hashed onto the one before it.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use super::store::Model;

pub(super) type Hash = [u8; 32];

/// Where a chain ends: the number and hash of its last entry. An empty chain ends at 0 with a hash of zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Hash,
}

impl Head {
    pub(super) const START: Self = Self { seq: 0, hash: [0; 32] };

    /// The head after `entry`, which becomes the next one.
    pub(super) fn after(self, entry: &Model) -> Self {
        let seq = self.seq + 1;
        Self { seq, hash: hash(&self.hash, seq, entry) }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({}, {})", self.seq, hex::encode(self.hash))
    }
}

/// SHA-256 over, in this order:
///
/// | what | bytes |
/// |---|---|
/// | `linju audit v1`; `v2` where the entry says in which roles or on what approval | 14, ASCII |
/// | the previous hash | 32 |
/// | the number | 8, big-endian |
/// | the id | 16 |
/// | the time in microseconds since 1970 UTC | 8, big-endian |
/// | who, `on_behalf`, purpose, method, subject, fields, request | each: length in 8 bytes, big-endian, then UTF-8; a null has the length 2⁶⁴ - 1 and no bytes |
/// | only in `v2`: acting, basis | likewise |
fn hash(prev: &Hash, seq: i64, entry: &Model) -> Hash {
    let Model {
        id,
        at,
        who,
        on_behalf,
        purpose,
        method,
        subject,
        fields,
        request,
        acting,
        basis,
        seq: _,
        prev: _,
        hash: _,
    } = entry;
    let first = acting.is_none() && basis.is_none();
    let mut context = Context::new(&SHA256);
    context.update(if first { b"linju audit v1" } else { b"linju audit v2" });
    context.update(prev);
    context.update(&seq.to_be_bytes());
    context.update(id.as_bytes());
    context.update(&at.timestamp_micros().to_be_bytes());
    let texts =
        [Some(who), on_behalf.as_ref(), Some(purpose), Some(method), Some(subject), Some(fields), Some(request)];
    let more = [acting.as_ref(), basis.as_ref()];
    for text in texts.iter().chain(if first { &[][..] } else { &more[..] }) {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        context.update(&length.to_be_bytes());
        context.update(text.map_or(&[], |text| text.as_bytes()));
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn entry() -> Model {
        Model {
            id: Uuid::from_u128(7),
            at: DateTime::from_timestamp_micros(1_790_000_000_123_456).expect("a time"),
            who: "w1".into(),
            on_behalf: None,
            purpose: "home_visit".into(),
            method: "/m".into(),
            subject: "r1".into(),
            fields: "phone".into(),
            request: "t".into(),
            acting: None,
            basis: None,
            seq: None,
            prev: None,
            hash: None,
        }
    }

    /// The form is what stored chains were made with: it must never change.
    #[test]
    fn the_form_is_byte_exact() {
        let mut bytes = b"linju audit v1".to_vec();
        bytes.extend([0; 32]);
        bytes.extend(1u64.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        bytes.extend(1_790_000_000_123_456u64.to_be_bytes());
        for text in [Some("w1"), None, Some("home_visit"), Some("/m"), Some("r1"), Some("phone"), Some("t")] {
            match text {
                None => bytes.extend([0xff; 8]),
                Some(text) => {
                    bytes.extend((text.len() as u64).to_be_bytes());
                    bytes.extend(text.bytes());
                }
            }
        }
        let expected = aws_lc_rs::digest::digest(&SHA256, &bytes);
        assert_eq!(Head::START.after(&entry()).hash, expected.as_ref());
    }

    #[test]
    fn a_text_cannot_slide_into_its_neighbour() {
        let slid = Model { who: "w1home".into(), purpose: "_visit".into(), ..entry() };
        let emptied = Model { on_behalf: Some(String::new()), ..entry() };
        let acting = Model { acting: Some("grid_worker".into()), ..entry() };
        let based = Model { basis: Some("grid_worker".into()), ..entry() };
        assert_ne!(Head::START.after(&acting), Head::START.after(&based));
        for other in [slid, emptied, acting, based] {
            assert_ne!(Head::START.after(&other), Head::START.after(&entry()));
        }
    }
}
