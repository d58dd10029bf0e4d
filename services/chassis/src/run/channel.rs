//! Client channels to other services: they follow DNS, notice dead peers and let nothing wait for ever.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use tonic::transport::{Channel, Endpoint, channel::Change};

use super::Tasks;

/// How often a name is looked up again.
const LOOK_UP: Duration = Duration::from_secs(5);

/// A channel to every address that `host:port` has, kept up to date while the program runs. A peer that does not answer a
/// ping within 5 s is given up; a call to none waits for its deadline.
pub fn follow(target: String, tasks: &Tasks) -> Channel {
    let (channel, changes) = Channel::balance_channel::<SocketAddr>(64);
    let follower = tasks.clone();
    tasks.spawn(async move {
        let mut known = BTreeSet::new();
        loop {
            match tokio::net::lookup_host(&target).await {
                Ok(addresses) => {
                    let now: BTreeSet<SocketAddr> = addresses.collect();
                    for address in now.difference(&known) {
                        if changes.send(Change::Insert(*address, endpoint(*address))).await.is_err() {
                            return;
                        }
                    }
                    for address in known.difference(&now) {
                        if changes.send(Change::Remove(*address)).await.is_err() {
                            return;
                        }
                    }
                    known = now;
                }
                Err(error) => tracing::warn!(%error, target, "cannot look up a service; the known addresses stay"),
            }
            if !follower.pause(LOOK_UP).await {
                return;
            }
        }
    });
    channel
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap_or_else(|_| Endpoint::from_static("http://invalid.invalid"))
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(15))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
}
