//! Calls as the door makes them for one caller: what is read of people is counted.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};

use super::{
    held::Opener,
    rates::{Policy, Rates, Who},
    refusal::Refusal,
};
use crate::{transcode::Calls, upstream::Upstreams};

/// The services, for one caller.
#[derive(Clone, Debug)]
pub(super) struct Metered {
    pub(super) upstreams: Upstreams,
    pub(super) rates: Arc<Rates>,
    pub(super) who: Who,
    /// Whoever opens a stream.
    pub(super) opener: Option<Box<Opener>>,
}

impl Metered {
    fn is_personal(path: &str) -> bool {
        linju_proto::METHODS.iter().any(|method| method.path == path && !method.purposes.is_empty())
    }
}

impl Calls for Metered {
    async fn call(&self, request: Request<Body>) -> Response<Body> {
        let personal = Self::is_personal(request.uri().path());
        let hold = |body| match &self.opener {
            Some(opener) => opener.as_ref().clone().hold(body),
            None => body,
        };
        if !personal {
            return self.upstreams.call(request).await.map(hold);
        }
        if let Some(wait) = self.rates.look(Policy::Reading, &self.who).and_then(|standing| standing.wait) {
            // Somebody should ask why; the caller is named in the log by its subject alone.
            tracing::warn!(who = ?self.who, method = request.uri().path(), "too much was read");
            return Status::from(Refusal::TooMuchRead(wait)).into_http();
        }
        let (rates, who) = (self.rates.clone(), self.who.clone());
        self.upstreams.call(request).await.map(|body| hold(Body::new(Counted { body, rates, who })))
    }
}

pin_project! {
    /// An answer whose bytes are charged as they pass.
    struct Counted {
        #[pin]
        body: Body,
        rates: Arc<Rates>,
        who: Who,
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            this.rates.charge(Policy::Reading, this.who, data.len());
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
