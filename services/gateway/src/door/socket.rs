//! One TCP connection, and since when nothing has moved on it.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Duration, Instant},
};

/// What HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// No time.
const NEVER: u64 = u64::MAX;

/// A moment, shared and without a lock: milliseconds since the connection was made.
#[derive(Debug)]
pub(super) struct Moment(AtomicU64);

impl Moment {
    pub(super) fn never() -> Self {
        Self(AtomicU64::new(NEVER))
    }

    pub(super) fn set(&self, since: Instant) {
        self.0.store(u64::try_from(since.elapsed().as_millis()).unwrap_or(NEVER - 1), Ordering::Relaxed);
    }

    pub(super) fn clear(&self) {
        self.0.store(NEVER, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NEVER
    }

    /// Whether it was set, at least so long ago.
    pub(super) fn is_older(&self, since: Instant, than: Duration) -> bool {
        let at = self.0.load(Ordering::Relaxed);
        at != NEVER && since.elapsed() >= Duration::from_millis(at) + than
    }
}

/// What is known of a connection from its bytes.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) since: Instant,
    /// When the headers that are still coming began.
    pub(super) head: Moment,
    /// Since when the other side takes nothing.
    pub(super) unread: Moment,
    /// Set while a request is answered; bytes that come meanwhile are no headers.
    pub(super) busy: AtomicU64,
    is_h2: AtomicBool,
}

impl Line {
    fn new() -> Self {
        let line = Self {
            since: Instant::now(),
            head: Moment::never(),
            unread: Moment::never(),
            busy: AtomicU64::new(0),
            is_h2: AtomicBool::new(false),
        };
        // Whoever connects and says nothing is slow with headers too.
        line.head.set(line.since);
        line
    }

    /// How much of HTTP/2's first bytes is there after `came`; none where it is no HTTP/2, or all of them are.
    fn preface(&self, seen: usize, came: &[u8]) -> Option<usize> {
        let wanted = &PREFACE[seen..];
        let most = wanted.len().min(came.len());
        if wanted[..most] != came[..most] {
            return None;
        }
        if most < wanted.len() {
            return Some(seen + most);
        }
        self.is_h2.store(true, Ordering::Relaxed);
        self.head.clear();
        None
    }

    /// HTTP/2 has frames of its own to notice a dead peer, and brings bytes that are no headers.
    fn came(&self) {
        let counts = !self.is_h2.load(Ordering::Relaxed) && self.busy.load(Ordering::Relaxed) == 0;
        if counts && !self.head.is_set() {
            self.head.set(self.since);
        }
    }
}

/// The connection's bytes.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    line: Arc<Line>,
    /// Bytes of [`PREFACE`] that have come; none where something else has.
    preface: Option<usize>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Arc<Line>) {
        let line = Arc::new(Line::new());
        (Self { stream, line: line.clone(), preface: Some(0) }, line)
    }

    fn wrote<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            if !self.line.unread.is_set() {
                self.line.unread.set(self.line.since);
            }
        } else {
            self.line.unread.clear();
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let came = &buffer.filled()[before..];
        if !came.is_empty() {
            self.preface = self.preface.and_then(|seen| self.line.preface(seen, came));
            self.line.came();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
