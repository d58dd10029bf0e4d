//! What is measured, a file each.

mod footprint;
mod growth;
mod import;
mod propagation;
mod read;
mod relay;
mod report;

use anyhow::Result;
use bytes::Bytes;
use clap::ValueEnum;
use prost::Message;

use crate::{Plan, ground::Ground, table::Table};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// Read a resident by id
    Read,
    /// Report an incident
    Report,
    /// Drain the outbox
    Relay,
    /// From a report to the commit of its consumer
    Propagation,
    /// Import a survey
    Import,
    /// More residents, the same answers
    Growth,
    /// Memory and start
    Footprint,
}

impl Measure {
    pub(crate) const ALL: [Self; 7] =
        [Self::Footprint, Self::Read, Self::Report, Self::Relay, Self::Propagation, Self::Import, Self::Growth];

    /// What the table calls it.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Read => "Read a resident by id",
            Self::Report => "Report an incident",
            Self::Relay => "Relay drain",
            Self::Propagation => "Report to consumer's commit",
            Self::Import => "Survey import",
            Self::Growth => "Growth",
            Self::Footprint => "Memory and start",
        }
    }

    pub(crate) async fn run(self, ground: &Ground, plan: Plan, table: &mut Table) -> Result<()> {
        match self {
            Self::Read => read::run(ground, plan, table).await,
            Self::Report => report::run(ground, plan, table).await,
            Self::Relay => relay::run(ground, plan, table).await,
            Self::Propagation => propagation::run(ground, plan, table).await,
            Self::Import => import::run(ground, plan, table),
            Self::Growth => growth::run(ground, plan, table).await,
            Self::Footprint => footprint::run(ground, plan, table),
        }
    }
}

/// A message as it goes over the wire.
fn bytes(message: &impl Message) -> Bytes {
    Bytes::from(message.encode_to_vec())
}
