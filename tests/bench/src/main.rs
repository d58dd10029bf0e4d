//! How fast Linju is beside what carries it: pgbench on the statements it sends, a bare gRPC echo, bare JetStream batches,
//! COPY, and others that do a part of the same. Each comparison is made in one run, in alternating rounds, and told as the median of ratios: absolute figures
//! belong to a machine, ratios travel. `scripts/bench` builds and runs it.

mod captured;
mod echo;
mod ground;
mod load;
mod machine;
mod measures;
mod office;
mod people;
mod pgbench;
mod process;
mod stats;
mod table;
mod web;
mod wire;

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use crate::{ground::Ground, measures::Measure, table::Table};

/// Measures Linju against the bare limits of this machine, and prints a table.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    /// Fewer and shorter rounds: about a quarter of an hour
    #[arg(long)]
    quick: bool,
    /// Only this measure; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<Measure>,
    /// Write the table into this file, too
    #[arg(long, value_name = "FILE.md")]
    out: Option<PathBuf>,
    /// The program [default: `linju` beside this one]
    #[arg(long)]
    program: Option<PathBuf>,
    #[command(subcommand)]
    inner: Option<Inner>,
}

#[derive(Debug, Subcommand)]
enum Inner {
    /// The bare echo, a process of its own
    #[command(hide = true)]
    Echo { bytes: usize },
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) full: bool,
    /// Rounds that count; one before them does not.
    pub(crate) rounds: usize,
    /// Seconds that one side of a round is loaded.
    pub(crate) leg: Duration,
}

impl Plan {
    /// Loaded, but not counted, before each leg.
    pub(crate) const WARM: Duration = Duration::from_millis(500);

    fn of(quick: bool) -> Self {
        if quick {
            Self { full: false, rounds: 3, leg: Duration::from_secs(3) }
        } else {
            Self { full: true, rounds: 5, leg: Duration::from_secs(8) }
        }
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // Two workers, as a small machine gives a service; the generator gets no more than what it measures.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match cli.inner {
        Some(Inner::Echo { bytes }) => runtime.block_on(echo::serve(bytes)),
        None => runtime.block_on(run(cli)),
    }
}

/// Runs on the main thread all the while: a child that is to end with the thread that started it needs one that stays.
async fn run(cli: Cli) -> Result<()> {
    // Refused only where it is done already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    chassis::access::self_test()?;
    let program = match cli.program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("linju"),
    };
    let (plan, began, mut table) = (Plan::of(cli.quick), Instant::now(), Table::default());
    let ground = Ground::start(program)?;
    eprintln!("the machine …");
    machine::facts(&ground, plan.leg, &mut table).await?;
    for measure in Measure::ALL.into_iter().filter(|m| cli.only.is_empty() || cli.only.contains(m)) {
        eprintln!("{measure:?} … ({:.0} s)", began.elapsed().as_secs_f64());
        if let Err(error) = measure.run(&ground, plan, &mut table).await {
            eprintln!("{measure:?}: {error:#}");
            table.void(measure.told(), &format!("{error:#}"));
        }
    }
    table.fact(
        "Length of the run",
        format!("{:.0} s, {}", began.elapsed().as_secs_f64(), if plan.full { "full" } else { "--quick" }),
    );
    let text = table.markdown();
    io::stdout().write_all(text.as_bytes())?;
    if let Some(out) = cli.out {
        fs::write(&out, text).with_context(|| format!("cannot write {}", out.display()))?;
    }
    Ok(())
}
