//! A TCP proxy between a client and a server that breaks what passes through it.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What happens to the bytes of every connection, those already open included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything passes at once.
    Pass,
    /// Each byte arrives so much later, in both directions; the throughput stays.
    Latency(Duration),
    /// Nothing passes and nobody is told: open connections freeze, new ones are accepted and never answered. Back
    /// to [`Mode::Pass`], what was held is delivered.
    BlackHole,
    /// As [`Mode::BlackHole`] for the connections that are open now; new ones pass. Those stay frozen in any later mode.
    FreezeOpen,
    /// Open connections, and new ones on arrival, end with RST.
    Reset,
    /// The client is told that the server has ended (FIN); what it still sends reaches the server.
    HalfClose,
    /// Each direction of a connection lets so many bytes more through, then the connection ends with RST.
    CutAfter(usize),
    /// Each direction of a connection passes so many bytes a second. Must not be 0.
    Throttle(u32),
}

/// Listens on a port of its own until it is dropped, and takes its connections with it.
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts in [`Mode::Pass`]. The server need not be up: each connection looks for it anew.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (mode, modes) = watch::channel(Mode::Pass);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, modes));
        Ok(Self { address, mode, _tasks: tasks })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// In force for all connections from now on; what was already written to a socket is on its way.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, modes: watch::Receiver<Mode>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(carry(client, server, modes.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Why a connection ends.
enum End {
    /// Both sides have said all they had to say.
    Finished,
    /// It is to be broken off.
    Broken,
}

async fn carry(mut client: TcpStream, server: SocketAddr, mut modes: watch::Receiver<Mode>) {
    // Waiting without an end if the proxy goes: then this task is aborted.
    if modes.wait_for(|mode| *mode != Mode::BlackHole).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let end = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let (up, down) = (Pump::new(modes.clone(), false), Pump::new(modes.clone(), true));
        let both = async { tokio::try_join!(up.run(from_client, to_server), down.run(from_server, to_client)) };
        tokio::select! {
            _ = modes.wait_for(|mode| *mode == Mode::Reset) => End::Broken,
            done = both => if done.is_ok() { End::Finished } else { End::Broken },
        }
    };
    if matches!(end, End::Broken) {
        // Closing a socket that does not linger sends RST in place of FIN.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// One direction of one connection.
struct Pump {
    modes: watch::Receiver<Mode>,
    to_client: bool,
    /// Read and not yet written, each with the time it is due.
    line: VecDeque<(Instant, Vec<u8>)>,
    /// When the newest in `line` is due; nothing overtakes it.
    last_due: Instant,
    /// How many bytes [`Mode::CutAfter`] still lets through.
    left: usize,
    /// It has not met a mode yet.
    fresh: bool,
}

impl Pump {
    const LINE: usize = 256;
    const CHUNK: usize = 16 * 1024;

    fn new(mut modes: watch::Receiver<Mode>, to_client: bool) -> Self {
        modes.mark_changed(); // so that the mode of now is met like a change to it
        Self { modes, to_client, line: VecDeque::new(), last_due: Instant::now(), left: usize::MAX, fresh: true }
    }

    /// An error means that the connection is to be broken off.
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut buffer = vec![0; Self::CHUNK];
        let mut mode = Mode::Pass;
        let mut ended = false;
        while !(ended && self.line.is_empty()) {
            let open = mode != Mode::BlackHole;
            let chunk = Self::chunk(mode);
            let due = self.line.front().map_or(self.last_due, |(due, _)| *due);
            tokio::select! {
                biased;
                changed = self.modes.changed() => {
                    changed.map_err(io::Error::other)?;
                    mode = *self.modes.borrow_and_update();
                    if mode == Mode::FreezeOpen && !std::mem::take(&mut self.fresh) {
                        std::future::pending::<()>().await;
                    }
                    self.fresh = false;
                    self.left = if let Mode::CutAfter(bytes) = mode { bytes } else { usize::MAX };
                    if mode == Mode::HalfClose && self.to_client {
                        to.shutdown().await?;
                        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
                        return Ok(());
                    }
                }
                () = sleep_until(due), if open && !self.line.is_empty() => self.write(&mut to).await?,
                read = from.read(&mut buffer[..chunk]), if open && !ended && self.line.len() < Self::LINE => {
                    let bytes = read?;
                    ended = bytes == 0;
                    self.hold(mode, &buffer[..bytes]);
                }
            }
        }
        to.shutdown().await
    }

    /// Small enough under a throttle that bytes flow rather than come in heaps.
    fn chunk(mode: Mode) -> usize {
        match mode {
            Mode::Throttle(rate) => (rate as usize / 20).clamp(1, Self::CHUNK),
            _ => Self::CHUNK,
        }
    }

    fn hold(&mut self, mode: Mode, bytes: &[u8]) {
        let now = Instant::now();
        let due = match mode {
            Mode::Latency(delay) => now + delay,
            Mode::Throttle(rate) => self.last_due.max(now) + Duration::from_secs(bytes.len() as u64) / rate,
            _ => now,
        };
        self.last_due = self.last_due.max(due);
        self.line.push_back((self.last_due, bytes.to_vec()));
    }

    async fn write(&mut self, to: &mut WriteHalf<'_>) -> io::Result<()> {
        let Some((_, bytes)) = self.line.pop_front() else { return Ok(()) };
        let passing = bytes.len().min(self.left);
        to.write_all(&bytes[..passing]).await?;
        self.left -= passing;
        if passing < bytes.len() || (self.left == 0 && !bytes.is_empty()) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Mode, Pump, watch};

    #[tokio::test(start_paused = true)]
    async fn latency_runs_for_all_bytes_at_once_and_a_throttle_for_one_after_the_other() {
        let (_sender, modes) = watch::channel(Mode::Pass);
        let mut pump = Pump::new(modes, false);
        let start = Instant::now();
        let seconds = |pump: &Pump| (pump.last_due - start).as_secs();

        for _ in 0..3 {
            pump.hold(Mode::Latency(Duration::from_secs(5)), b"ab");
        }
        assert_eq!(seconds(&pump), 5);
        for expected in [6, 7, 8] {
            pump.hold(Mode::Throttle(2), b"ab");
            assert_eq!(seconds(&pump), expected);
        }
        pump.hold(Mode::Pass, b"ab");
        assert_eq!(seconds(&pump), 8, "nothing overtakes");
    }
}
