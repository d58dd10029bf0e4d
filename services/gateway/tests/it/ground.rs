//! A door that is open on a port of its own, and lines to it that say what no client library would.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use chassis::run::{Running, Settings, start};
use linju_gateway::GatewayService;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// The gateway alone, in this process.
pub(crate) struct Gateway {
    pub(crate) at: SocketAddr,
    pub(crate) grpc: SocketAddr,
    running: Running,
    _folder: TempDir,
}

impl Gateway {
    /// Opens it; `door` is what `[service.gateway.door]` would say.
    pub(crate) async fn open(door: Value) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let nowhere = "127.0.0.1:0";
        let mut settings: Settings = serde_json::from_value(json!({
            "data_dir": folder.path().join("data"),
            "listen": nowhere,
            "observe": nowhere,
            "service": { "gateway": { "listen": nowhere, "door": door, "identity": { "hash_memory_kib": 64 } } },
        }))?;
        settings.shutdown.deadline_s = 10;
        let running = start(settings, &[&GatewayService]).await?;
        let at = running.doors.first().context("a door")?.1;
        Ok(Self { at, grpc: running.grpc, running, _folder: folder })
    }

    /// Stops it; everything must end in time.
    pub(crate) async fn close(self) -> Result<()> {
        ensure!(self.running.stop().await, "something still ran at the deadline");
        Ok(())
    }

    /// Says something on a line of its own and reads the answer to its end, away from the threads that answer.
    pub(crate) async fn says(&self, bytes: impl Into<Vec<u8>>) -> Result<Answer> {
        let (at, bytes) = (self.at, bytes.into());
        tokio::task::spawn_blocking(move || {
            let mut line = Line::open(at)?;
            line.say(&bytes)?;
            line.answer()
        })
        .await?
    }

    /// A request without a body.
    pub(crate) async fn gets(&self, path: &str, headers: &str) -> Result<Answer> {
        self.says(format!("GET {path} HTTP/1.1\r\nHost: door\r\n{headers}\r\n")).await
    }

    /// Does something on a line, away from the threads that answer.
    pub(crate) async fn line<T: Send + 'static>(
        &self,
        work: impl FnOnce(Line) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let at = self.at;
        tokio::task::spawn_blocking(move || work(Line::open(at)?)).await?
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's first value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).next().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {self:?}"))
    }

    /// The reason for programs.
    pub(crate) fn reason(&self) -> Result<String> {
        let json = self.json()?;
        let details = json["details"].as_array().cloned().unwrap_or_default();
        let reason = details.iter().find_map(|detail| detail["reason"].as_str());
        Ok(reason.unwrap_or_default().to_owned())
    }
}

/// One connection, in bytes.
pub(crate) struct Line(pub(crate) TcpStream);

impl Line {
    fn open(at: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    /// One answer with its body.
    pub(crate) fn answer(&mut self) -> Result<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            ensure!(self.0.read(&mut byte)? == 1, "the line ended after {:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head)?;
        let status = head.split(' ').nth(1).context("a status")?.parse()?;
        let mut answer = Answer { status, head, body: Vec::new() };
        if answer.header("transfer-encoding") == "chunked" {
            while let Some(chunk) = self.chunk()? {
                answer.body.extend(chunk);
            }
        } else if let Ok(length) = answer.header("content-length").parse() {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            size.push(byte[0]);
        }
        let size = usize::from_str_radix(String::from_utf8(size)?.trim(), 16)?;
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk)?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }

    /// Waits until the other side has ended the line, and says what it said before.
    pub(crate) fn ended(mut self) -> Result<Vec<u8>> {
        let mut said = Vec::new();
        match self.0.read_to_end(&mut said) {
            Ok(_) => Ok(said),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(said),
            Err(error) => Err(error).context("the line was not ended"),
        }
    }

    /// Whether it was cut while writing or ends.
    pub(crate) fn is_cut(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_err()
    }
}
