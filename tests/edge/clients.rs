//! Clients that we did not write, against the door of the whole program: buf, Python's gRPC, connect-es in Node and in a
//! browser, and a fuzzer that reads our `OpenAPI` document.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use test_servers::skipped;
use uuid::Uuid;

use crate::ground::{Install, Serving};

const AREA: &str = "511903001008";
const NAME: &str = "wang.fang";
const PASSWORD: &str = "a bicycle by the old river";
const ADMIN: &str = "three white cats in the sun";
const PATIENCE: Duration = Duration::from_mins(1);

/// A program with people in it, and a grid worker who has signed in at its door.
struct Office {
    install: Install,
    serving: Serving,
    token: String,
}

impl Office {
    async fn open() -> Result<Self> {
        let install = Install::embedded()?
            .with("service.gateway.door.rates.caller.calls", 0)
            .with("service.gateway.door.rates.caller.seconds", 1)
            .with("service.gateway.door.rates.address.calls", 0)
            .with("service.gateway.door.rates.address.seconds", 1);
        let made = install.run(&["demo", "--residents", "300"])?;
        ensure!(made.code == Some(0), "{made:?}");
        let serving = install.serve(&[], &[]).await?;
        let door = serving.door()?;
        let code = install.told(&["account", "reset", "admin"])?;
        let admin = sign_in(door, &code["code"], ADMIN)?;
        let invited = post(door, "/v1/accounts", &admin, &json!({ "name": NAME }))?;
        let grant = json!({
            "accountId": invited["account"]["id"],
            "role": "ROLE_GRID_WORKER",
            "areaCode": AREA,
            "reason": "appointed",
            "requestId": Uuid::from_u128(1),
        });
        post(door, "/v1/grants", &admin, &grant)?;
        let token = sign_in(door, &invited["code"], PASSWORD)?;
        Ok(Self { install, serving, token })
    }

    fn url(&self) -> Result<String> {
        Ok(format!("http://{}", self.serving.door()?))
    }
}

/// Takes up an account by its one-time code.
fn sign_in(door: SocketAddr, code: &Value, password: &str) -> Result<String> {
    let asked = json!({ "grant_type": "invitation", "invitation": code, "new_password": password });
    let answer = post(door, "/auth/token", "", &asked)?;
    Ok(answer["access_token"].as_str().with_context(|| format!("no token: {answer}"))?.to_owned())
}

/// A POST that must succeed, and its JSON.
fn post(door: SocketAddr, path: &str, token: &str, body: &Value) -> Result<Value> {
    let mut line = TcpStream::connect(door)?;
    line.set_read_timeout(Some(PATIENCE))?;
    let body = body.to_string();
    let signed = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    write!(
        line,
        "POST {path} HTTP/1.1\r\nhost: door\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept-encoding: identity\r\n{signed}content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    line.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    serde_json::from_str(body).with_context(|| answer.clone())
}

fn clone() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), ".."].iter().collect()
}

/// Runs a program that must succeed; what it said on its standard output.
fn runs(command: &mut Command) -> Result<String> {
    let done = command.output().with_context(|| format!("{command:?}"))?;
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    ensure!(done.status.success(), "{command:?}\n{out}\n{err}");
    Ok(out.into_owned())
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_of_python_and_fuzzed_openapi() -> Result<()> {
    let Some(python) = test_servers::python() else {
        skipped("no Python with grpcio and schemathesis: run scripts/install-tools python");
        return Ok(());
    };
    let office = Office::open().await?;
    let (url, token, folder) = (office.url()?, office.token.clone(), office.install.folder().to_owned());
    let door = office.serving.door()?.to_string();
    away(move || {
        let descriptors = folder.join("linju.binpb");
        std::fs::write(&descriptors, linju_proto::DESCRIPTORS)?;
        let script = clone().join("tests/edge/clients/grpcio_client.py");
        runs(Command::new(&python).arg(script).arg(&descriptors).args([&door, &token, AREA]))?;
        let fuzz = python.with_file_name("schemathesis");
        let said = runs(
            Command::new(fuzz)
                .args(["run", &format!("{url}/openapi.json"), "--url", &url])
                .args(["-H", &format!("Authorization: Bearer {token}"), "--checks", "not_a_server_error"])
                .args(["--max-examples", "2", "--seed", "1", "--phases", "fuzzing"])
                // Streams do not end.
                .args(["--exclude-path-regex", "follow"])
                .current_dir(&folder),
        )?;
        ensure!(said.contains("passed"), "{said}");
        Ok(())
    })
    .await?;
    office.serving.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn buf_over_grpc_and_grpc_web() -> Result<()> {
    let Some(buf) = test_servers::buf() else {
        skipped("no buf: run scripts/install-tools buf");
        return Ok(());
    };
    let office = Office::open().await?;
    let (url, signed) = (office.url()?, format!("authorization: Bearer {}", office.token));
    away(move || {
        let path = format!("{url}/linju.residents.v1.ResidentService/ListResidents");
        let list = format!(r#"{{"area_code":"{AREA}","page_size":1}}"#);
        for protocol in [&["grpc", "--http2-prior-knowledge"][..], &["grpcweb"][..]] {
            let said = runs(
                Command::new(&buf)
                    .args(["curl", "--schema", "proto", "--protocol"])
                    .args(protocol)
                    .args(["-H", &signed, "-d", &list, &path])
                    .current_dir(clone()),
            )?;
            let told: Value = serde_json::from_str(&said)?;
            let name = told["residents"][0]["name"].as_str().context("a name")?;
            ensure!(name.ends_with('*'), "masked: {said}");
        }
        Ok(())
    })
    .await?;
    office.serving.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_es_in_node_and_in_a_browser() -> Result<()> {
    let client = clone().join("clients/typescript");
    let Some(buf) = test_servers::buf().filter(|_| works("npm") && works("node")) else {
        skipped("no Node with npm, or no buf: run scripts/install-tools buf");
        return Ok(());
    };
    let office = Office::open().await?;
    let (url, token) = (office.url()?, office.token.clone());
    let said = away(move || {
        let mut npm = Command::new("npm");
        let fetched = npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&client).output()?;
        if !fetched.status.success() {
            return Ok(None);
        }
        // The build takes buf from the path.
        let tools = [buf.parent().map(PathBuf::from).unwrap_or_default()].into_iter();
        let path =
            std::env::join_paths(tools.chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())))?;
        runs(Command::new("npm").args(["run", "build"]).env("PATH", path).current_dir(&client))?;
        runs(
            Command::new("npm")
                .arg("test")
                .current_dir(&client)
                .envs([("LINJU_URL", url.as_str()), ("LINJU_TOKEN", &token), ("LINJU_AREA", AREA)])
                .envs([("LINJU_ACCOUNT", NAME), ("LINJU_PASSWORD", PASSWORD)]),
        )
        .map(Some)
    })
    .await?;
    let Some(said) = said else {
        skipped("npm cannot fetch what the TypeScript client is built with");
        return Ok(());
    };
    ensure!(said.contains("# fail 0"), "{said}");
    for line in said.lines().filter_map(|line| line.split_once("# SKIP ")) {
        skipped(line.1);
    }
    office.serving.stop().await?;
    Ok(())
}

fn works(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|done| done.status.success())
}
