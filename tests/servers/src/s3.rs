//! An S3 server (`SeaweedFS`) in a temporary folder.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use crate::free_port;
use crate::guard::Guard;
use crate::process::Process;
use crate::tools;

const ACCESS_KEY: &str = "linju-test";
const SECRET_KEY: &str = "linju-test-secret";
/// What the server consists of, each part with a port for HTTP and one for gRPC.
const PARTS: [&str; 4] = ["master", "volume", "filer", "s3"];

/// A server of this test's own, which makes a bucket when something is first written to it. It takes some seconds to start.
/// It ends, and its folder goes, with the value.
pub struct S3 {
    program: PathBuf,
    /// HTTP and gRPC, in the order of [`PARTS`].
    ports: Vec<(u16, u16)>,
    process: Option<Process>,
    guard: Guard,
}

impl S3 {
    pub fn start() -> Result<Self> {
        let program = tools::weed()?;
        let guard = Guard::new("s3", "KILL")?;
        let ports = PARTS.iter().map(|_| Ok((free_port()?, free_port()?))).collect::<Result<_>>()?;
        let mut server = Self { program, ports, process: None, guard };
        let keys = format!(
            r#"{{"identities":[{{"name":"linju","credentials":[{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}],
            "actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
        );
        fs::write(server.guard.folder().join("keys.json"), keys)?;
        fs::create_dir(server.guard.folder().join("store"))?;
        server.restart()?;
        Ok(server)
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.http("s3"))
    }

    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Starts the stopped server again: same ports, same store.
    pub fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "the S3 server is running; stop it first");
        let folder = self.guard.folder().to_path_buf();
        let mut command = Command::new(&self.program);
        command.args(["-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
        command.args(["-s3.autoCreateBucket", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
        command.args(["-volume.max=0", "-master.volumeSizeLimitMB=64"]);
        command.arg(format!("-dir={}", folder.join("store").display()));
        command.arg(format!("-s3.config={}", folder.join("keys.json").display()));
        for part in ["filer", "s3"] {
            command.arg(format!("-{part}.localSocket={}", folder.join(format!("{part}.sock")).display()));
        }
        for (part, (http, grpc)) in PARTS.iter().zip(&self.ports) {
            command.args([format!("-{part}.port={http}"), format!("-{part}.port.grpc={grpc}")]);
        }
        let mut process = Process::spawn(command.current_dir(&folder), &folder.join("log"))?;
        self.guard.watch(Some(process.pid()))?;
        process.wait_ready(|| self.serves())?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends the server at once; what it has acknowledged is in its store.
    pub fn kill9(&mut self) -> Result<()> {
        self.process.as_mut().context("the S3 server is not running; call restart first")?.kill()?;
        self.process = None;
        self.guard.watch(None)
    }

    /// Freezes the server: connections stay open and nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.running()?.signal(Signal::SIGSTOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.running()?.signal(Signal::SIGCONT)
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().context("the S3 server is not running; call restart first")
    }

    fn http(&self, part: &str) -> u16 {
        let found = PARTS.iter().zip(&self.ports).find(|(name, _)| **name == part);
        found.map(|(_, (http, _))| *http).unwrap_or_default()
    }

    /// It can be written to, and answers S3 requests with a refusal of those that are not signed.
    fn serves(&self) -> bool {
        get(self.http("master"), "/dir/assign").is_some_and(|answer| answer.contains("\"fid\""))
            && get(self.http("s3"), "/any").is_some_and(|answer| answer.contains("AccessDenied"))
    }
}

fn get(port: u16, path: &str) -> Option<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = self.guard.watch(None);
        }
        // The one thing that it puts elsewhere than it is told.
        for (part, (_, grpc)) in PARTS.iter().zip(&self.ports) {
            let _ = fs::remove_file(format!("/tmp/seaweedfs-{part}-grpc-{grpc}.sock"));
        }
    }
}
