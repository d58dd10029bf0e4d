//! What the program tells: text for people on stderr and stdout, or one JSON object on stdout for programs.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use chassis::run::{BadSettings, StartError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Exit codes, as `linju --help` lists them.
pub(crate) mod exit {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const FAULTS: u8 = 3;
    pub(crate) const UNREACHABLE: u8 = 4;
}

/// A wrong command line that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// How results are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Tells a result: `text` to people, `value` to programs. A reader that went away is no failure of the work.
    pub(crate) fn result(self, value: &impl Serialize, text: &str) {
        let mut out = io::stdout().lock();
        let _ = if self.json {
            serde_json::to_writer(&mut out, value).map_err(io::Error::from).and_then(|()| writeln!(out))
        } else {
            writeln!(out, "{}", text.trim_end())
        };
    }

    /// Tells people something on the way; programs hear nothing.
    pub(crate) fn say(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Tells why it failed, and gives the exit code.
    pub(crate) fn failed(self, error: &anyhow::Error) -> ExitCode {
        let code = code_of(error);
        if self.json {
            let told = serde_json::json!({ "error": format!("{error:#}"), "exit_code": code });
            let _ = writeln!(io::stdout(), "{told}");
        } else {
            let _ = writeln!(io::stderr(), "linju: {error:#}");
        }
        ExitCode::from(code)
    }

    /// A bar for work of `total` steps; nothing is drawn for programs or into a file.
    pub(crate) fn bar(self, total: u64, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(total), self.target());
        let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {per_sec} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A counter for work of unknown length.
    pub(crate) fn counter(self, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, self.target());
        let style = ProgressStyle::with_template("{msg} {spinner} {pos} {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn target(self) -> ProgressDrawTarget {
        if self.json || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        }
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    let unreachable = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<StartError>().is_some_and(StartError::is_unreachable)
            || matches!(e.downcast_ref(), Some(chassis::events::BusError::Unreachable(_)))
    };
    if error.chain().any(unreachable) {
        return exit::UNREACHABLE;
    }
    let usage = error.chain().any(|e| e.is::<Usage>() || e.is::<BadSettings>());
    if usage { exit::USAGE } else { exit::FAILED }
}
