//! Sessions of browsers: cookies, CSRF, ends.

use anyhow::{Context as _, Result};
use axum::body::Body;
use chassis::access::Role;
use http::{Method, Request, StatusCode, header};
use linju_gateway::identity::{Credential, Refused};
use linju_proto::gateway::v1;
use serde_json::json;

use crate::office::{Office, PASSWORD, reason};

#[tokio::test]
async fn a_cookie_says_who_calls_and_its_csrf_token_lets_it_change() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let id = office.person_as("wang.fang", Role::GridWorker).await?;
        let mut browser = office.browser();
        let answer = browser.sign_in("wang.fang", PASSWORD).await?;
        assert_eq!(answer.headers.get(header::CACHE_CONTROL).context("a header")?, "no-store");
        let caller = browser.who().await?;
        assert_eq!(caller.principal.subject, id.to_string());
        assert_eq!(caller.principal.grants[0].role, Role::GridWorker);
        assert!(matches!(caller.credential, Credential::Session(_)));

        let path = "/v1/incidents";
        let mut without = browser.clone();
        without.csrf.clear();
        assert_eq!(office.who(&Method::GET, path, without.headers()).await.ok().as_ref(), Some(&caller));
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(office.who(&method, path, without.headers()).await, Err(Refused::CsrfMissing));
            assert_eq!(office.who(&method, path, browser.headers()).await.ok().as_ref(), Some(&caller));
        }
        let mut of_another = browser.clone();
        let mut other = office.browser();
        other.sign_in("wang.fang", PASSWORD).await?;
        of_another.csrf.clone_from(&other.csrf);
        assert_eq!(office.who(&Method::POST, path, of_another.headers()).await, Err(Refused::CsrfMissing));
        let mut loaded = without.clone();
        loaded.get("/auth/csrf").await?;
        assert_eq!(loaded.csrf, browser.csrf, "a page that was loaded anew gets it again");
    }
    Ok(())
}

#[tokio::test]
async fn by_tls_cookies_are_bound_to_the_host() -> Result<()> {
    let office = Office::sqlite(json!({ "public_url": "https://linju.example.cn" })).await?;
    office.person("wang.fang").await?;
    let mut browser = office.browser();
    let answer = browser.sign_in("wang.fang", PASSWORD).await?;
    let cookies =
        answer.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str()).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-linju_"), "{cookie}");
        for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(browser.who().await.is_ok());
    let plain = browser.headers().get(header::COOKIE).context("cookies")?.to_str()?.replace("__Host-", "");
    let mut headers = http::HeaderMap::new();
    headers.insert(header::COOKIE, plain.parse()?);
    let caller = office.who(&Method::GET, "/v1/incidents", headers).await?;
    assert_eq!(caller.credential, Credential::None, "a cookie that a neighbour could have set is none");
    Ok(())
}

#[tokio::test]
async fn a_sign_in_from_another_site_is_refused() -> Result<()> {
    let office = Office::sqlite(json!({ "public_url": "https://linju.example.cn" })).await?;
    office.person("wang.fang").await?;
    let body = || Body::from(json!({ "name": "wang.fang", "password": PASSWORD }).to_string());
    let json = || Request::post("/auth/sign-in").header(header::CONTENT_TYPE, "application/json");
    for request in [
        json().header("sec-fetch-site", "cross-site").body(body())?,
        json().header(header::ORIGIN, "https://evil.example").body(body())?,
        json().header(header::ORIGIN, "null").body(body())?,
    ] {
        assert_eq!(office.send(request).await?.reason(), "CROSS_SITE");
    }
    let form = Request::post("/auth/sign-in").header(header::CONTENT_TYPE, "text/plain").body(body())?;
    assert_eq!(office.send(form).await?.reason(), "INVALID_FIELD");
    let own = json().header(header::ORIGIN, "https://linju.example.cn").header("sec-fetch-site", "same-origin");
    assert_eq!(office.send(own.body(body())?).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_session_falls_asleep_and_ends() -> Result<()> {
    for office in Office::both(json!({ "idle_min": 30, "browser_hours": 2 })).await? {
        office.person("wang.fang").await?;
        let mut idle = office.browser();
        idle.sign_in("wang.fang", PASSWORD).await?;
        let mut busy = office.browser();
        busy.sign_in("wang.fang", PASSWORD).await?;
        office.pass(29 * 60);
        assert!(busy.who().await.is_ok());
        office.pass(60);
        assert_eq!(idle.who().await, Err(Refused::NotValid), "half an hour of nothing");
        for _ in 0..3 {
            office.pass(28 * 60);
            assert!(busy.who().await.is_ok());
        }
        office.pass(6 * 60);
        assert_eq!(busy.who().await, Err(Refused::NotValid), "two hours, whatever it did");
    }
    Ok(())
}

#[tokio::test]
async fn signing_in_and_out_ends_the_session_before() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        let before = browser.clone();
        browser.sign_in("wang.fang", PASSWORD).await?;
        assert_ne!(before.cookies["linju_session"], browser.cookies["linju_session"]);
        assert_eq!(before.who().await, Err(Refused::NotValid), "nobody shares the new session with the old cookie");

        let (signed_in, mut forged) = (browser.clone(), browser.clone());
        forged.csrf.clear();
        assert_eq!(forged.post("/auth/sign-out", json!({})).await?.reason(), "CSRF_TOKEN_NEEDED");
        assert!(signed_in.who().await.is_ok());
        let out = browser.post("/auth/sign-out", json!({})).await?;
        assert_eq!(out.status, StatusCode::OK);
        assert_eq!(out.headers.get("clear-site-data").context("a header")?, "\"storage\"");
        assert_eq!(signed_in.who().await, Err(Refused::NotValid));
        assert!(!browser.cookies.contains_key("linju_session"));
        assert_eq!(browser.post("/auth/sign-out", json!({})).await?.status, StatusCode::OK, "again is no error");
    }
    Ok(())
}

#[tokio::test]
async fn one_sees_and_ends_ones_own_sessions_only() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        office.person("li.na").await?;
        let (mut first, mut second, mut other) = (office.browser(), office.browser(), office.browser());
        first.sign_in("wang.fang", PASSWORD).await?;
        second.sign_in("wang.fang", PASSWORD).await?;
        other.sign_in("li.na", PASSWORD).await?;
        let mut accounts = office.accounts.clone();
        let list = accounts.list_sessions(first.of(v1::ListSessionsRequest {}).await?).await?.into_inner().sessions;
        assert_eq!(list.iter().map(|s| s.current).collect::<Vec<_>>(), [false, true]);
        let end = |id: &str| v1::EndSessionRequest { id: id.to_owned() };
        accounts.end_session(other.of(end(&list[0].id)).await?).await?;
        assert!(second.who().await.is_ok(), "it was not hers to end");
        accounts.end_session(first.of(end(&list[0].id)).await?).await?;
        assert_eq!(second.who().await, Err(Refused::NotValid));

        second.sign_in("wang.fang", PASSWORD).await?;
        let others = v1::EndOtherSessionsRequest {};
        assert_eq!(accounts.end_other_sessions(first.of(others).await?).await?.into_inner().ended, 1);
        assert!(second.who().await.is_err() && first.who().await.is_ok() && other.who().await.is_ok());
    }
    Ok(())
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let (mut here, mut there) = (office.browser(), office.browser());
        here.sign_in("wang.fang", PASSWORD).await?;
        there.sign_in("wang.fang", PASSWORD).await?;
        let mut accounts = office.accounts.clone();
        let change = |old: &str, new: &str| v1::ChangePasswordRequest {
            old_password: old.to_owned(),
            new_password: new.to_owned(),
        };
        let new = "another long sentence";
        assert_eq!(reason(accounts.change_password(here.of(change("wrong", new)).await?).await), "SIGN_IN_REFUSED");
        let weak = accounts.change_password(here.of(change(PASSWORD, "password1234")).await?).await;
        assert_eq!(reason(weak), "WEAK_PASSWORD");
        accounts.change_password(here.of(change(PASSWORD, new)).await?).await?;
        assert!(here.who().await.is_ok() && there.who().await.is_err());
        assert_eq!(there.sign_in("wang.fang", PASSWORD).await?.reason(), "SIGN_IN_REFUSED");
        assert_eq!(there.sign_in("wang.fang", new).await?.status, StatusCode::OK);
    }
    Ok(())
}

#[tokio::test]
async fn what_one_copy_takes_away_is_gone_in_all_when_they_hear_of_it() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let id = office.person_as("wang.fang", Role::GridWorker).await?;
        let copy = office.another_copy(json!({}))?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        let ask = crate::office::parts(&Method::GET, "/v1/incidents", browser.headers());
        let who = || copy.authenticate(&ask, office.clock.now());
        copy.hear().await;
        let mut changes = copy.revoked();
        changes.mark_unchanged();
        let caller = who().await?;
        assert!(copy.still_holds(&ask, &caller).await);
        office.grant(id, Role::Dispatcher).await?;
        copy.hear().await;
        assert!(changes.has_changed()?, "open streams are told");
        assert_eq!(who().await?.principal.grants.len(), 2);
        assert!(!copy.still_holds(&ask, &caller).await);
        browser.post("/auth/sign-out", json!({})).await?;
        copy.hear().await;
        assert_eq!(who().await, Err(Refused::NotValid));
    }
    Ok(())
}

#[tokio::test]
async fn services_are_told_for_a_minute_who_calls() -> Result<()> {
    let office = Office::sqlite(json!({})).await?;
    let id = office.person_as("wang.fang", Role::GridWorker).await?;
    let mut browser = office.browser();
    browser.sign_in("wang.fang", PASSWORD).await?;
    let caller = browser.who().await?;
    let token = office.identity.internal_token(&caller).context("a token")?;
    let principal = office.verifier.verify(&token)?;
    assert_eq!(principal, caller.principal);
    assert_eq!(principal.subject, id.to_string());
    assert_eq!(office.identity.internal_token(&caller).as_ref(), Some(&token), "the same for a while");
    let mut more = caller.clone();
    more.principal.grants.clear();
    let other = office.identity.internal_token(&more).context("a token")?;
    assert_eq!(office.verifier.verify(&other)?.grants, [], "never with rights that were taken away");
    office.pass(91);
    assert!(office.verifier.verify(&token).is_err(), "a minute, and the clocks' leeway");
    let nobody = office.who(&Method::GET, "/", http::HeaderMap::new()).await?;
    assert_eq!(office.identity.internal_token(&nobody), None);
    Ok(())
}
