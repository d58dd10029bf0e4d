//! A request's body as it comes in: so many bytes, and not slower than a person's telephone.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use super::{DoorSettings, refusal::Refusal};

/// How much, and how fast.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bytes: usize,
    /// The first bytes, and after these every pause.
    patience: Duration,
    /// Bytes a second beyond that.
    rate: u64,
}

impl Pace {
    pub(super) fn of(settings: &DoorSettings, bytes: usize) -> Self {
        Self { bytes, patience: Duration::from_secs(settings.body_s), rate: settings.body_rate.max(1) }
    }

    /// When a body that has brought `came` bytes must have brought more: neither a long pause nor a trickle is waited for.
    fn due(&self, began: Instant, now: Instant, came: usize) -> Instant {
        let came = u64::try_from(came).unwrap_or(u64::MAX);
        let earned = Duration::from_millis(came.saturating_mul(1_000) / self.rate);
        (began + self.patience + earned).min(now + self.patience)
    }
}

pin_project! {
    /// The body, cut where it is too long or too slow.
    pub(super) struct Intake<B> {
        #[pin]
        body: B,
        #[pin]
        sleep: Sleep,
        pace: Pace,
        began: Instant,
        came: usize,
    }
}

impl<B> Intake<B> {
    pub(super) fn new(body: B, pace: Pace) -> Self {
        let began = Instant::now();
        Self { body, sleep: sleep_until(began + pace.patience), pace, began, came: 0 }
    }
}

impl<B: HttpBody<Data = Bytes, Error: std::fmt::Display>> HttpBody for Intake<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut this = self.project();
        match this.body.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                *this.came += frame.data_ref().map_or(0, Bytes::len);
                if *this.came > this.pace.bytes {
                    return Poll::Ready(Some(Err(Refusal::TooLarge(this.pace.bytes).into())));
                }
                this.sleep.as_mut().reset(this.pace.due(*this.began, Instant::now(), *this.came));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Refusal::BodyBroken.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if this.sleep.poll(cx).is_ready() => Poll::Ready(Some(Err(Refusal::BodySlow.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The whole body, at most `pace.bytes` of it. One that says that it is longer is not read at all.
pub(super) async fn whole<B>(body: B, headers: &HeaderMap, pace: Pace) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes, Error: std::fmt::Display>,
{
    let said = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|bytes| bytes > pace.bytes as u64) {
        return Err(Refusal::TooLarge(pace.bytes));
    }
    let read = Box::pin(Intake::new(body, pace)).collect().await;
    read.map(http_body_util::Collected::to_bytes).map_err(|status| Refusal::of_body(&status, pace.bytes))
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, stream};
    use http_body_util::StreamBody;

    use super::*;

    fn pace() -> Pace {
        Pace::of(&DoorSettings { body_s: 10, body_rate: 1_000, ..DoorSettings::default() }, 100_000)
    }

    /// `pieces` of `bytes` each, one every `pause`.
    async fn read(pieces: usize, bytes: usize, pause: Duration) -> Result<usize, Refusal> {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![0; bytes])))
        });
        whole(StreamBody::new(pieces), &HeaderMap::new(), pace()).await.map(|bytes| bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_neither_trickle_nor_pause_nor_go_on_for_ever() {
        let seconds = Duration::from_secs;
        assert_eq!(read(50, 2_000, seconds(1)).await, Ok(100_000));
        assert_eq!(read(20, 1, seconds(1)).await, Err(Refusal::BodySlow), "a trickle");
        assert_eq!(read(3, 30_000, seconds(11)).await, Err(Refusal::BodySlow), "a pause");
        assert_eq!(read(101, 1_000, seconds(0)).await, Err(Refusal::TooLarge(100_000)));
    }

    #[tokio::test]
    async fn a_length_that_is_too_large_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, http::HeaderValue::from(100_001));
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, std::io::Error>>());
        assert_eq!(whole(never, &headers, pace()).await, Err(Refusal::TooLarge(100_000)));
    }
}
