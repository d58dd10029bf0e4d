//! Our transcoder beside Envoy's: the same requests, the same service behind both, the same descriptors.
//!
//! Where the two differ, a rule in `differences` says so, and docs/adr/0008-transcoding-differs-from-envoy.md says why.

mod differences;
mod proxy;
mod requests;

use std::{collections::BTreeMap, future::poll_fn, net::SocketAddr, path::Path};

use anyhow::{Context as _, Result, ensure};
use chassis::{access::SigningKey, data::Clock};
use linju_gateway::transcode::{Calls, Transcoder};
use linju_proto::common::v1::Role;
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};

use crate::ground::{House, Install, Who};
use proxy::{Answer, Envoy};
use requests::Sent;

/// Any other number gives other requests.
const SEED: u64 = 20_261_123;

/// The services of one process.
struct Line(Channel);

impl Calls for Line {
    async fn call(&self, request: http::Request<tonic::body::Body>) -> http::Response<tonic::body::Body> {
        use tonic::codegen::Service as _;
        let mut channel = self.0.clone();
        let answer = match poll_fn(|context| channel.poll_ready(context)).await {
            Ok(()) => channel.call(request).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => answer,
            Err(error) => tonic::Status::unavailable(error.to_string()).into_http(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transcoder_answers_as_envoys_does() -> Result<()> {
    let Some(program) = test_servers::envoy() else {
        test_servers::skipped("no Envoy: run scripts/install-tools envoy");
        return Ok(());
    };
    let install = Install::embedded()?;
    install.settle()?;
    let house = House::open(install).await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let token = all_round().token(&key, Clock::system())?;
    compare(&program, house.residents.grpc, &token).await
}

/// Somebody who may do whatever staff may.
fn all_round() -> Who {
    Who::new("u-all", Role::CommunityManager, "511903")
        .also(Role::SubdistrictManager)
        .also(Role::GridWorker)
        .also(Role::CallClerk)
        .also(Role::Dispatcher)
}

/// Sends every request to both, and tells all that differs without a reason.
async fn compare(program: &Path, services: SocketAddr, token: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let document = linju_gateway::openapi::document(linju_proto::DESCRIPTORS)?;
    let transcoder = Transcoder::new(linju_proto::DESCRIPTORS)?;
    let line = Line(Endpoint::from_shared(format!("http://{services}"))?.connect().await?);
    let envoy = Envoy::start(program, folder.path(), services).await?;

    let mut known = BTreeMap::new();
    for (what, path) in [("residents", "/v1/residents?areaCode=511903&pageSize=1"), ("areas", "/v1/areas")] {
        let answer = ours(&transcoder, &line, &Sent::get(path), token).await?;
        let record = answer.json.as_ref().and_then(|json| json[what].get(0)).context("a record of the survey")?.clone();
        known.insert(what, record);
    }
    let all = requests::all(&document, &known, SEED);
    ensure!(all.len() >= 300, "only {} requests", all.len());

    let mut used = BTreeMap::new();
    let mut unexplained = Vec::new();
    for sent in &all {
        let (ours, theirs) = (ours(&transcoder, &line, sent, token).await?, envoy.send(sent, token).await?);
        match differences::explain(sent, &ours, &theirs) {
            Ok(rule) => *used.entry(rule).or_insert(0) += 1,
            Err(difference) => unexplained.push(format!("{sent}\n  {difference}\n  ours   {ours}\n  Envoy's {theirs}")),
        }
    }
    ensure!(unexplained.is_empty(), "{} of {}:\n{}", unexplained.len(), all.len(), unexplained.join("\n"));
    for rule in differences::RULES {
        ensure!(used.contains_key(rule.name), "nothing differs by the rule `{}` any more: take it out", rule.name);
    }
    Ok(())
}

async fn ours(transcoder: &Transcoder, line: &Line, sent: &Sent, token: &str) -> Result<Answer> {
    let mut request = http::Request::builder().method(sent.method).uri(&sent.path);
    for (name, value) in sent.headers(token) {
        request = request.header(name, value);
    }
    let body = axum::body::Body::from(sent.body.clone().unwrap_or_default());
    let (parts, body) = transcoder.answer(request.body(body)?, line).await.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { code: parts.status.as_u16(), json: serde_json::from_str::<Value>(&text).ok(), text })
}
