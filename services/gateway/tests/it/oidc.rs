//! Signing in with an OpenID provider: panva's `oidc-provider` in a process of its own, which we did not write.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use axum::body::Body;
use chassis::{access::Role, run::Tasks};
use http::{Request, StatusCode, header};
use linju_gateway::identity::{AccountName, Refused};
use linju_proto::gateway::v1;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::office::{AREA, Browser, Office};

/// The provider's process; ended with the value.
struct Provider {
    child: Child,
    /// Kept open: it would end where it cannot write.
    _output: BufReader<ChildStdout>,
    at: String,
    web: reqwest::Client,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/edge/oidc");

/// The provider's packages, installed once for each lock file; none where there is no npm.
fn packages() -> Result<Option<PathBuf>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let found = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found("npm") || !found("node") {
        return Ok(None);
    }
    let lock = std::fs::read(Path::new(SOURCE).join("package-lock.json"))?;
    let version = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &lock));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("oidc-provider-{}", &version[..16]));
    if !folder.join("complete").exists() {
        std::fs::create_dir_all(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(Path::new(SOURCE).join(file), folder.join(file))?;
        }
        let done = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output()?;
        ensure!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
        std::fs::write(folder.join("complete"), "")?;
    }
    std::fs::copy(Path::new(SOURCE).join("provider.js"), folder.join("provider.js"))?;
    Ok(Some(folder))
}

impl Provider {
    fn start(client: &str) -> Result<Option<Self>> {
        let Some(folder) = packages()? else {
            test_servers::skipped("no npm: signing in with an OpenID provider is not tested");
            return Ok(None);
        };
        let mut child = Command::new("node")
            .args(["provider.js", client])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut at = String::new();
        let mut output = BufReader::new(child.stdout.take().context("its output")?);
        output.read_line(&mut at)?;
        ensure!(at.starts_with("http://127.0.0.1:"), "the provider did not start: {at}");
        let web = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        Ok(Some(Self { child, _output: output, at: at.trim().to_owned(), web }))
    }

    /// New keys; the old ones are gone.
    async fn rotate(&self) -> Result<()> {
        self.web.post(format!("{}/test/rotate", self.at)).send().await?.error_for_status()?;
        Ok(())
    }

    /// What somebody does in a browser at the provider, until it sends them elsewhere; says where.
    async fn visit(&self, cookies: &mut BTreeMap<String, String>, start: &str, login: &str) -> Result<String> {
        let mut address = start.to_owned();
        let mut form: Option<String> = None;
        for _ in 0..20 {
            if !address.starts_with(&self.at) {
                return Ok(address);
            }
            let request = match form.take() {
                None => self.web.get(&address),
                Some(form) => {
                    let kind = "application/x-www-form-urlencoded";
                    self.web.post(&address).header(header::CONTENT_TYPE, kind).body(form)
                }
            };
            let all: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let response = request.header(header::COOKIE, all.join("; ")).send().await?;
            for set in response.headers().get_all(header::SET_COOKIE) {
                let pair = set.to_str()?.split(';').next().and_then(|pair| pair.split_once('='));
                let (name, value) = pair.context("a pair")?;
                cookies.insert(name.to_owned(), value.to_owned());
            }
            if let Some(next) = response.headers().get(header::LOCATION) {
                address = response.url().join(next.to_str()?)?.to_string();
                continue;
            }
            let status = response.status();
            let page = response.text().await?;
            let posted = |name: &str| page.contains(&format!("name=\"prompt\" value=\"{name}\""));
            form = Some(match page.split("name=\"xsrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()) {
                Some(xsrf) => {
                    address = format!("{}/session/end/confirm", self.at);
                    format!("xsrf={xsrf}&logout=yes")
                }
                None if posted("login") => format!("prompt=login&login={login}&password=x"),
                None if posted("consent") => "prompt=consent".to_owned(),
                None => anyhow::bail!("the provider answers {status}: {page}"),
            });
        }
        anyhow::bail!("the provider sends in circles")
    }
}

/// An office that signs people in with the provider, served on a port so that the provider can reach it.
struct Linked {
    office: Office,
    provider: Provider,
    at: String,
    tasks: Tasks,
    _secret: TempDir,
}

impl Drop for Linked {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Linked {
    async fn open() -> Result<Option<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let at = format!("http://{}", listener.local_addr()?);
        let client = at.clone();
        let Some(provider) = tokio::task::spawn_blocking(move || Provider::start(&client)).await?? else {
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret of the tests, 32 bytes+\n")?;
        let settings = json!({
            "public_url": at,
            "oidc": {
                "issuer": provider.at,
                "client_id": "linju",
                "client_secret": secret,
                "scopes": ["profile"],
                "grants": [{ "claim": "groups", "value": "grid-workers", "role": "grid_worker", "scope": [AREA] }],
            },
        });
        let office = Office::now(settings).await?;
        let tasks = Tasks::default();
        let (http, stopping) = (office.http.clone(), tasks.clone());
        tasks.spawn(async move {
            tokio::select! {
                served = axum::serve(listener, http).into_future() => served.expect("serves"),
                () = stopping.stopping() => {}
            }
        });
        Ok(Some(Self { office, provider, at, tasks, _secret: folder }))
    }

    /// From our door to the provider and back to the callback; says its path.
    async fn to_callback(&self, browser: &mut Browser<'_>, login: &str) -> Result<String> {
        let answer = browser.get("/auth/oidc/start?return_to=/desk").await?;
        ensure!(answer.status == StatusCode::SEE_OTHER, "{:?}", answer.body);
        let there = answer.headers.get(header::LOCATION).context("an address")?.to_str()?;
        let back = self.provider.visit(&mut BTreeMap::new(), there, login).await?;
        Ok(back.strip_prefix(&self.at).context("our door")?.to_owned())
    }

    async fn sign_in(&self, browser: &mut Browser<'_>, login: &str) -> Result<()> {
        let path = self.to_callback(browser, login).await?;
        let answer = browser.get(&path).await?;
        ensure!(answer.status == StatusCode::SEE_OTHER, "{:?}", answer.body);
        assert_eq!(answer.headers.get(header::LOCATION).context("an address")?, "/desk");
        browser.get("/auth/csrf").await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_provider_signs_people_in_and_its_claims_give_rights() -> Result<()> {
    let Some(linked) = Linked::open().await? else { return Ok(()) };
    let office = &linked.office;
    let (mut worker, mut again, mut visitor) = (office.browser(), office.browser(), office.browser());
    linked.sign_in(&mut worker, "grid-1").await?;
    let caller = worker.who().await?;
    assert_eq!(caller.principal.grants.iter().map(|g| g.role).collect::<Vec<_>>(), [Role::GridWorker]);
    assert_eq!(caller.principal.grants[0].areas.as_deref(), Some(&[AREA.parse()?][..]));
    linked.sign_in(&mut again, "grid-1").await?;
    assert_eq!(again.who().await?.principal.subject, caller.principal.subject, "the same account");
    linked.sign_in(&mut visitor, "visitor").await?;
    let stranger = visitor.who().await?;
    assert_ne!(stranger.principal.subject, caller.principal.subject);
    assert_eq!(stranger.principal.grants, []);
    let password = worker.sign_in("grid-1", "any password of twelve").await?;
    assert_eq!(password.reason(), "USE_PROVIDER");

    office.identity.console().set_locked(&AccountName::new("grid-1")?, true).await?;
    let path = linked.to_callback(&mut worker, "grid-1").await?;
    assert_eq!(worker.get(&path).await?.reason(), "SIGN_IN_REFUSED", "locked here is locked");
    Ok(())
}

#[tokio::test]
async fn keys_that_the_provider_changes_are_learnt() -> Result<()> {
    let Some(linked) = Linked::open().await? else { return Ok(()) };
    let mut browser = linked.office.browser();
    linked.sign_in(&mut browser, "grid-1").await?;
    linked.provider.rotate().await?;
    let path = linked.to_callback(&mut browser, "grid-1").await?;
    let early = browser.get(&path).await?;
    assert_eq!(early.reason(), "ID_TOKEN_REFUSED", "it is asked again, but not at every token that names a new key");
    linked.office.pass(10);
    linked.sign_in(&mut browser, "grid-1").await?;
    assert!(browser.who().await.is_ok());
    Ok(())
}

#[tokio::test]
async fn an_answer_counts_once_and_only_in_the_browser_that_asked() -> Result<()> {
    let Some(linked) = Linked::open().await? else { return Ok(()) };
    let office = &linked.office;
    let mut asked = office.browser();
    let path = linked.to_callback(&mut asked, "grid-1").await?;
    let mut victim = office.browser();
    assert_eq!(victim.get(&path).await?.reason(), "SIGN_IN_NOT_BEGUN", "no cookie");
    victim.get("/auth/oidc/start").await?;
    assert_eq!(victim.get(&path).await?.reason(), "SIGN_IN_NOT_BEGUN", "another browser's cookie");
    let elsewhere = path.replace("iss=http%3A%2F%2F127.0.0.1", "iss=http%3A%2F%2F127.0.0.2");
    assert_eq!(asked.get(&elsewhere).await?.reason(), "ANOTHER_PROVIDER");
    let nameless = path.split("&iss=").next().context("a path")?;
    assert_eq!(asked.get(nameless).await?.reason(), "ANOTHER_PROVIDER");
    let again = asked.clone();
    assert_eq!(asked.get(&path).await?.status, StatusCode::SEE_OTHER);
    assert_eq!(again.clone().get(&path).await?.reason(), "PROVIDER_REFUSED", "the code is used");
    Ok(())
}

#[tokio::test]
async fn signing_out_at_the_provider_ends_the_session_here() -> Result<()> {
    let Some(linked) = Linked::open().await? else { return Ok(()) };
    let office = &linked.office;
    let mut browser = office.browser();
    let mut cookies = BTreeMap::new();
    let start = browser.get("/auth/oidc/start").await?;
    let there = start.headers.get(header::LOCATION).context("an address")?.to_str()?.to_owned();
    let back = linked.provider.visit(&mut cookies, &there, "grid-1").await?;
    browser.get(back.strip_prefix(&linked.at).context("our door")?).await?;
    browser.get("/auth/csrf").await?;
    let before = browser.clone();
    assert!(before.who().await.is_ok());

    let mut changes = office.identity.revoked();
    let end = format!("{}/session/end?client_id=linju&post_logout_redirect_uri={}/", linked.provider.at, linked.at);
    linked.provider.visit(&mut cookies, &end, "grid-1").await?;
    while before.who().await.is_ok() {
        tokio::time::timeout(std::time::Duration::from_secs(30), changes.changed()).await??;
    }
    assert_eq!(before.who().await, Err(Refused::NotValid));

    linked.sign_in(&mut browser, "grid-1").await?;
    let answer = browser.post("/auth/sign-out", json!({})).await?;
    let url = answer.text("end_session_url");
    assert!(url.starts_with(&format!("{}/session/end?client_id=linju", linked.provider.at)), "{url}");
    Ok(())
}

#[tokio::test]
async fn only_the_provider_can_tell_that_somebody_signed_out() -> Result<()> {
    let Some(linked) = Linked::open().await? else { return Ok(()) };
    let mut browser = linked.office.browser();
    linked.sign_in(&mut browser, "grid-1").await?;
    for token in ["", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJncmlkLTEifQ."] {
        let request =
            Request::post("/auth/oidc/logout").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = linked.office.send(request.body(Body::from(format!("logout_token={token}")))?).await?;
        assert_eq!(answer.reason(), "ID_TOKEN_REFUSED", "{token}");
    }
    assert!(browser.who().await.is_ok());
    let mut accounts = linked.office.accounts.clone();
    let me = accounts.get_me(browser.of(v1::GetMeRequest {}).await?).await?.into_inner();
    assert_eq!((me.name.as_str(), Value::from(me.second_factor_set)), ("grid-1", Value::from(false)));
    Ok(())
}
