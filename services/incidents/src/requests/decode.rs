//! A stream of bytes in any encoding as a stream of UTF-8 that never holds an endless record.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use encoding_rs::{CoderResult, Decoder, Encoding};

/// The most bytes of one record. A quote that is never closed would otherwise swallow the file into memory.
const RECORD_LIMIT: usize = 1 << 20;
const CHUNK: usize = 16 * 1024;

/// Reads UTF-8; what is malformed comes out as U+FFFD.
pub(super) struct Utf8Reader<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    pending: std::ops::Range<usize>,
    /// The source has given everything.
    drained: bool,
    /// The decoder has given everything.
    done: bool,
    /// Decoded text that did not fit the caller's buffer.
    spare: Vec<u8>,
    since_record: Arc<AtomicUsize>,
}

/// Says that a record has ended, so that the next may have the whole limit again.
#[derive(Clone)]
pub(super) struct RecordEnd(Arc<AtomicUsize>);

impl RecordEnd {
    pub(super) fn mark(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl<R: Read> Utf8Reader<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> (Self, RecordEnd) {
        let since_record = Arc::new(AtomicUsize::new(0));
        let reader = Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: vec![0; CHUNK],
            pending: 0..0,
            drained: false,
            done: false,
            spare: Vec::new(),
            since_record: Arc::clone(&since_record),
        };
        (reader, RecordEnd(since_record))
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.pending.is_empty() && !self.drained {
            let read = self.source.read(&mut self.input)?;
            self.pending = 0..read;
            self.drained = read == 0;
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A decoder wants room for one whole character; callers with a tiny buffer get it piece by piece.
        let mut small = [0; 16];
        while self.spare.is_empty() && !self.done {
            self.refill()?;
            let target = if out.len() < small.len() { &mut small[..] } else { &mut *out };
            let source = &self.input[self.pending.clone()];
            let (result, read, written, _) = self.decoder.decode_to_utf8(source, target, self.drained);
            self.pending.start += read;
            self.done = self.drained && result == CoderResult::InputEmpty;
            if written == 0 {
                continue;
            }
            if self.since_record.fetch_add(written, Ordering::Relaxed) > RECORD_LIMIT {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a record is longer than 1 MiB; look for a quote that is not closed",
                ));
            }
            if out.len() >= small.len() {
                return Ok(written);
            }
            self.spare.extend_from_slice(&small[..written]);
        }
        let given = self.spare.len().min(out.len());
        out[..given].copy_from_slice(&self.spare[..given]);
        self.spare.drain(..given);
        Ok(given)
    }
}
