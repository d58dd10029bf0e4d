//! Contents as they lie in the store: sealed with AES-256-GCM under a key of their own, in pieces, so that a reader need not
//! hold a whole file and notices where one was cut, changed, moved or put in another order.
//!
//! The key lies sealed in the attachment's row. Whoever deletes the row has made the bytes unreadable, wherever copies of
//! them may be.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Bytes of one piece, and of its tag.
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;

/// Which of an attachment's contents it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    File = 0,
    Thumbnail = 1,
}

/// Why a content cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptError {
    #[error("the machine gave no random numbers")]
    NoRandomness,
    #[error("the key in the row is none")]
    NoKey,
    #[error("the content in the store was changed or cut, or belongs to another attachment")]
    Forged,
}

/// The key of one attachment, and what it belongs to.
pub(super) struct ContentKey {
    id: Uuid,
    key: LessSafeKey,
}

impl ContentKey {
    /// A new key, and how it is written down.
    pub(super) fn new(id: Uuid) -> Result<(Self, Zeroizing<String>), CryptError> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| CryptError::NoRandomness)?;
        let text = Zeroizing::new(hex::encode(*bytes));
        Ok((Self::read(id, &text)?, text))
    }

    /// A key that was written down.
    pub(super) fn read(id: Uuid, text: &str) -> Result<Self, CryptError> {
        let bytes = Zeroizing::new(hex::decode(text).map_err(|_| CryptError::NoKey)?);
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| CryptError::NoKey)?;
        Ok(Self { id, key: LessSafeKey::new(key) })
    }

    /// `content`, sealed. Each key seals each part once, so that no nonce comes twice.
    pub(super) fn seal(&self, part: Part, content: &[u8]) -> Result<Bytes, CryptError> {
        let pieces = content.len().div_ceil(PIECE).max(1);
        let mut sealed = Vec::with_capacity(content.len() + pieces * TAG);
        for number in 0..pieces {
            let piece = &content[number * PIECE..content.len().min((number + 1) * PIECE)];
            let start = sealed.len();
            sealed.extend_from_slice(piece);
            let (nonce, bound) = self.binding(part, number as u64, number + 1 == pieces);
            let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut sealed[start..]);
            sealed.extend_from_slice(tag.map_err(|_| CryptError::Forged)?.as_ref());
        }
        Ok(sealed.into())
    }

    fn open(&self, part: Part, number: u64, last: bool, mut piece: BytesMut) -> Result<Bytes, CryptError> {
        let (nonce, bound) = self.binding(part, number, last);
        let length = self.key.open_in_place(nonce, Aad::from(bound), &mut piece).map_err(|_| CryptError::Forged)?.len();
        piece.truncate(length);
        Ok(piece.freeze())
    }

    /// The piece's nonce (part, number), and what is bound in: the attachment, and whether it is the last.
    fn binding(&self, part: Part, number: u64, last: bool) -> (Nonce, [u8; 17]) {
        let mut nonce = [0; 12];
        nonce[0] = part as u8;
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        let mut bound = [0; 17];
        bound[..16].copy_from_slice(self.id.as_bytes());
        bound[16] = u8::from(last);
        (Nonce::assume_unique_for_key(nonce), bound)
    }
}

struct Opening<S> {
    key: ContentKey,
    part: Part,
    sealed: S,
    held: BytesMut,
    number: u64,
    ended: bool,
}

/// The content of `part`, piece by piece, each checked before it is handed on. An error is the last item.
pub(super) fn opened<S, E>(key: ContentKey, part: Part, sealed: S) -> impl Stream<Item = Result<Bytes, E>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: From<CryptError> + Send,
{
    let opening = Opening { key, part, sealed, held: BytesMut::new(), number: 0, ended: false };
    stream::unfold(Some(opening), async |opening| {
        let mut opening = opening?;
        match opening.next().await {
            Ok(piece) if opening.ended => Some((Ok(piece), None)),
            Ok(piece) => Some((Ok(piece), Some(opening))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl<S, E> Opening<S>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: From<CryptError> + Send,
{
    async fn next(&mut self) -> Result<Bytes, E> {
        // Whether a piece is the last shows only when something comes behind it.
        while self.held.len() <= PIECE + TAG {
            let Some(more) = self.sealed.next().await else {
                self.ended = true;
                break;
            };
            self.held.extend_from_slice(&more?);
        }
        let piece = if self.ended { self.held.split() } else { self.held.split_to(PIECE + TAG) };
        let opened = self.key.open(self.part, self.number, self.ended, piece)?;
        self.number += 1;
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    async fn read(text: &str, id: Uuid, part: Part, sealed: &[u8]) -> Result<Vec<u8>, CryptError> {
        let chunks: Vec<_> = sealed.chunks(10_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let pieces: Vec<Result<Bytes, CryptError>> =
            opened(ContentKey::read(id, text)?, part, stream::iter(chunks)).collect().await;
        Ok(pieces.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }

    #[tokio::test]
    async fn what_was_sealed_opens_and_nothing_else() -> Result<(), CryptError> {
        for length in [1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5] {
            let content: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap_or_default()).collect();
            let (key, text) = ContentKey::new(ID)?;
            let sealed = key.seal(Part::File, &content)?;
            assert_eq!(read(&text, ID, Part::File, &sealed).await?, content);
            let forged = Err(CryptError::Forged);
            assert_eq!(read(&text, ID, Part::Thumbnail, &sealed).await, forged);
            assert_eq!(read(&text, Uuid::from_u128(8), Part::File, &sealed).await, forged);
            for cut in [0, 1, 15, sealed.len() - 1, sealed.len().min(PIECE + TAG) - 1, sealed.len() / 2] {
                assert_eq!(read(&text, ID, Part::File, &sealed[..cut]).await, forged, "{length} {cut}");
            }
            if sealed.len() > PIECE + TAG {
                assert_eq!(read(&text, ID, Part::File, &sealed[..PIECE + TAG]).await, forged, "cut between pieces");
                assert_eq!(read(&text, ID, Part::File, &sealed[PIECE + TAG..]).await, forged, "the first is gone");
            }
            let mut changed = sealed.to_vec();
            changed[length / 2] ^= 1;
            assert_eq!(read(&text, ID, Part::File, &changed).await, forged);
            let (_, other) = ContentKey::new(ID)?;
            assert_eq!(read(&other, ID, Part::File, &sealed).await, forged);
        }
        Ok(())
    }
}
