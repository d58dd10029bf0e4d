use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use test_servers::{Mode, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A client and a server that talk through a proxy.
struct Line {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

impl Line {
    async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let proxy = Proxy::start(listener.local_addr()?).await?;
        let client = TcpStream::connect(proxy.address()).await?;
        let (server, _) = listener.accept().await?;
        let mut line = Self { proxy, listener, client, server };
        line.say("hello").await?;
        Ok(line)
    }

    /// There and back, so that the connection is known to work in both directions.
    async fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let mut heard = vec![0; text.len()];
        self.client.write_all(text.as_bytes()).await?;
        self.server.read_exact(&mut heard).await?;
        self.server.write_all(&heard).await?;
        self.client.read_exact(&mut heard).await?;
        assert_eq!(heard, text.as_bytes());
        Ok(())
    }
}

async fn error_of(read: impl Future<Output = std::io::Result<usize>>) -> Option<ErrorKind> {
    read.await.err().map(|error| error.kind())
}

#[tokio::test]
async fn megabytes_pass_unchanged_and_the_end_is_passed_on() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[(n % 4) as usize]).collect();
    let mut heard = Vec::new();
    let sending = async {
        line.client.write_all(&sent).await?;
        line.client.shutdown().await
    };
    let (sent_all, heard_all) = tokio::join!(sending, line.server.read_to_end(&mut heard));
    sent_all?;
    heard_all?;
    assert!(heard == sent);
    Ok(())
}

#[tokio::test]
async fn latency_holds_bytes_back() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    let (start, delay) = (Instant::now(), Duration::from_millis(50));
    line.proxy.set(Mode::Latency(delay));
    line.say("there and back").await?;
    assert!(start.elapsed() >= delay * 2, "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_black_hole_holds_open_and_new_connections_until_it_passes() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    line.proxy.set(Mode::BlackHole);
    line.client.write_all(b"old").await?;
    let mut new = TcpStream::connect(line.proxy.address()).await?;
    new.write_all(b"new").await?;

    // Nothing arrived: a connection made behind the proxy's back is the next that the server sees.
    let behind = TcpStream::connect(line.listener.local_addr()?).await?;
    let (_, peer) = line.listener.accept().await?;
    assert_eq!(peer, behind.local_addr()?);
    assert_eq!(line.server.try_read(&mut [0; 8]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));

    line.proxy.set(Mode::Pass);
    let mut heard = [0; 3];
    line.server.read_exact(&mut heard).await?;
    assert_eq!(&heard, b"old");
    line.listener.accept().await?.0.read_exact(&mut heard).await?;
    assert_eq!(&heard, b"new");
    Ok(())
}

#[tokio::test]
async fn reset_breaks_open_and_new_connections() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    line.proxy.set(Mode::Reset);
    assert_eq!(error_of(line.client.read(&mut [0])).await, Some(ErrorKind::ConnectionReset));
    assert_eq!(error_of(line.server.read(&mut [0])).await, Some(ErrorKind::ConnectionReset));
    let mut new = TcpStream::connect(line.proxy.address()).await?;
    assert_eq!(error_of(new.read(&mut [0])).await, Some(ErrorKind::ConnectionReset));
    Ok(())
}

#[tokio::test]
async fn after_a_half_close_the_client_still_reaches_the_server() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    line.proxy.set(Mode::HalfClose);
    assert_eq!(line.client.read(&mut [0]).await?, 0);
    line.client.write_all(b"still here").await?;
    let mut heard = [0; 10];
    line.server.read_exact(&mut heard).await?;
    assert_eq!(&heard, b"still here");
    Ok(())
}

#[tokio::test]
async fn a_cut_comes_after_exactly_so_many_bytes() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    line.proxy.set(Mode::CutAfter(4));
    line.client.write_all(b"four and more").await?;
    let mut heard = Vec::new();
    let end = error_of(line.server.read_to_end(&mut heard)).await;
    // RST may overtake what the socket still holds, so fewer may be read and never more.
    assert!(heard.len() <= 4 && b"four".starts_with(&heard), "{heard:?}");
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    assert_eq!(error_of(line.client.read(&mut [0])).await, Some(ErrorKind::ConnectionReset));
    Ok(())
}

#[tokio::test]
async fn a_throttle_takes_the_time_that_the_bytes_need() -> anyhow::Result<()> {
    let mut line = Line::open().await?;
    let start = Instant::now();
    line.proxy.set(Mode::Throttle(100_000));
    line.client.write_all(&[7; 10_000]).await?;
    line.server.read_exact(&mut [0; 10_000]).await?;
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_down_is_a_reset() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let proxy = Proxy::start(listener.local_addr()?).await?;
    drop(listener);
    let mut client = TcpStream::connect(proxy.address()).await?;
    assert_eq!(error_of(client.read(&mut [0])).await, Some(ErrorKind::ConnectionReset));
    Ok(())
}
