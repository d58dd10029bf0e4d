//! The bare limit of a call: a gRPC server that answers the same bytes to everything. It runs as a process of its own, as
//! a service does.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    task::{self, Poll},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService, UnaryService},
    transport::{Server, server::TcpIncoming},
};
use tower::Service;

use crate::wire::{Caller, Raw};

/// What the echo answers to.
pub(crate) const PATH: &str = "/bench.Echo/Echo";

#[derive(Clone)]
struct Echo(Bytes);

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(self.0.clone())))
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move { Ok(Grpc::new(Raw).unary(echo, request).await) })
    }
}

/// Serves until the process is ended; tells its port on standard output.
pub(crate) async fn serve(bytes: usize) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let answer = Bytes::from(vec![b'x'; bytes]);
    Ok(Server::builder().add_service(Echo(answer)).serve_with_incoming(incoming).await?)
}

/// A running echo; ended with the value.
pub(crate) struct EchoServer {
    child: Child,
    port: u16,
}

impl EchoServer {
    /// Starts one that answers `bytes` bytes.
    pub(crate) fn start(bytes: usize) -> Result<Self> {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(std::env::current_exe()?)
            .args(["echo", &bytes.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the echo")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the echo has no output")?).read_line(&mut line)?;
        let port = line.trim().parse().context("the echo told no port")?;
        Ok(Self { child, port })
    }

    pub(crate) async fn caller(&self) -> Result<Caller> {
        Caller::connect(self.port, PATH, None).await
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
