//! One copy of a service: the line to it, what is under way there, and whether it gets calls.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use chassis::run::Tls;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tokio::{sync::watch, time::Instant};
use tonic::{
    Code, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tower::{Service as _, ServiceExt as _};

use super::outcome::Lost;

/// How long an answer to "are you well?" may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many bad answers one after the other, and a copy is taken out.
const BAD: u32 = 5;
/// The first time out; every further one in a row is twice as long.
const OUT: Duration = Duration::from_secs(2);
const LONGEST_OUT: Duration = Duration::from_secs(30);

/// Whether a copy gets calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// Not asked yet.
    Untried,
    Up,
    /// It says that it stops, or it has answered badly: it gets no more calls, and ends those that it has.
    Resting,
    /// It does not answer at all; what it was asked is asked elsewhere where that does no harm.
    Gone,
}

/// The service that copies are copies of.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    pub(super) name: String,
    /// None: its lines are plain.
    pub(super) tls: Option<Tls>,
}

/// A copy. The one place that knows its state is its `watch`.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) address: SocketAddr,
    service: Service,
    line: RwLock<Channel>,
    load: AtomicUsize,
    state: watch::Sender<State>,
    record: Mutex<Record>,
}

/// How it has answered lately.
#[derive(Debug, Default)]
struct Record {
    bad: u32,
    times_out: u32,
    out_until: Option<Instant>,
}

impl Copy {
    pub(super) fn new(address: SocketAddr, service: Service) -> Self {
        Self {
            address,
            line: RwLock::new(line(address, &service)),
            service,
            load: AtomicUsize::new(0),
            state: watch::Sender::new(State::Untried),
            record: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    pub(super) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Resolves when the copy does not answer any more.
    pub(super) async fn gone(&self) {
        // The sender lives as long as this value.
        let _ = self.state.subscribe().wait_for(|state| *state == State::Gone).await;
    }

    fn turn(&self, to: State) {
        let turned = self.state.send_if_modified(|state| std::mem::replace(state, to) != to);
        if turned {
            tracing::info!(copy = %self.address, state = ?to, "a copy of a service");
        }
    }

    fn channel(&self) -> Channel {
        self.line.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection that says nothing may say nothing for minutes; the next call gets a new one.
    fn hang_up(&self) {
        *self.line.write().unwrap_or_else(PoisonError::into_inner) = line(self.address, &self.service);
    }

    /// Makes the call; its load counts until the answer is read or dropped.
    pub(super) async fn send(self: &Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Lost> {
        let load = Load::on(self.clone());
        let mut channel = self.channel();
        let sent = async { channel.ready().await?.call(request).await };
        match sent.await {
            Ok(response) => Ok(response.map(|body| Body::new(Loaded { body, _load: load }))),
            Err(error) => {
                let lost = Lost::of(&error);
                tracing::debug!(copy = %self.address, ?lost, error = &error as &dyn std::error::Error, "a call was lost");
                if lost == Lost::NotConnected {
                    self.turn(State::Gone);
                }
                Err(lost)
            }
        }
    }

    /// It has answered as it should.
    pub(super) fn well(&self) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        (record.bad, record.times_out) = (0, 0);
    }

    /// It has answered badly, or not at all. True where that is too often by now, and `may_rest` allows it.
    pub(super) fn badly(&self, may_rest: bool) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.bad += 1;
        if record.bad < BAD || !may_rest {
            return;
        }
        let out = OUT.saturating_mul(1 << record.times_out.min(8)).min(LONGEST_OUT);
        *record = Record { bad: 0, times_out: record.times_out + 1, out_until: Some(Instant::now() + out) };
        drop(record);
        self.turn(State::Resting);
    }

    /// Asks it how it is, and notes that.
    pub(super) async fn look(&self, service: &str) {
        let mut client = HealthClient::new(self.channel());
        let asked = client.check(HealthCheckRequest { service: service.to_owned() });
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        match answered {
            Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => self.answers(),
            // A process without health answers, and that is all one can know of it.
            Ok(Err(status)) if status.code() == Code::Unimplemented => self.answers(),
            Ok(Ok(_)) => self.turn(State::Resting),
            Ok(Err(status)) if is_not_known(&status) => self.turn(State::Resting),
            Ok(Err(_)) => self.turn(State::Gone),
            Err(_) => {
                self.turn(State::Gone);
                self.hang_up();
            }
        }
    }

    fn answers(&self) {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let out = record.out_until.is_some_and(|until| Instant::now() < until);
        drop(record);
        if !out {
            self.turn(State::Up);
        }
    }
}

/// The process is there, but not this service.
fn is_not_known(status: &Status) -> bool {
    status.code() == Code::NotFound
}

fn line(address: SocketAddr, service: &Service) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .unwrap_or_else(|_| Endpoint::from_static("http://invalid.invalid"))
        .connect_timeout(Duration::from_secs(1))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    let Service { name, tls: Some(tls) } = service.clone() else { return endpoint.connect_lazy() };
    endpoint.connect_with_connector_lazy(tower::service_fn(move |_| {
        let (tls, name) = (tls.clone(), name.clone());
        async move { tls.connect(address, &name).await.map(TokioIo::new) }
    }))
}

/// One call under way.
#[derive(Debug)]
struct Load(Arc<Copy>);

impl Load {
    fn on(copy: Arc<Copy>) -> Self {
        copy.load.fetch_add(1, Ordering::Relaxed);
        Self(copy)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// An answer that counts as load while it is read.
    struct Loaded {
        #[pin]
        body: Body,
        _load: Load,
    }
}

impl HttpBody for Loaded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_copy_that_answers_badly_rests_for_longer_each_time() {
        let copy = Copy::new(SocketAddr::from(([127, 0, 0, 1], 1)), Service::default());
        copy.answers();
        for out in [2, 4, 8, 16, 30, 30] {
            for _ in 0..BAD {
                assert_eq!(copy.state(), State::Up);
                copy.badly(true);
            }
            assert_eq!(copy.state(), State::Resting);
            tokio::time::advance(Duration::from_millis(out * 1000 - 1)).await;
            copy.answers();
            assert_eq!(copy.state(), State::Resting, "{out} s are not over");
            tokio::time::advance(Duration::from_millis(1)).await;
            copy.answers();
        }
        copy.well();
        (0..BAD).for_each(|_| copy.badly(false));
        assert_eq!(copy.state(), State::Up, "too few others are left");
    }
}
