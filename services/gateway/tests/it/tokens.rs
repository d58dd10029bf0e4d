//! Tokens of apps and programs.

use anyhow::{Context as _, Result};
use chassis::access::Role;
use http::{HeaderMap, Method, StatusCode, header};
use linju_gateway::identity::{AccountName, Credential, Refused};
use linju_proto::gateway::v1;
use serde_json::{Value, json};

use crate::office::{AREA, Answer, Office, PASSWORD, reason};

async fn tokens(office: &Office, body: Value) -> Result<Answer> {
    office.browser().post("/auth/token", body).await
}

fn password(name: &str) -> Value {
    json!({ "grant_type": "password", "name": name, "password": PASSWORD, "label": "patrol app" })
}

fn refresh(token: &str) -> Value {
    json!({ "grant_type": "refresh_token", "refresh_token": token })
}

#[tokio::test]
async fn an_app_has_short_tokens_and_gets_the_next() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let id = office.person_as("wang.fang", Role::GridWorker).await?;
        let first = tokens(&office, password("wang.fang")).await?;
        assert_eq!((first.status, first.body["expires_in"].as_i64()), (StatusCode::OK, Some(600)));
        let caller = office.bearer(&first.text("access_token")).await?;
        assert_eq!(caller.principal.subject, id.to_string());
        assert!(matches!(caller.credential, Credential::Access(_)));
        office.pass(600);
        assert_eq!(office.bearer(&first.text("access_token")).await, Err(Refused::NotValid));
        let second = tokens(&office, refresh(&first.text("refresh_token"))).await?;
        let again = office.bearer(&second.text("access_token")).await?;
        assert_eq!(again.credential, caller.credential, "the same session");
        office.pass(31 * 24 * 3600);
        let late = tokens(&office, refresh(&second.text("refresh_token"))).await?;
        assert_eq!((late.status, late.reason()), (StatusCode::UNAUTHORIZED, "SIGN_IN_AGAIN"));
    }
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_its_whole_family() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let stolen = tokens(&office, password("wang.fang")).await?;
        let other = tokens(&office, password("wang.fang")).await?;
        let owner = tokens(&office, refresh(&stolen.text("refresh_token"))).await?;
        assert!(office.bearer(&owner.text("access_token")).await.is_ok());
        let thief = tokens(&office, refresh(&stolen.text("refresh_token"))).await?;
        assert_eq!(thief.reason(), "SIGN_IN_AGAIN");
        assert_eq!(office.bearer(&owner.text("access_token")).await, Err(Refused::NotValid));
        assert_eq!(tokens(&office, refresh(&owner.text("refresh_token"))).await?.reason(), "SIGN_IN_AGAIN");
        assert!(office.bearer(&other.text("access_token")).await.is_ok(), "another session of the same account stays");
        assert!(office.audited().await?.iter().any(|line| line.contains("session refresh_token_replayed")));
    }
    Ok(())
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins_and_the_family_ends() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let first = tokens(&office, password("wang.fang")).await?;
        let token = first.text("refresh_token");
        let (a, b) = tokio::join!(tokens(&office, refresh(&token)), tokens(&office, refresh(&token)));
        let (a, b) = (a?, b?);
        let won = [&a, &b].into_iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert_eq!(won, 1);
        let winner = if a.status == StatusCode::OK { a } else { b };
        assert_eq!(office.bearer(&winner.text("access_token")).await, Err(Refused::NotValid));
    }
    Ok(())
}

#[tokio::test]
async fn one_kind_of_token_is_never_taken_for_another() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let app = tokens(&office, password("wang.fang")).await?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        let cookie = browser.cookies["linju_session"].clone();
        let caller = browser.who().await?;
        let internal = office.identity.internal_token(&caller).context("a token")?;
        let access = app.text("access_token");
        for wrong in [
            app.text("refresh_token"),
            app.text("device"),
            cookie,
            internal,
            access.to_uppercase(),
            access[..access.len() - 1].to_owned(),
            format!("{access} "),
            "linju_at_".to_owned() + &"0".repeat(72),
            String::new(),
        ] {
            assert_eq!(office.bearer(&wrong).await, Err(Refused::NotValid), "{wrong}");
        }
        for wrong in [&access, &app.text("device")] {
            assert_eq!(tokens(&office, refresh(wrong)).await?.reason(), "SIGN_IN_AGAIN");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("linju_session={access}").parse()?);
        assert_eq!(office.who(&Method::GET, "/", headers).await, Err(Refused::NotValid));
        let mut twice = HeaderMap::new();
        twice.append(header::AUTHORIZATION, format!("Bearer {access}").parse()?);
        twice.append(header::AUTHORIZATION, format!("Bearer {access}").parse()?);
        assert_eq!(office.who(&Method::GET, "/", twice).await, Err(Refused::NotValid));
    }
    Ok(())
}

#[tokio::test]
async fn whoever_holds_a_token_may_end_it() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let app = tokens(&office, password("wang.fang")).await?;
        for token in ["nonsense".to_owned(), app.text("refresh_token"), app.text("refresh_token")] {
            let answer = office.browser().post("/auth/revoke", json!({ "token": token })).await?;
            assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({})));
        }
        assert_eq!(office.bearer(&app.text("access_token")).await, Err(Refused::NotValid));
    }
    Ok(())
}

fn token_for(label: &str, roles: &[Role], areas: &[&str], valid_days: i32) -> v1::CreatePersonalTokenRequest {
    v1::CreatePersonalTokenRequest {
        label: label.to_owned(),
        roles: roles.iter().map(|role| i32::from(*role)).collect(),
        area_codes: areas.iter().map(|area| (*area).to_owned()).collect(),
        valid_days,
    }
}

#[tokio::test]
async fn a_personal_token_has_what_it_was_made_for() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let id = office.person_as("wang.fang", Role::GridWorker).await?;
        office.grant(id, Role::Dispatcher).await?;
        let mut browser = office.browser();
        browser.sign_in("wang.fang", PASSWORD).await?;
        let mut accounts = office.accounts.clone();

        let more = token_for("more", &[Role::GridWorker, Role::Operator], &[], 30);
        assert_eq!(reason(accounts.create_personal_token(browser.of(more).await?).await), "ROLE_NOT_HELD");
        for days in [0, 366] {
            let wrong = token_for("days", &[Role::GridWorker], &[], days);
            assert_eq!(reason(accounts.create_personal_token(browser.of(wrong).await?).await), "INVALID_FIELD");
        }
        let grid = format!("{AREA}002");
        let new = token_for("night export", &[Role::GridWorker], &[&grid], 30);
        let made = accounts.create_personal_token(browser.of(new).await?).await?.into_inner();
        assert!(made.secret.starts_with("linju_pat_"), "scanners know it");
        let caller = office.bearer(&made.secret).await?;
        assert_eq!(caller.principal.subject, id.to_string());
        let grants = &caller.principal.grants;
        assert_eq!(grants.iter().map(|g| g.role).collect::<Vec<_>>(), [Role::GridWorker]);
        assert_eq!(grants[0].areas.as_deref(), Some(&[grid.parse()?][..]));

        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {}", made.secret).parse()?);
        for refused in [
            reason(
                accounts
                    .create_personal_token(
                        office.stamped(headers.clone(), token_for("x", &[Role::GridWorker], &[], 1)).await?,
                    )
                    .await,
            ),
            reason(
                accounts
                    .end_other_sessions(office.stamped(headers.clone(), v1::EndOtherSessionsRequest {}).await?)
                    .await,
            ),
            reason(
                accounts
                    .start_second_factor(
                        office.stamped(headers.clone(), v1::StartSecondFactorRequest::default()).await?,
                    )
                    .await,
            ),
        ] {
            assert_eq!(refused, "SESSION_NEEDED", "a program changes nothing about how its owner signs in");
        }

        let list =
            accounts.list_personal_tokens(browser.of(v1::ListPersonalTokensRequest {}).await?).await?.into_inner();
        assert_eq!(list.tokens.len(), 1);
        assert_eq!(list.tokens[0].label, "night export");
        assert_eq!(list.tokens[0].seen_at.context("a time")?.seconds, office.clock.now().timestamp());
        browser.post("/auth/sign-out", json!({ "everywhere": true })).await?;
        assert!(office.bearer(&made.secret).await.is_ok(), "programs go on when people sign out");
        office.pass(30 * 24 * 3600);
        assert_eq!(office.bearer(&made.secret).await, Err(Refused::NotValid));
    }
    Ok(())
}

#[tokio::test]
async fn a_personal_token_ends_with_its_owner_or_before() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person_as("wang.fang", Role::GridWorker).await?;
        office.person("li.na").await?;
        let (mut browser, mut other) = (office.browser(), office.browser());
        browser.sign_in("wang.fang", PASSWORD).await?;
        other.sign_in("li.na", PASSWORD).await?;
        let mut accounts = office.accounts.clone();
        let mut secrets = Vec::new();
        for label in ["one", "two"] {
            let new = token_for(label, &[Role::GridWorker], &[], 30);
            secrets.push(accounts.create_personal_token(browser.of(new).await?).await?.into_inner());
        }
        let revoke = v1::RevokePersonalTokenRequest { id: secrets[0].token.clone().context("a token")?.id };
        accounts.revoke_personal_token(other.of(revoke.clone()).await?).await?;
        assert!(office.bearer(&secrets[0].secret).await.is_ok(), "it was not hers");
        accounts.revoke_personal_token(browser.of(revoke).await?).await?;
        assert!(office.bearer(&secrets[0].secret).await.is_err() && office.bearer(&secrets[1].secret).await.is_ok());
        office.identity.console().set_locked(&AccountName::new("wang.fang")?, true).await?;
        assert_eq!(office.bearer(&secrets[1].secret).await, Err(Refused::NotValid));
    }
    Ok(())
}

#[tokio::test]
async fn nobody_acts_for_another_without_a_mandate() -> Result<()> {
    let office = Office::sqlite(json!({})).await?;
    office.person_as("wang.fang", Role::GridWorker).await?;
    let mut browser = office.browser();
    browser.sign_in("wang.fang", PASSWORD).await?;
    for person in ["01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11", "nobody", ""] {
        let mut headers = browser.headers();
        headers.insert("linju-on-behalf", person.parse()?);
        assert_eq!(office.who(&Method::GET, "/v1/incidents", headers).await, Err(Refused::NoMandate), "{person}");
    }
    let mut alone = HeaderMap::new();
    alone.insert("linju-on-behalf", "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11".parse()?);
    assert_eq!(office.who(&Method::GET, "/v1/incidents", alone).await, Err(Refused::NoMandate));
    Ok(())
}
