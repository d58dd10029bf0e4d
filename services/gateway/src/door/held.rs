//! A stream is open for as long as its caller could open it again.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use chassis::run::Tasks;
use http::{HeaderMap, request::Parts};
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};

use crate::identity::{Caller, Identity, Refused};

/// Who opened a stream, and with what.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    pub(super) identity: Identity,
    pub(super) parts: Parts,
    pub(super) caller: Caller,
    pub(super) tasks: Tasks,
}

impl Opener {
    /// Resolves with what the caller hears when something was taken away that the stream needs, or the program stops.
    async fn lost(self) -> Status {
        tokio::select! {
            () = self.tasks.stopping() => Status::unavailable("the server restarts: follow again where you are"),
            () = self.revoked() => Refused::NotValid.into(),
        }
    }

    async fn revoked(&self) {
        let mut changes = self.identity.revoked();
        // Asked at the beginning too: something may have been taken away between the call's own check and now.
        while self.identity.still_holds(&self.parts, &self.caller).await {
            // The sender ends with the program.
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The stream, which ends with a status when it can no longer be.
    pub(super) fn hold(self, body: Body) -> Body {
        Body::new(Held { body, lost: Box::pin(self.lost()), ended: false })
    }
}

pin_project! {
    struct Held {
        #[pin]
        body: Body,
        lost: Pin<Box<dyn Future<Output = Status> + Send>>,
        ended: bool,
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        // First: nothing more is given to whoever has lost the right to it.
        if let Poll::Ready(status) = this.lost.as_mut().poll(cx) {
            *this.ended = true;
            let mut trailers = HeaderMap::new();
            let told = status.add_header(&mut trailers);
            return Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))));
        }
        this.body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }
}
