//! Processes that serve.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Install, log, until};

/// `linju serve` in a process of its own; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    log: PathBuf,
    pub(crate) grpc: SocketAddr,
    pub(crate) observe: SocketAddr,
    door: Option<SocketAddr>,
}

impl Serving {
    /// Starts it and waits until it says where it serves.
    pub(super) async fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut this = Self { child: command.spawn()?, log, grpc: nowhere, observe: nowhere, door: None };
        let addresses = until("the program serves", async || {
            if let Some(status) = this.child.try_wait()? {
                bail!("`linju serve` ended while starting ({status}):\n{}", log::tail(&this.log));
            }
            log::serving(&this.log)
        })
        .await?;
        (this.grpc, this.observe, this.door) = (addresses.grpc, addresses.observe, addresses.door);
        Ok(this)
    }

    /// Where the gateway's door is.
    pub(crate) fn door(&self) -> Result<SocketAddr> {
        self.door.context("the process serves no gateway")
    }

    /// Stops it as a debugger does: it is there and says nothing.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Asks it to stop, as Kubernetes does, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.ended().await
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
        let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kib * 1024)
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> Result<String> {
        let mut line = TcpStream::connect(self.observe).await?;
        line.write_all(b"GET /metrics HTTP/1.1\r\nHost: observe\r\nConnection: close\r\n\r\n").await?;
        let mut text = String::new();
        line.read_to_string(&mut text).await?;
        Ok(text)
    }

    /// Asks it to stop and does not wait.
    pub(crate) fn ask_to_stop(&self) -> Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill9(mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.ended().await.map(|_| ())
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = until("the process ends", async || Ok(self.child.try_wait()?)).await;
        ended.with_context(|| log::tail(&self.log))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An install that is served: one process where it is embedded, one a service where it is not.
pub(crate) struct House {
    pub(crate) install: Install,
    pub(crate) residents: Serving,
    /// Where it has a process of its own.
    incidents: Option<Serving>,
}

impl House {
    /// Serves the install.
    pub(crate) async fn open(install: Install) -> Result<Self> {
        Self::open_failing(install, "", "").await
    }

    /// Serves it; the process of `service` ends as by a power cut when it comes to `place`.
    pub(crate) async fn open_failing(install: Install, service: &str, place: &str) -> Result<Self> {
        let fails = |name| if name == service { vec![("LINJU_FAILPOINT", place)] } else { Vec::new() };
        if install.is_embedded() {
            let residents = install.serve(&[], &fails("residents")).await?;
            return Ok(Self { install, residents, incidents: None });
        }
        let residents = install.serve(&["residents"], &fails("residents")).await?;
        let incidents = Some(install.serve(&["incidents"], &fails("incidents")).await?);
        Ok(Self { install, residents, incidents })
    }

    /// The process that serves `linju.incidents.v1`.
    pub(crate) fn incidents(&self) -> &Serving {
        self.incidents.as_ref().unwrap_or(&self.residents)
    }

    /// The process that serves a service.
    pub(crate) fn process(&mut self, service: &str) -> &mut Serving {
        match &mut self.incidents {
            Some(incidents) if service == "incidents" => incidents,
            _ => &mut self.residents,
        }
    }

    /// Asks all processes to stop, and gives back the install; each must end well.
    pub(crate) async fn close(self) -> Result<Install> {
        let Self { install, residents, incidents } = self;
        for serving in incidents.into_iter().chain([residents]) {
            let log = serving.log.clone();
            let status = serving.stop().await?;
            if !status.success() {
                bail!("`linju serve` ended with {status}:\n{}", log::tail(&log));
            }
        }
        Ok(install)
    }

    /// Ends all processes as a power cut would.
    pub(crate) async fn cut(self) -> Result<Install> {
        let Self { install, residents, incidents } = self;
        for serving in incidents.into_iter().chain([residents]) {
            // One may have ended by itself.
            let _ = serving.kill9().await;
        }
        Ok(install)
    }
}
