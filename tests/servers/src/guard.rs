//! A server's folder, and the guard that cleans up after a test process that died.
//!
//! Rust drops no statics and SIGKILL runs no code at all. So every server gets a shell that does nothing but read
//! from a pipe whose other end the test process holds: when that end closes, for whatever reason, the shell ends the
//! server it was last told of and removes the folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};

/// Reads process ids, one a line; an empty line means that the server is down. `$1` is the folder, `$2` the
/// signal that ends the server.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -s "$2" "$pid"
    kill -s CONT "$pid"
    tries=0
    while kill -0 "$pid" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -s KILL "$pid"
fi
rm -rf "$1"
"#;

pub(crate) struct Guard {
    folder: PathBuf,
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Makes an empty folder in the system's temporary folder and starts its guard. `signal` (`QUIT`, `KILL`) is
    /// what ends the server at once and cleanly enough for a folder that is thrown away.
    pub(crate) fn new(name: &str, signal: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("linju-{name}-")).tempdir()?.keep();
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "linju-guard"])
            .arg(&folder)
            .arg(signal)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0) // Ctrl-C in the terminal is for the test, the guard comes after it
            .spawn()
            .context("cannot start `sh` to guard a test server")?;
        let pipe = shell.stdin.take();
        Ok(Self { folder, shell, pipe })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tells which process to end should this one die, or that there is none.
    pub(crate) fn watch(&mut self, pid: Option<u32>) -> Result<()> {
        let line = pid.map(|pid| pid.to_string()).unwrap_or_default();
        let pipe = self.pipe.as_mut().context("the guard's pipe is closed")?;
        writeln!(pipe, "{line}").context("the guard of a test server is gone")
    }
}

impl Drop for Guard {
    /// The owner has ended its server; the folder goes here, and with it the shell.
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Best effort: a destructor has nobody to tell, and the guard's shell does the same again.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = self.shell.wait();
    }
}
