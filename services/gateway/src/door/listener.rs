//! Takes connections, so many and no more, and so many from one address.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Body;
use chassis::run::Tasks;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{DoorSettings, connection::Connections, network::customer};

/// How long to wait where the machine has no more files to give.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// Connections by address.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Who holds how many connections.
#[derive(Clone, Debug)]
struct Places {
    all: Arc<Semaphore>,
    by_address: Counts,
    settings: Arc<DoorSettings>,
}

/// A connection's place; free again when dropped.
struct Place {
    _one: OwnedSemaphorePermit,
    counted: Option<(IpAddr, Counts)>,
}

impl Places {
    fn new(settings: Arc<DoorSettings>) -> Self {
        Self { all: Arc::new(Semaphore::new(settings.connections)), by_address: Arc::default(), settings }
    }

    /// A place, where there is one for this address.
    fn take(&self, peer: IpAddr) -> Option<Place> {
        let one = self.all.clone().try_acquire_owned().ok()?;
        if self.settings.trusted_proxies.iter().any(|network| network.holds(peer)) {
            return Some(Place { _one: one, counted: None });
        }
        let from = customer(peer);
        let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(from).or_insert(0);
        if *count >= self.settings.connections_per_address {
            return None;
        }
        *count += 1;
        Some(Place { _one: one, counted: Some((from, self.by_address.clone())) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((from, counts)) = self.counted.take() else { return };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&from);
            }
        }
    }
}

/// Serves every connection until the program stops; `answer` gets each request with the socket's other end.
pub(super) fn serve<F>(
    listener: TcpListener,
    settings: Arc<DoorSettings>,
    tasks: &Tasks,
    answer: impl Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let connections = Connections::new(settings.clone(), tasks.clone());
    let places = Places::new(settings);
    let all = tasks.clone();
    tasks.spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = all.stopping() => return,
            };
            let Some((stream, peer)) = taken(accepted).await else { continue };
            let Some(place) = places.take(peer.ip()) else {
                tracing::debug!(%peer, "one connection too many");
                continue;
            };
            let (connections, answer) = (connections.clone(), answer.clone());
            all.spawn(async move {
                connections.serve(stream, move |request| answer(request, peer)).await;
                drop(place);
            });
        }
    });
}

async fn taken(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok((stream, peer)) => {
            // Refused only where the other side is gone already.
            let _ = stream.set_nodelay(true);
            Some((stream, SocketAddr::new(peer.ip().to_canonical(), peer.port())))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be taken");
            if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                tokio::time::sleep(OUT_OF_FILES).await;
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        let settings = DoorSettings {
            connections: 4,
            connections_per_address: 2,
            trusted_proxies: "10.0.0.0/8".parse().into_iter().collect(),
            ..DoorSettings::default()
        };
        let places = Places::new(Arc::new(settings));
        let take = |address: [u8; 4]| places.take(IpAddr::from(address));
        let (one, two) = (take([192, 0, 2, 1]), take([192, 0, 2, 1]));
        assert!(one.is_some() && two.is_some() && take([192, 0, 2, 1]).is_none());
        let (proxy, proxied) = (take([10, 0, 0, 1]), take([10, 0, 0, 1]));
        assert!(proxy.is_some() && proxied.is_some());
        assert!(take([10, 0, 0, 1]).is_none() && take([192, 0, 2, 2]).is_none(), "all places are taken");
        drop((one, proxy));
        let again = take([192, 0, 2, 1]);
        assert!(again.is_some() && take([192, 0, 2, 1]).is_none());
        drop((two, again, proxied));
        assert!(places.by_address.lock().is_ok_and(|counts| counts.is_empty()), "nothing is kept of who is gone");
    }
}
