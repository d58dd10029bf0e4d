//! How long a call may take.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Status, body::Body};

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) time: Duration,
    /// The caller has asked for it, so that it holds for a stream too.
    pub(super) asked: bool,
}

/// Reads `grpc-timeout` (at most eight digits and one of `H M S m u n`); a longer one than `longest` is cut.
pub(super) fn limit(headers: &HeaderMap, longest: Duration) -> Result<Limit, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(Limit { time: longest, asked: false }) };
    let wrong = || Status::invalid_argument("grpc-timeout must be up to eight digits and one of H, M, S, m, u, n");
    let text = value.to_str().map_err(|_| wrong())?;
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let asked = match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return Err(wrong()),
    };
    Ok(Limit { time: asked.min(longest), asked: true })
}

/// A duration as `grpc-timeout` says it.
pub(super) fn written(limit: Duration) -> HeaderValue {
    let millis = limit.as_millis().clamp(1, 99_999_999);
    HeaderValue::try_from(format!("{millis}m")).unwrap_or_else(|_| HeaderValue::from_static("15S"))
}

/// What the caller hears of a deadline.
pub(super) fn passed() -> Status {
    Status::deadline_exceeded("the service did not answer in time: try again, or allow more time")
}

pin_project! {
    /// An answer that ends with `DEADLINE_EXCEEDED` if it is not complete in time.
    pub(super) struct Until {
        body: Body,
        #[pin]
        sleep: Sleep,
        ended: bool,
    }
}

impl Until {
    pub(super) fn new(body: Body, deadline: Instant) -> Self {
        Self { body, sleep: sleep_until(deadline), ended: false }
    }
}

impl HttpBody for Until {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut *this.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if this.sleep.poll(cx).is_pending() {
            return Poll::Pending;
        }
        *this.ended = true;
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(passed().add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn read(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_str(text).ok()?);
        limit(&headers, Duration::from_secs(15)).ok().map(|limit| limit.time)
    }

    #[test]
    fn a_longer_deadline_is_cut_and_a_wrong_one_refused() {
        assert_eq!(read("99999999H"), Some(Duration::from_secs(15)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        for wrong in ["", "5", "S", "123456789S", "-1S", "1.5S", "1d", "１S"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        let none = limit(&HeaderMap::new(), Duration::from_secs(15)).ok();
        assert_eq!(none, Some(Limit { time: Duration::from_secs(15), asked: false }));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_stops_coming_ends_with_a_status() {
        let never = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Status>>());
        let until = Until::new(Body::new(never), Instant::now() + Duration::from_secs(1));
        let ended = until.collect().await.map(|all| all.trailers().cloned());
        assert_eq!(ended.ok().flatten().map(|trailers| trailers["grpc-status"].clone()), Some(HeaderValue::from(4)));
    }
}
