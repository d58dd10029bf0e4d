//! The program: every service of Linju behind one command line. `linju serve` runs them all in one process, `linju serve
//! residents` runs one.

#![expect(clippy::format_push_string, reason = "a few lines for a person, once a command")]

mod cli;
mod commands;
mod output;
mod services;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, output::Output};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    // Two workers or more, also on one core: the trace exporter blocks one of them while it flushes.
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(commands::run(cli, &output));
            // A thread that is stuck in a system call must not keep the program from ending.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            outcome
        }
        Err(error) => Err(error.into()),
    };
    outcome.unwrap_or_else(|error| output.failed(&error))
}
