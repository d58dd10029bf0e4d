//! One connection from its first byte to its last: HTTP/1.1 or HTTP/2 as it begins, cut where it is slow, asked to come
//! again when it is old, ended when the program stops.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use chassis::run::Tasks;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{net::TcpStream, time::Instant};

use super::{DoorSettings, answers::Answers, socket::Socket};

/// Bytes of all headers of a request, and how many there may be.
const HEADER_BYTES: usize = 16 * 1024;
const HEADERS: usize = 100;
/// What HTTP/2 may hold for one stream that its reader does not take.
const SEND_BYTES: usize = 64 * 1024;
/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Serves the connections of one listener.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    builder: Arc<Builder<TokioExecutor>>,
    settings: Arc<DoorSettings>,
    tasks: Tasks,
}

impl Connections {
    pub(super) fn new(settings: Arc<DoorSettings>, tasks: Tasks) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.idle())
            .max_headers(HEADERS)
            .max_buf_size(HEADER_BYTES)
            .keep_alive(true)
            .half_close(false);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.streams)
            .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
            .max_send_buf_size(SEND_BYTES)
            .max_pending_accept_reset_streams(64)
            .max_local_error_reset_streams(256)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        Self { builder: Arc::new(builder), settings, tasks }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve<F>(&self, stream: TcpStream, answer: impl Fn(Request<Incoming>) -> F + Clone)
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let (socket, line) = Socket::new(stream);
        let answers = Answers::new(line);
        let service = {
            let answers = answers.clone();
            service_fn(move |request| {
                let (answers, busy) = (answers.clone(), answers.begin());
                let answered = answer(request);
                async move {
                    let response = answered.await;
                    Ok::<_, Infallible>(response.map(|body| answers.send(body, busy)))
                }
            })
        };
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(socket), service));
        let mut look = tokio::time::interval(LOOK);
        let mut old = pin!(tokio::time::sleep(self.age()));
        let mut last: Option<Instant> = None;
        loop {
            let leave = last.is_none();
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection ended");
                    }
                    return;
                }
                () = self.tasks.stopping(), if leave => {}
                () = old.as_mut(), if leave => {}
                _ = look.tick() => {
                    match self.look(&answers, last) {
                        Look::Leave if leave => {}
                        Look::Fine | Look::Leave => continue,
                        Look::Cut => return,
                    }
                }
            }
            connection.as_mut().graceful_shutdown();
            last = Some(Instant::now() + Duration::from_secs(self.settings.connection_grace_s));
        }
    }

    /// Spread over a fifth, so that connections made together do not come again together.
    fn age(&self) -> Duration {
        Duration::from_secs(self.settings.connection_age_s).mul_f64(1.0 + rand::random::<f64>() / 5.0)
    }

    fn look(&self, answers: &Answers, last: Option<Instant>) -> Look {
        let (line, settings) = (&answers.line, &self.settings);
        let slow =
            line.head.is_older(line.since, settings.head()) || line.unread.is_older(line.since, settings.stall());
        let (all, stalled) = answers.count(settings.stall());
        if slow || last.is_some_and(|last| Instant::now() >= last) || (stalled > 0 && stalled == all) {
            tracing::debug!(slow, all, stalled, "a connection is cut");
            return Look::Cut;
        }
        // Others on the same connection, perhaps through one proxy, end what they began.
        if stalled > 0 { Look::Leave } else { Look::Fine }
    }
}

enum Look {
    Fine,
    /// It takes no more requests.
    Leave,
    /// It ends now.
    Cut,
}
