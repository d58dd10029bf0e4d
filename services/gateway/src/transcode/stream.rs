//! Makes the HTTP answer of a stream of messages: a line each (NDJSON), or an event each (SSE, as the HTML standard has it).

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, header};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tonic::Status;

use super::{
    accept::Form,
    answer::{self, Failed},
    refused::Refused,
    routes::Routes,
    rule::Rule,
    status,
};

/// A line that no reader of events shows; it keeps proxies from closing a quiet stream.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// How a stream is passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) form: Form,
    pub(crate) keep_alive: Duration,
    /// Bytes of one message.
    pub(crate) most: usize,
}

/// The answer; its body follows the service's stream, and leaving it ends the call.
pub(crate) fn respond(
    routes: Arc<Routes>,
    rule: usize,
    response: Response<tonic::body::Body>,
    manner: Manner,
) -> Result<Response<Body>, Failed> {
    answer::check_head(&response)?;
    let mut keep_alive = interval_at(Instant::now() + manner.keep_alive, manner.keep_alive);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower {
        routes,
        rule,
        body: response.into_body(),
        come: BytesMut::new(),
        keep_alive,
        manner,
        state: State::Open,
    };
    let pieces = futures::stream::unfold(follower, |mut follower| async {
        follower.next().await.map(|piece| (Ok::<_, std::convert::Infallible>(piece), follower))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(manner.form.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Tells nginx not to gather what should arrive at once.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Follower {
    routes: Arc<Routes>,
    rule: usize,
    body: tonic::body::Body,
    come: BytesMut,
    keep_alive: Interval,
    manner: Manner,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The service said that it ended well.
    EndedWell,
    /// Nothing more is sent.
    Over,
}

impl Follower {
    /// The next piece to send.
    async fn next(&mut self) -> Option<Bytes> {
        while self.state != State::Over {
            match answer::take(&mut self.come, self.manner.most) {
                Ok(Some(message)) => {
                    self.keep_alive.reset();
                    let piece = self.piece(message);
                    return Some(piece.unwrap_or_else(|refused| self.fail(&chassis::status(&refused))));
                }
                Ok(None) => {}
                Err(refused) => return Some(self.fail(&chassis::status(&refused))),
            }
            tokio::select! {
                frame = self.body.frame() => if let Some(piece) = self.frame(frame) { return Some(piece) },
                _ = self.keep_alive.tick(), if self.manner.form == Form::Events => {
                    return Some(Bytes::from_static(KEEP_ALIVE));
                }
            }
        }
        None
    }

    /// Takes what has come in; the last piece where the stream ended ill.
    fn frame(&mut self, frame: Option<Result<http_body::Frame<Bytes>, Status>>) -> Option<Bytes> {
        let frame = match frame {
            None if self.state == State::EndedWell => {
                self.state = State::Over;
                return None;
            }
            None => return Some(self.fail(&chassis::status(&Refused::AnswerBrokeOff))),
            Some(Err(status)) => return Some(self.fail(&status)),
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(data) if self.come.is_empty() => self.come = data.into(),
            Ok(data) => self.come.extend_from_slice(&data),
            Err(frame) => match frame.trailers_ref().map(answer::check) {
                Some(Err(Failed::Status(status))) => return Some(self.fail(&status)),
                _ => self.state = State::EndedWell,
            },
        }
        None
    }

    fn rule(&self) -> &Rule {
        &self.routes.rules()[self.rule]
    }

    /// One message as a line or an event.
    fn piece(&self, message: Bytes) -> Result<Bytes, Refused> {
        let rule = self.rule();
        let mut piece = Vec::with_capacity(message.len() * 2 + 64);
        let message = answer::decode(rule, message)?;
        if self.manner.form == Form::Events {
            let id = rule.rpc.event_id.as_ref().map(|field| message.get_field(field));
            let id =
                id.as_ref().and_then(|id| id.as_str()).filter(|id| !id.is_empty() && !id.contains(['\r', '\n', '\0']));
            if let Some(id) = id {
                piece.extend_from_slice(b"id: ");
                piece.extend_from_slice(id.as_bytes());
                piece.push(b'\n');
            }
            piece.extend_from_slice(b"data: ");
        }
        answer::write(rule, &message, &mut piece)?;
        piece.extend_from_slice(if self.manner.form == Form::Events { b"\n\n" } else { b"\n" });
        Ok(piece.into())
    }

    /// The last piece: why the stream ends.
    fn fail(&mut self, status: &Status) -> Bytes {
        self.state = State::Over;
        let status = status::body(status);
        match self.manner.form {
            Form::Events => format!("event: error\ndata: {status}\n\n").into(),
            // Within `error`, so that nobody takes it for one more message.
            _ => format!("{}\n", json!({ "error": status })).into(),
        }
    }
}
