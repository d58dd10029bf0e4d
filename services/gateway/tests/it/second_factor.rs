//! The second factor: generators, recovery codes, roles that need one.

use anyhow::{Context as _, Result};
use aws_lc_rs::hmac;
use chassis::access::Role;
use http::StatusCode;
use linju_gateway::identity::Refused;
use linju_proto::gateway::v1;
use serde_json::json;

use crate::office::{Browser, Office, PASSWORD, reason};

/// Sets a factor up; answers the generator's secret and the recovery codes.
async fn set_up(office: &Office, browser: &Browser<'_>) -> Result<(String, Vec<String>)> {
    let mut accounts = office.accounts.clone();
    let start = v1::StartSecondFactorRequest { password: PASSWORD.to_owned() };
    let started = accounts.start_second_factor(browser.of(start).await?).await?.into_inner();
    assert!(started.qr_svg.starts_with("<?xml") && started.qr_svg.contains("<svg"));
    let secret = started.uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).context("a secret")?;
    let confirm = v1::ConfirmSecondFactorRequest { code: code(office, secret) };
    let codes = accounts.confirm_second_factor(browser.of(confirm).await?).await?.into_inner().recovery_codes;
    Ok((secret.to_owned(), codes))
}

/// What the generator shows now.
fn code(office: &Office, secret: &str) -> String {
    let digits = secret.bytes().map(|b| if b.is_ascii_digit() { b - b'2' + 26 } else { b - b'A' });
    let bits: Vec<u8> = digits.flat_map(|digit| (0..5).rev().map(move |bit| digit >> bit & 1)).collect();
    let key: Vec<u8> = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |n, bit| n << 1 | bit)).collect();
    let step = office.clock.now().timestamp() / 30;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    let start = usize::from(tag.as_ref()[19] & 15);
    let word = tag.as_ref()[start..start + 4].iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

#[tokio::test]
async fn with_a_factor_a_password_alone_gives_no_rights() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person_as("wang.fang", Role::GridWorker).await?;
        let (mut here, mut there) = (office.browser(), office.browser());
        here.sign_in("wang.fang", PASSWORD).await?;
        there.sign_in("wang.fang", PASSWORD).await?;
        let (secret, recovery) = set_up(&office, &here).await?;
        assert_eq!(recovery.len(), 10);
        assert!(here.who().await.is_ok(), "who set it up has shown it");
        assert_eq!(there.who().await, Err(Refused::SecondFactorNeeded), "every other session has yet to");

        let mut browser = office.browser();
        let answer = browser.sign_in("wang.fang", PASSWORD).await?;
        assert_eq!(answer.body["second_factor_needed"], json!(true));
        assert_eq!(browser.who().await, Err(Refused::SecondFactorNeeded));
        let mut accounts = office.accounts.clone();
        let me = accounts.get_me(browser.of(v1::GetMeRequest {}).await?).await?.into_inner();
        assert!(me.second_factor_set && !me.second_factor_passed);
        let start = v1::StartSecondFactorRequest { password: PASSWORD.to_owned() };
        assert_eq!(reason(accounts.start_second_factor(browser.of(start).await?).await), "SESSION_NEEDED");

        let used = code(&office, &secret);
        assert_eq!(browser.post("/auth/second-factor", json!({ "code": used })).await?.reason(), "WRONG_CODE", "used");
        office.pass(30);
        let before = browser.clone();
        let answer = browser.post("/auth/second-factor", json!({ "code": code(&office, &secret) })).await?;
        assert_eq!((answer.status, &answer.body["second_factor_needed"]), (StatusCode::OK, &json!(false)));
        assert_eq!(browser.who().await?.principal.grants.len(), 1);
        assert_eq!(before.who().await, Err(Refused::NotValid), "more rights, a new cookie");
    }
    Ok(())
}

#[tokio::test]
async fn a_recovery_code_serves_once() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        let (_, recovery) = set_up(&office, &browser).await?;
        assert!(recovery.iter().all(|code| code.replace('-', "").len() == 26), "128 bits: {recovery:?}");
        for (typed, status) in [
            (recovery[3].to_lowercase(), StatusCode::OK),
            (recovery[3].clone(), StatusCode::BAD_REQUEST),
            (recovery[4].clone(), StatusCode::OK),
        ] {
            let mut browser = office.browser();
            browser.sign_in("wang.fang", PASSWORD).await?;
            let answer = browser.post("/auth/second-factor", json!({ "code": typed })).await?;
            assert_eq!(answer.status, status, "{typed}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn codes_cannot_be_guessed() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut owner = office.browser();
        owner.sign_in("wang.fang", PASSWORD).await?;
        let (secret, _) = set_up(&office, &owner).await?;
        office.pass(30);
        let mut thief = office.browser_at("203.0.113.5");
        thief.sign_in("wang.fang", PASSWORD).await?;
        let right = code(&office, &secret);
        let mut answers = Vec::new();
        for n in 0..20 {
            // With the password alone each new sign-in gives no new guesses.
            thief.cookies.clear();
            thief.sign_in("wang.fang", PASSWORD).await?;
            let guess = format!("{:06}", (right.parse::<u32>()? + 1 + n) % 1_000_000);
            answers.push(thief.post("/auth/second-factor", json!({ "code": guess })).await?.status);
        }
        let tried = answers.iter().filter(|status| **status == StatusCode::BAD_REQUEST).count();
        let stopped = answers.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count();
        assert_eq!((tried, stopped), (5, 15));
        assert_eq!(thief.post("/auth/second-factor", json!({ "code": right })).await?.reason(), "TOO_MANY_TRIES");
        owner.sign_in("wang.fang", PASSWORD).await?;
        let answer = owner.post("/auth/second-factor", json!({ "code": right })).await?;
        assert_eq!(answer.status, StatusCode::OK, "the owner's browser is known");
    }
    Ok(())
}

#[tokio::test]
async fn a_role_may_need_a_factor() -> Result<()> {
    for office in Office::both(json!({ "require_second_factor": ["grid_worker"] })).await? {
        office.person_as("wang.fang", Role::GridWorker).await?;
        office.person_as("li.na", Role::Dispatcher).await?;
        let (mut worker, mut dispatcher) = (office.browser(), office.browser());
        worker.sign_in("wang.fang", PASSWORD).await?;
        dispatcher.sign_in("li.na", PASSWORD).await?;
        assert_eq!(dispatcher.who().await?.principal.grants.len(), 1);
        assert_eq!(worker.who().await, Err(Refused::SecondFactorNeeded));
        let mut accounts = office.accounts.clone();
        let me = accounts.get_me(worker.of(v1::GetMeRequest {}).await?).await?.into_inner();
        assert!(me.second_factor_required && !me.second_factor_set);
        let (secret, _) = set_up(&office, &worker).await?;
        assert_eq!(worker.who().await?.principal.grants.len(), 1);

        office.pass(30);
        let wrong = v1::RemoveSecondFactorRequest { code: "ABCDEF".to_owned() };
        assert_eq!(reason(accounts.remove_second_factor(worker.of(wrong).await?).await), "WRONG_CODE");
        let remove = v1::RemoveSecondFactorRequest { code: code(&office, &secret) };
        accounts.remove_second_factor(worker.of(remove).await?).await?;
        assert_eq!(worker.who().await, Err(Refused::SecondFactorNeeded), "no factor, no rights");
    }
    Ok(())
}

#[tokio::test]
async fn an_app_sends_the_code_with_the_password() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        let (secret, _) = set_up(&office, &browser).await?;
        office.pass(30);
        let ask = |code: Option<String>| json!({ "grant_type": "password", "name": "wang.fang", "password": PASSWORD, "code": code });
        let mut app = office.browser();
        assert_eq!(app.post("/auth/token", ask(None)).await?.reason(), "SECOND_FACTOR_NEEDED");
        assert_eq!(app.post("/auth/token", ask(Some("000000".to_owned()))).await?.reason(), "WRONG_CODE");
        let answer = app.post("/auth/token", ask(Some(code(&office, &secret)))).await?;
        assert!(office.bearer(&answer.text("access_token")).await.is_ok());
    }
    Ok(())
}

#[tokio::test]
async fn who_lost_the_generator_begins_anew() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        set_up(&office, &browser).await?;
        let name = linju_gateway::identity::AccountName::new("wang.fang")?;
        let code = office.identity.console().reset(&name, true).await?.code;
        let body = json!({ "invitation": code, "new_password": PASSWORD });
        let answer = browser.post("/auth/sign-in", body).await?;
        assert_eq!(answer.body["second_factor_needed"], json!(false));
        assert!(browser.who().await.is_ok());
    }
    Ok(())
}
