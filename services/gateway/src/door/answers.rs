//! The answers that a connection is sending, and which of them nobody takes.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::socket::{Line, Moment};

/// All answers of one connection.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) line: Arc<Line>,
    given: Arc<Mutex<Vec<Weak<Moment>>>>,
}

impl Answers {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, given: Arc::default() }
    }

    /// A request is here: its headers are complete.
    pub(super) fn begin(&self) -> Busy {
        self.line.head.clear();
        self.line.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.line.clone())
    }

    /// An answer as it is sent; it counts until it was read.
    pub(super) fn send(&self, body: Body, busy: Busy) -> Body {
        let given = Arc::new(Moment::never());
        // Where the other side opens no window, nobody ever comes for the first piece.
        given.set(self.line.since);
        self.given.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&given));
        Body::new(Sent { body, given, busy })
    }

    /// How many answers are under way, and how many of them were left lying for `stall`.
    pub(super) fn count(&self, stall: Duration) -> (usize, usize) {
        let mut all = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|given| given.strong_count() > 0);
        let stalled = all.iter().filter_map(Weak::upgrade).filter(|given| given.is_older(self.line.since, stall));
        (all.len(), stalled.count())
    }
}

/// A request is being answered.
#[derive(Debug)]
pub(super) struct Busy(Arc<Line>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// Notes when a piece was given away; whoever comes for the next one has taken it.
    struct Sent {
        #[pin]
        body: Body,
        given: Arc<Moment>,
        busy: Busy,
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                this.given.set(this.busy.0.since);
            }
            _ => this.given.clear(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
