//! One file per command.

mod account;
mod audit;
mod demo;
mod dlq;
mod doctor;
mod events;
mod import;
mod keys;
mod migrate;
mod partner;
mod replay;
mod serve;

use std::{io, process::ExitCode};

use chassis::run::{Install, Settings};
use clap::CommandFactory;

use crate::{
    cli::{Cli, Command},
    output::Output,
};

/// Runs the command and gives the exit code.
pub(crate) async fn run(cli: Cli, output: &Output) -> anyhow::Result<ExitCode> {
    let output = *output;
    if let Command::Completions { shell } = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "linju", &mut io::stdout());
        return Ok(ExitCode::SUCCESS);
    }
    let mut settings = Settings::read(cli.config.as_deref())?;
    if let Some(data) = cli.data {
        settings.data_dir = data;
    }
    match cli.command {
        Command::Completions { .. } => Ok(ExitCode::SUCCESS),
        Command::Serve { services } => serve::run(settings, &services, output).await,
        Command::Migrate => migrate::run(&Install::prepare(settings)?, output).await,
        Command::Import(what) => import::run(&Install::prepare(settings)?, what, output).await,
        Command::Demo { residents, volunteers, seed } => {
            demo::run(&Install::prepare(settings)?, demo::Town { residents, volunteers, seed }, output).await
        }
        Command::Events { last, follow, service } => {
            events::run(&Install::prepare(settings)?, last, follow, service, output).await
        }
        Command::Replay { from, service } => replay::run(&Install::prepare(settings)?, from, service, output).await,
        Command::Dlq(what) => dlq::run(&Install::prepare(settings)?, what, output).await,
        Command::Partner(what) => partner::run(&Install::prepare(settings)?, what, output).await,
        Command::Keys(what) => keys::run(settings, what, output).await,
        Command::Account(what) => account::run(&Install::prepare(settings)?, what, output).await,
        Command::Audit(what) => audit::run(&Install::prepare(settings)?, what, output).await,
        Command::Doctor => doctor::run(settings, output).await,
    }
}
