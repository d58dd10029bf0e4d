//! Signing in with an OpenID provider: panva's `oidc-provider` in a process of its own, which we did not write.

#[path = "../../../../tests/edge/oidc/provider.rs"]
mod provider;

use std::collections::BTreeMap;

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
use provider::Provider;

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
    let rotate = format!("{}/test/rotate", linked.provider.at);
    reqwest::Client::builder().no_proxy().build()?.post(rotate).send().await?.error_for_status()?;
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
async fn no_other_site_begins_a_sign_in() -> Result<()> {
    let Some(linked) = Linked::open().await? else { return Ok(()) };
    let start = |site: &str| {
        let request = Request::get("/auth/oidc/start?return_to=/desk").header("sec-fetch-site", site);
        request.header("sec-fetch-mode", "navigate").body(Body::empty())
    };
    let refused = linked.office.send(start("cross-site")?).await?;
    assert_eq!((refused.status, refused.reason()), (StatusCode::FORBIDDEN, "CROSS_SITE"));
    assert!(!refused.headers.contains_key(header::SET_COOKIE) && !refused.headers.contains_key(header::LOCATION));
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(linked.office.send(start(site)?).await?.status, StatusCode::SEE_OTHER, "{site}");
    }
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
