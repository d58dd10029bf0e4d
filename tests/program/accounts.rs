//! `linju account …`: what whoever runs the machine does with accounts, also while the program serves.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use test_servers::Nats;

use super::{DONE, USAGE, says};
use crate::ground::{Desk, Install, holds};

const NEW: &str = "four grey herons on one leg";

/// An install on each back end.
async fn both() -> Result<[(Install, Option<Nats>); 2]> {
    let nats = tokio::task::spawn_blocking(Nats::start).await??;
    let stack = Install::shared_stack(&nats)?;
    Ok([(Install::embedded()?, None), (stack, Some(nats))])
}

fn code(told: &Value) -> Result<&str> {
    told["code"].as_str().with_context(|| format!("no code: {told}"))
}

/// Without a program that serves: accounts are made and listed, and what cannot be is told.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_and_listed() -> Result<()> {
    for (install, _nats) in both().await? {
        says(&install.run(&["account", "list"])?, DONE, &["no account yet"])?;
        ensure!(install.told(&["account", "list"])? == json!([]));
        let invited = install.told(&["account", "invite", "wang.fang"])?;
        ensure!((&invited["name"], &invited["state"]) == (&json!("wang.fang"), &json!("invited")), "{invited}");
        ensure!(code(&invited)?.len() > 15 && invited["expires_at"].is_string(), "{invited}");
        let listed = install.told(&["account", "list"])?;
        ensure!(listed[0]["id"] == invited["id"] && listed[0]["signed_in_at"].is_null(), "{listed}");
        ensure!(!listed.to_string().contains(code(&invited)?), "a code is shown once");
        says(&install.run(&["account", "list"])?, DONE, &["wang.fang", "invited", "never signed in"])?;
        says(&install.run(&["account", "invite", "li.na"])?, DONE, &["One-time code", "not shown again"])?;

        says(&install.run(&["account", "invite", "wang.fang"])?, Some(1), &["already"])?;
        says(&install.run(&["account", "invite", "Wang.Fang"])?, Some(1), &["already"])?;
        says(&install.run(&["account", "invite", "13912341550"])?, USAGE, &["13912341550"])?;
        for command in ["reset", "lock", "unlock"] {
            says(&install.run(&["account", command, "nobody"])?, Some(1), &["account"])?;
        }
        says(&install.run(&["account", "remove", "wang.fang"])?, USAGE, &["remove"])?;
    }
    Ok(())
}

/// Beside a program that serves: it hears within a moment what was done at the console.
#[tokio::test(flavor = "multi_thread")]
async fn the_door_hears_what_is_done_at_the_console() -> Result<()> {
    for (install, _nats) in both().await? {
        let serving = install.serve(&[], &[]).await?;
        let desk = Desk::open(&install, &serving).await?;
        let person = desk.invite("wang.fang").await?;
        let status = async |token: &str| anyhow::Ok(desk.get("/v1/me", token).await?.status);
        assert_eq!(status(&person.token).await?, 200);

        let locked = install.told(&["account", "lock", "wang.fang"])?;
        ensure!(locked["state"] == "locked", "{locked}");
        holds("the token is worth nothing", async || Ok(status(&person.token).await? == 401)).await?;
        assert_eq!(
            desk.sign_in("wang.fang").await.err().map(|e| e.to_string().contains("SIGN_IN_REFUSED")),
            Some(true)
        );
        let unlocked = install.told(&["account", "unlock", "wang.fang"])?;
        ensure!(unlocked["state"] == "active", "{unlocked}");
        assert_eq!(status(&person.token).await?, 401, "what was ended stays so");
        let again = desk.sign_in("wang.fang").await?;
        let again = again["access_token"].as_str().context("a token")?;
        assert_eq!(status(again).await?, 200);

        let reset = install.told(&["account", "reset", "wang.fang"])?;
        holds("the session has ended", async || Ok(status(again).await? == 401)).await?;
        ensure!(desk.sign_in("wang.fang").await.is_err(), "the old password is gone");
        let take = json!({ "grant_type": "invitation", "invitation": code(&reset)?, "new_password": NEW });
        desk.post("/auth/token", "", &take).await?.good()?;
        let twice = desk.post("/auth/token", "", &take).await?;
        assert_eq!((twice.status, twice.reason()), (401, "CODE_NOT_VALID"));
        let listed = install.told(&["account", "list"])?;
        let names: Vec<_> = listed.as_array().into_iter().flatten().map(|one| one["name"].as_str()).collect();
        assert_eq!(names, [Some("admin"), Some("wang.fang")]);
        ensure!(serving.stop().await?.success());
    }
    Ok(())
}
