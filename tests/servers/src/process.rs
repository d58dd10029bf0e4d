//! One server process: its signals and its end.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a server may take to start or to end before a test gives up; no test measures it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command with all it prints appended to `log`, in a process group of its own, so that Ctrl-C
    /// reaches the test and not its servers.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_path_buf() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says so; an error with the end of the log if the process ends before.
    pub(crate) fn wait_ready(&mut self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended while starting ({status}):\n{}", self.log_tail());
            }
            if ready() {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                bail!("the server was not ready within {PATIENCE:?}:\n{}", self.log_tail());
            }
            thread::sleep(POLL);
        }
    }

    pub(crate) fn wait_ended(&mut self) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > PATIENCE {
                bail!("the server did not end within {PATIENCE:?}:\n{}", self.log_tail());
            }
            thread::sleep(POLL);
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        send(self.pid(), signal)
    }

    /// Sends a signal to the process and to its children; Postgres works in children, one a connection.
    pub(crate) fn signal_all(&self, signal: Signal) -> Result<()> {
        let children = children(self.pid());
        self.signal(signal)?;
        for child in children {
            // A child may have ended since the list was made.
            let _ = send(child, signal);
        }
        Ok(())
    }

    /// Ends the process and its children without giving them a chance to do anything.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            self.signal(Signal::SIGSTOP)?; // so that it starts no further child
            self.signal_all(Signal::SIGKILL)?;
        }
        self.child.wait()?;
        Ok(())
    }

    fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid)?;
    kill(Pid::from_raw(pid), signal).with_context(|| format!("cannot send {signal} to process {pid}"))
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}
