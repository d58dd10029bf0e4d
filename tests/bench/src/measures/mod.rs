//! What is measured, a file each.

mod alarms;
mod desk;
mod door;
mod duplicates;
mod envoy;
mod followers;
mod footprint;
mod gateway;
mod growth;
mod import;
mod partners;
mod postgraphile;
mod propagation;
mod read;
mod relay;
mod report;
mod timers;

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
    /// Read a resident through the gateway
    Gateway,
    /// The gateway beside Envoy
    Envoy,
    /// The gateway beside `PostGraphile`
    Postgraphile,
    /// Desks that follow
    Followers,
    /// The desk of a large office, and suggestions of duplicates
    Desk,
    /// Timers that are due
    Timers,
    /// Alarms of partners
    Alarms,
}

impl Measure {
    pub(crate) const ALL: [Self; 14] = [
        Self::Footprint,
        Self::Read,
        Self::Report,
        Self::Relay,
        Self::Propagation,
        Self::Gateway,
        Self::Envoy,
        Self::Postgraphile,
        Self::Followers,
        Self::Timers,
        Self::Alarms,
        Self::Import,
        Self::Desk,
        Self::Growth,
    ];

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
            Self::Gateway => "Read a resident through the gateway",
            Self::Envoy => "Gateway beside Envoy",
            Self::Postgraphile => "Gateway beside PostGraphile",
            Self::Followers => "Live followers",
            Self::Desk => "First page of the desk; duplicates",
            Self::Timers => "Timers",
            Self::Alarms => "Alarms of partners",
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
            Self::Gateway => gateway::run(ground, plan, table).await,
            Self::Envoy => envoy::run(ground, plan, table).await,
            Self::Postgraphile => postgraphile::run(ground, plan, table).await,
            Self::Followers => followers::run(ground, plan, table).await,
            Self::Desk => desk::run(ground, plan, table).await,
            Self::Timers => timers::run(ground, plan, table).await,
            Self::Alarms => alarms::run(ground, plan, table).await,
        }
    }
}

/// A message as it goes over the wire.
fn bytes(message: &impl Message) -> Bytes {
    Bytes::from(message.encode_to_vec())
}
