//! What a process wrote to its standard error, one JSON object a line.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Where a process serves, once it says so: gRPC, then metrics and health.
pub(super) fn serving(log: &Path) -> Result<Option<(SocketAddr, SocketAddr)>> {
    let text = fs::read_to_string(log)?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let Some(line) = lines.into_iter().find(|line| line["message"] == "serving") else { return Ok(None) };
    let address = |name: &str| -> Result<SocketAddr> {
        let text = line[name].as_str().with_context(|| format!("the line has no {name}: {line}"))?;
        Ok(text.parse()?)
    };
    Ok(Some((address("grpc")?, address("observe")?)))
}

/// The end of a log, for a test that fails.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
