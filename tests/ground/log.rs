//! What a process wrote to its standard error, one JSON object a line.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Where a process serves.
pub(super) struct Addresses {
    pub(super) grpc: SocketAddr,
    /// Metrics and health.
    pub(super) observe: SocketAddr,
    /// The gateway's, where it is one of the services.
    pub(super) door: Option<SocketAddr>,
}

/// Where a process serves, once it says so.
pub(super) fn serving(log: &Path) -> Result<Option<Addresses>> {
    let text = fs::read_to_string(log)?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let Some(line) = lines.into_iter().find(|line| line["message"] == "serving") else { return Ok(None) };
    let address = |name: &str| -> Result<SocketAddr> {
        let text = line[name].as_str().with_context(|| format!("the line has no {name}: {line}"))?;
        Ok(text.parse()?)
    };
    let door = line["door"].as_str().map(str::parse).transpose()?;
    Ok(Some(Addresses { grpc: address("grpc")?, observe: address("observe")?, door }))
}

/// The end of a log, for a test that fails.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
