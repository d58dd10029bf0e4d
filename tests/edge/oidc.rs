//! Signing in to the whole program with an OpenID provider that we did not write, as a browser does.

mod provider;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method, Response, StatusCode, header, redirect::Policy};
use serde_json::{Value, json};
use test_servers::{Nats, free_port};

use crate::ground::{Install, Serving, areas, holds};
use provider::Provider;

const AREA: &str = "511903001008";

/// A whole program whose people sign in with a provider.
struct Scene {
    install: Install,
    serving: Serving,
    provider: Provider,
    at: String,
    web: Client,
    /// Keeps the bus, where it is a server.
    _nats: Option<Nats>,
}

impl Scene {
    async fn set(install: Install, nats: Option<Nats>) -> Result<Option<Self>> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let at = format!("http://{listen}");
        let client = at.clone();
        let Some(provider) = tokio::task::spawn_blocking(move || Provider::start(&client)).await?? else {
            return Ok(None);
        };
        let install = install.with("service.gateway.listen", &listen);
        let secret = install.folder().join("secret");
        std::fs::write(&secret, "a secret of the tests, 32 bytes+\n")?;
        let settings = install.folder().join("linju.toml");
        let text = format!(
            "[service.gateway.identity]\npublic_url = {at:?}\n\
             [service.gateway.identity.oidc]\nissuer = {:?}\nclient_id = \"linju\"\nclient_secret = \"{}\"\n\
             scopes = [\"profile\"]\n\
             [[service.gateway.identity.oidc.grants]]\nclaim = \"groups\"\nvalue = \"grid-workers\"\n\
             role = \"grid_worker\"\nscope = [\"{AREA}\"]\n",
            provider.at,
            secret.display()
        );
        std::fs::write(&settings, text)?;
        let (code, answer) = install.import("areas", &areas(), &[])?;
        ensure!(code == Some(0), "{answer}");
        let serving = install.serve(&[], &[("LINJU_CONFIG", settings.to_str().context("UTF-8")?)]).await?;
        let web = Client::builder().redirect(Policy::none()).no_proxy().build()?;
        Ok(Some(Self { install, serving, provider, at, web, _nats: nats }))
    }

    fn browser(&self) -> Browser<'_> {
        Browser { scene: self, cookies: BTreeMap::new(), csrf: String::new() }
    }
}

/// Somebody's browser: it keeps cookies and goes where it is sent.
struct Browser<'s> {
    scene: &'s Scene,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

impl Browser<'_> {
    async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Response> {
        let all: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.scene.web.request(method, format!("{}{path}", self.scene.at));
        request = request.header(header::COOKIE, all.join("; ")).header(header::ORIGIN, &self.scene.at);
        if let Some(body) = body {
            request = request.header("x-csrf-token", &self.csrf).json(&body);
        }
        let response = request.send().await?;
        for set in response.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str()?.split(';').next().and_then(|pair| pair.split_once('=')).context("a pair")?;
            self.cookies.insert(pair.0.to_owned(), pair.1.to_owned());
        }
        Ok(response)
    }

    async fn get(&mut self, path: &str) -> Result<Response> {
        self.send(Method::GET, path, None).await
    }

    /// From the door to the provider and back.
    async fn sign_in(&mut self, login: &str) -> Result<Response> {
        let start = self.get("/auth/oidc/start?return_to=/desk").await?;
        ensure!(start.status() == StatusCode::SEE_OTHER, "{start:?}");
        let there = place(&start)?.to_owned();
        let back = self.scene.provider.visit(&mut BTreeMap::new(), &there, login).await?;
        let path = back.strip_prefix(&self.scene.at).context("our door")?.to_owned();
        self.get(&path).await
    }
}

fn place(response: &Response) -> Result<&str> {
    Ok(response.headers().get(header::LOCATION).context("an address")?.to_str()?)
}

async fn a_grid_worker_signs_in_and_out(scene: &Scene) -> Result<()> {
    let mut worker = scene.browser();
    assert_eq!(worker.get("/v1/me").await?.status(), StatusCode::UNAUTHORIZED);
    let back = worker.sign_in("grid-1").await?;
    assert_eq!((back.status(), place(&back)?), (StatusCode::SEE_OTHER, "/desk"));
    let me: Value = worker.get("/v1/me").await?.json().await?;
    assert_eq!(me["name"], "grid-1");
    let access: Value = worker.get("/v1/me:access").await?.json().await?;
    let grants = access["grants"].as_array().context("grants")?;
    assert_eq!((grants.len(), &grants[0]["role"]), (1, &json!("ROLE_GRID_WORKER")), "{access}");
    assert_eq!(grants[0]["areaCodes"], json!([AREA]));
    assert_eq!(worker.get(&format!("/v1/residents?areaCode={AREA}")).await?.status(), StatusCode::OK);
    assert_eq!(worker.get("/v1/accounts").await?.status(), StatusCode::FORBIDDEN);

    let mut visitor = scene.browser();
    assert_eq!(visitor.sign_in("visitor").await?.status(), StatusCode::SEE_OTHER);
    assert_eq!(visitor.get("/v1/me").await?.status(), StatusCode::OK, "signed in");
    let refused = visitor.get(&format!("/v1/residents?areaCode={AREA}")).await?.status();
    assert_eq!(refused, StatusCode::FORBIDDEN, "and without a right");

    // What changes something needs the token that only our own page can read.
    let forged = worker.send(Method::POST, "/auth/sign-out", Some(json!({}))).await?;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let csrf: Value = worker.get("/auth/csrf").await?.json().await?;
    worker.csrf = csrf["csrf_token"].as_str().with_context(|| csrf.to_string())?.to_owned();
    let kept = worker.cookies.clone();
    let out: Value = worker.send(Method::POST, "/auth/sign-out", Some(json!({}))).await?.json().await?;
    let end = out["end_session_url"].as_str().with_context(|| out.to_string())?;
    ensure!(end.starts_with(&scene.provider.at), "the provider is told too: {end}");
    worker.cookies = kept;
    assert_eq!(worker.get("/v1/me").await?.status(), StatusCode::UNAUTHORIZED, "a kept cookie is worth nothing");

    // Whoever is locked at the console is out at once, and the provider does not bring them back.
    scene.install.told(&["account", "lock", "visitor"])?;
    holds("the session has ended", async || Ok(visitor.get("/v1/me").await?.status() == StatusCode::UNAUTHORIZED))
        .await?;
    assert_eq!(visitor.sign_in("visitor").await?.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_signs_people_in_on_sqlite() -> Result<()> {
    let Some(scene) = Scene::set(Install::embedded()?, None).await? else { return Ok(()) };
    a_grid_worker_signs_in_and_out(&scene).await?;
    ensure!(scene.serving.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_signs_people_in_on_postgres() -> Result<()> {
    let nats = tokio::task::spawn_blocking(Nats::start).await??;
    let install = Install::shared_stack(&nats)?;
    let Some(scene) = Scene::set(install, Some(nats)).await? else { return Ok(()) };
    a_grid_worker_signs_in_and_out(&scene).await?;
    ensure!(scene.serving.stop().await?.success());
    Ok(())
}
