//! HTTP/1.1 as front ends and programs speak it, with connections that stay open. It knows no more of HTTP than its own
//! requests need, so that a call costs the generator as little as possible.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep},
};

/// A server on this machine, and free connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    port: u16,
    free: Arc<Mutex<Vec<Line>>>,
}

impl Web {
    pub(crate) fn at(port: u16) -> Self {
        Self { port, free: Arc::default() }
    }

    /// Sends a request on a free connection, or on a new one; the body of the answer, which must have the status 200.
    pub(crate) async fn call(&self, request: &[u8]) -> Result<Bytes> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut line, was_free) = match free {
            Some(line) => (line, true),
            None => (Line::open(self.port).await?, false),
        };
        let answer = match line.ask(request).await {
            // The server may have ended it meanwhile.
            Err(_) if was_free => {
                line = Line::open(self.port).await?;
                line.ask(request).await?
            }
            answer => answer?,
        };
        let Answer { status, stays, body } = answer;
        if stays {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
        ensure!(status == 200, "the answer is {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Follows server-sent events. A server that has just started may ask to come again.
    pub(crate) async fn follow(&self, path: &str, token: &str) -> Result<Follower> {
        let (request, began) = (request("GET", path, token, "accept: text/event-stream\r\n", ""), Instant::now());
        loop {
            let mut line = Line::open(self.port).await?;
            line.stream.write_all(&request).await?;
            let Head { status, length, .. } = line.head().await?;
            if status == 200 && length.is_none() {
                return Ok(Follower { line, text: String::new() });
            }
            ensure!(status == 503 && began.elapsed() < Duration::from_secs(10), "{path} cannot be followed: {status}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A request without a body; an empty token is none.
pub(crate) fn get(path: &str, token: &str) -> Bytes {
    request("GET", path, token, "", "")
}

/// A request with JSON.
pub(crate) fn post(path: &str, token: &str, body: &Value) -> Bytes {
    request("POST", path, token, "content-type: application/json\r\n", &body.to_string())
}

fn request(verb: &str, path: &str, token: &str, headers: &str, body: &str) -> Bytes {
    let mut text = format!("{verb} {path} HTTP/1.1\r\nhost: bench\r\n{headers}");
    if !token.is_empty() {
        text.extend(["authorization: Bearer ", token, "\r\n"]);
    }
    if !body.is_empty() {
        text.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
    }
    text.extend(["\r\n", body]);
    text.into()
}

struct Answer {
    status: u16,
    stays: bool,
    body: Bytes,
}

struct Head {
    status: u16,
    /// None: in pieces.
    length: Option<usize>,
    stays: bool,
}

#[derive(Debug)]
struct Line {
    stream: TcpStream,
    /// What was read and not yet used.
    read: BytesMut,
}

impl Line {
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: BytesMut::new() })
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let Head { status, length, stays } = self.head().await?;
        let body = if let Some(length) = length { self.exactly(length).await? } else { self.pieces().await? };
        Ok(Answer { status, stays, body })
    }

    async fn more(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the connection has ended");
        Ok(())
    }

    async fn exactly(&mut self, length: usize) -> Result<Bytes> {
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(self.read.split_to(length).freeze())
    }

    /// Up to and with `end`.
    async fn until(&mut self, end: &[u8]) -> Result<Bytes> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|bytes| bytes == end) {
                return Ok(self.read.split_to(at + end.len()).freeze());
            }
            self.more().await?;
        }
    }

    async fn head(&mut self) -> Result<Head> {
        let bytes = self.until(b"\r\n\r\n").await?;
        let mut lines = std::str::from_utf8(&bytes)?.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?.parse()?;
        let mut head = Head { status, length: None, stays: true };
        let mut in_pieces = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = Some(value.parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                in_pieces = true;
            } else if name.eq_ignore_ascii_case("connection") {
                head.stays = !value.eq_ignore_ascii_case("close");
            }
        }
        if head.length.is_none() && !in_pieces {
            bail!("an answer of unknown length");
        }
        Ok(head)
    }

    async fn pieces(&mut self) -> Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let piece = self.piece().await?;
            if piece.is_empty() {
                return Ok(body.freeze());
            }
            body.extend_from_slice(&piece);
        }
    }

    /// One piece of a body in pieces; the last is empty.
    async fn piece(&mut self) -> Result<Bytes> {
        let size = self.until(b"\r\n").await?;
        let size = usize::from_str_radix(std::str::from_utf8(&size)?.trim(), 16).context("no size of a piece")?;
        let piece = self.exactly(size + 2).await?;
        Ok(piece.slice(..size))
    }
}

/// A stream of server-sent events.
pub(crate) struct Follower {
    line: Line,
    text: String,
}

impl Follower {
    /// The data of the next event.
    pub(crate) async fn next(&mut self) -> Result<Value> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                    return Ok(serde_json::from_str(data)?);
                }
            }
            let piece = self.line.piece().await?;
            ensure!(!piece.is_empty(), "the stream has ended");
            self.text.push_str(std::str::from_utf8(&piece)?);
        }
    }
}
