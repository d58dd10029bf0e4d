//! A real Envoy with its transcoder, and a caller that sends bytes as they are.

use std::{
    fmt, fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use test_servers::free_port;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::requests::Sent;
use crate::ground::until;

/// An Envoy of our own; killed when dropped.
pub(super) struct Envoy {
    child: Child,
    at: SocketAddr,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) text: String,
    /// The text, where it is JSON.
    pub(super) json: Option<Value>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text.chars().take(600).collect::<String>())
    }
}

impl Envoy {
    /// Starts it before the services, and waits until it answers.
    pub(super) async fn start(program: &Path, folder: &Path, services: SocketAddr) -> Result<Self> {
        let at = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let (descriptors, settings, log) =
            (folder.join("descriptors"), folder.join("envoy.json"), folder.join("envoy.log"));
        // Without the types of `google.rpc` it cannot tell the details of a status.
        fs::write(&descriptors, [linju_proto::DESCRIPTORS, tonic_types::pb::FILE_DESCRIPTOR_SET].concat())?;
        fs::write(&settings, config(at, services, &descriptors).to_string())?;
        let mut command = Command::new(program);
        command.arg("-c").arg(&settings).args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "warning"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let mut this = Self { child: command.spawn()?, at };
        until("Envoy answers", async || {
            if let Some(status) = this.child.try_wait()? {
                bail!("Envoy ended while starting ({status}):\n{}", fs::read_to_string(&log)?);
            }
            Ok(TcpStream::connect(at).await.ok())
        })
        .await?;
        Ok(this)
    }

    /// Sends a request on a connection of its own.
    pub(super) async fn send(&self, sent: &Sent, token: &str) -> Result<Answer> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: envoy\r\nConnection: close\r\n", sent.method, sent.path);
        for (name, value) in sent.headers(token) {
            head.extend([name, ": ", &value, "\r\n"]);
        }
        let body = sent.body.as_deref().unwrap_or_default();
        head.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        let mut line = TcpStream::connect(self.at).await?;
        line.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        // The connection may stay open for a while after the answer.
        while !is_whole(&answer) && line.read_buf(&mut answer).await? > 0 {}
        read(&answer).with_context(|| format!("{sent}: {}", String::from_utf8_lossy(&answer)))
    }
}

/// Whether all has come that the head announces.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let len = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    len.map_or_else(|| answer.ends_with(b"\r\n0\r\n\r\n"), |len| answer.len() >= end + 4 + len)
}

fn read(answer: &[u8]) -> Result<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("a head")?;
    let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
    let code = head.split(' ').nth(1).context("a code")?.parse()?;
    let body = &answer[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body)? } else { body.to_vec() };
    let text = String::from_utf8(body)?;
    Ok(Answer { code, json: serde_json::from_str(&text).ok(), text })
}

fn unchunked(mut body: &[u8]) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").context("a chunk's length")?;
        let len = usize::from_str_radix(std::str::from_utf8(&body[..end])?, 16)?;
        if len == 0 {
            return Ok(whole);
        }
        whole.extend_from_slice(body.get(end + 2..end + 2 + len).context("a whole chunk")?);
        body = &body[end + 2 + len + 2..];
    }
}

/// One listener, one cluster, and the transcoder between. Where a setting brings it nearer to ours, it is set.
fn config(at: SocketAddr, services: SocketAddr, descriptors: &Path) -> Value {
    let address =
        |of: SocketAddr| json!({ "socket_address": { "address": of.ip().to_string(), "port_value": of.port() } });
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let transcoder = json!({
        "@type": kind("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
        "proto_descriptor": descriptors,
        "services": super::requests::SERVICES,
        "convert_grpc_status": true,
        "query_param_unescape_plus": true,
        "url_unescape_spec": "ALL_CHARACTERS_EXCEPT_SLASH",
        "request_validation_options": {
            "reject_unknown_method": true,
            "reject_unknown_query_parameters": true,
            "reject_binding_body_field_collisions": true,
        },
    });
    let manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "door",
        "route_config": { "virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "services", "timeout": "30s" } }],
        }] },
        "http_filters": [
            { "name": "transcoder", "typed_config": transcoder },
            { "name": "router", "typed_config": { "@type": kind("filters.http.router.v3.Router") } },
        ],
    });
    json!({ "static_resources": {
        "listeners": [{
            "address": address(at),
            "filter_chains": [{ "filters": [{ "name": "manager", "typed_config": manager }] }],
        }],
        "clusters": [{
            "name": "services",
            "type": "STATIC",
            "connect_timeout": "5s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
                    "explicit_http_config": { "http2_protocol_options": {} },
                },
            },
            "load_assignment": {
                "cluster_name": "services",
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(services) } }] }],
            },
        }],
    } })
}
