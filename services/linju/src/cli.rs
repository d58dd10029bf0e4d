//! The words of the command line.

#![expect(clippy::doc_markdown, reason = "these comments are the help text, which has no Markdown")]

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

/// Linju 邻聚: the service platform of a subdistrict office.
#[derive(Debug, Parser)]
#[command(name = "linju", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Folder of an embedded install: databases, event log, keys [default: ./linju-data]
    #[arg(long, global = true, value_name = "DIR", env = "LINJU_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file (TOML); the environment (`LINJU__…`) goes over it
    #[arg(long, global = true, value_name = "FILE", env = "LINJU_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong command line or configuration; 3 done, but rows were rejected \
                          or faults were found; 4 a database or the event bus was not reachable.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve all services, or only those that are named
    Serve {
        /// residents, incidents
        services: Vec<String>,
    },
    /// Bring the databases to this program's version
    Migrate,
    /// Load a file
    #[command(subcommand)]
    Import(Import),
    /// Fill an empty install with Dengke's 16 communities and a population that is marked synthetic
    Demo {
        /// How many people
        #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        residents: u32,
        /// How many volunteers in Dengke's teams
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
        volunteers: u32,
        /// The same seed makes the same people
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Show what the services told each other, the newest last
    Events {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        last: u64,
        /// Go on as they happen, until Ctrl-C
        #[arg(long)]
        follow: bool,
        /// Only this service
        #[arg(long)]
        service: Option<String>,
    },
    /// Publish again what was published since a time, to rebuild a lost stream
    Replay {
        /// RFC 3339, for example 2026-11-01T00:00:00Z
        #[arg(long)]
        from: DateTime<Utc>,
        /// Only this service
        #[arg(long)]
        service: Option<String>,
    },
    /// Events that no handler could use
    #[command(subcommand)]
    Dlq(Dlq),
    /// Systems outside that send alarms
    #[command(subcommand)]
    Partner(Partner),
    /// Keys and tokens
    #[command(subcommand)]
    Keys(Keys),
    /// Accounts of people who sign in at the gateway
    #[command(subcommand)]
    Account(Account),
    /// The log of looks at personal data
    #[command(subcommand)]
    Audit(Audit),
    /// Say what is wrong with this install, and how to mend it
    Doctor,
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// The tree of areas: CSV with code, name, level, parent_code
    Areas { file: PathBuf },
    /// A household survey: CSV (UTF-8 or GB18030) or XLSX with Chinese headers
    Survey(Survey),
    /// Service requests of any city: CSV and a mapping
    Requests {
        file: PathBuf,
        /// Which column is what (TOML)
        #[arg(long)]
        mapping: PathBuf,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
        /// Where the report of rejected rows goes [default: FILE.report.csv]
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// What can be reported, who handles it and by when: TOML, whole or not at all
    Categories { file: PathBuf },
    /// Working time: a year's public holidays (JSON) or the hours of units (TOML), whole or not at all
    Calendar { file: PathBuf },
}

#[derive(Debug, Args)]
pub(crate) struct Survey {
    pub(crate) file: PathBuf,
    /// Only say what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where the report of rejected rows goes [default: FILE.report.csv]
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dlq {
    /// What was put aside, the oldest first
    List,
    /// Give an event to its consumer again
    Retry { id: u64 },
    /// Take an event off the list for good
    Drop { id: u64 },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Partner {
    /// Let a partner in, and make its key
    Add(AddPartner),
    /// Give a partner another key; the old one ends when the NATS server reloads
    Rotate {
        name: String,
        #[command(flatten)]
        files: PartnerFiles,
    },
    /// Let a partner in no more; it is cut off when the NATS server reloads
    Remove {
        name: String,
        #[command(flatten)]
        files: PartnerFiles,
    },
    /// Who is let in, and what was agreed
    List,
}

#[derive(Debug, Args)]
pub(crate) struct AddPartner {
    /// Lower-case letters, digits and `-`
    pub(crate) name: String,
    /// Communities, or wider areas, whose devices may raise alarms and whose events it may read
    #[arg(long, required = true, value_delimiter = ',')]
    pub(crate) areas: Vec<String>,
    /// device_fault, device_tamper, intrusion, left_object, crowd_density, fire, lift, flooding, manual
    #[arg(long, required = true, value_delimiter = ',')]
    pub(crate) kinds: Vec<String>,
    /// Messages a second; ten seconds of them may come at once
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub(crate) rate: i32,
    /// A host on which its videos lie
    #[arg(long = "video-host", value_name = "HOST")]
    pub(crate) video_hosts: Vec<String>,
    #[command(flatten)]
    pub(crate) files: PartnerFiles,
}

/// Where keys and configuration go.
#[derive(Debug, Args)]
pub(crate) struct PartnerFiles {
    /// Where the partner's key goes [default: nats/NAME.nk in the data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The file that the NATS server's configuration includes [default: nats/partners.conf in the data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) nats_config: Option<PathBuf>,
    /// The process of the NATS server, to be told to reload
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(2..))]
    pub(crate) reload: Option<i32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make the master key and the key pair that signs tokens, where there are none
    New,
    /// Make new data keys and seal every value with them again, while the services run
    Rotate,
    /// Put all data keys under another master key; made where the file is not there yet
    Rewrap {
        /// The file of the other master key
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Sign a token, for trying and for scripts until the gateway signs people in
    Token {
        /// grid_worker, dispatcher, community_manager …
        #[arg(long)]
        role: Vec<String>,
        /// An area code, or `all`
        #[arg(long)]
        scope: Vec<String>,
        /// The unit a handler works for
        #[arg(long)]
        unit: Option<String>,
        /// Who it is
        #[arg(long, default_value = "somebody")]
        subject: String,
        /// Minutes until it ends
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1_440))]
        ttl: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Make an account, and a one-time code by which its owner takes it up
    Invite { name: String },
    /// List all accounts
    List,
    /// Let somebody who lost the password begin anew with a one-time code; all their sessions and tokens end
    Reset {
        name: String,
        /// Also take the second factor away, where that is lost too
        #[arg(long)]
        second_factor: bool,
    },
    /// End an account's sessions and tokens at once, and let nobody sign in to it
    Lock { name: String },
    /// Let a locked account sign in again
    Unlock { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Find entries that were edited, removed, reordered or taken back
    Verify {
        /// Folder of checkpoints written earlier; with them, a log cut short or restored from a backup is found too
        #[arg(long)]
        checkpoints: Option<PathBuf>,
    },
    /// Sign the log as it stands now, into a file to keep elsewhere
    Checkpoint {
        /// Folder for the checkpoint files
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
}
