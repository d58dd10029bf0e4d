//! First start, invitations, sign-in, guessing, and what administrators do.

use anyhow::{Context as _, Result};
use chassis::access::Role;
use http::StatusCode;
use linju_gateway::identity::AccountName;
use linju_proto::gateway::v1;
use serde_json::json;
use tonic::Code;

use crate::office::{Office, PASSWORD, reason};

#[tokio::test]
async fn the_first_start_makes_one_administrator_with_a_password_for_once() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let first = office.identity.first_start().await?.context("an account")?;
        assert_eq!(first.password.expose().replace('-', "").len(), 26, "128 bits");
        assert!(office.identity.first_start().await?.is_none(), "once");
        let mut browser = office.browser();
        let answer = browser.sign_in("admin", first.password.expose()).await?;
        assert_eq!((answer.status, answer.reason()), (StatusCode::BAD_REQUEST, "PASSWORD_CHANGE_NEEDED"));
        let old = first.password.expose();
        let same = json!({ "name": "admin", "password": old, "new_password": old });
        assert_eq!(browser.post("/auth/sign-in", same).await?.reason(), "WEAK_PASSWORD");
        let body = json!({ "name": "admin", "password": old, "new_password": PASSWORD });
        assert_eq!(browser.post("/auth/sign-in", body).await?.status, StatusCode::OK);
        let caller = browser.who().await?;
        assert_eq!(caller.principal.grants.iter().map(|g| g.role).collect::<Vec<_>>(), [Role::SecurityAdmin]);
        let again = office.browser().sign_in("admin", first.password.expose()).await?;
        assert_eq!(again.reason(), "SIGN_IN_REFUSED", "it served once");
    }
    Ok(())
}

#[tokio::test]
async fn an_invitation_serves_once_and_not_for_ever() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let console = office.identity.console();
        let invited = console.invite(AccountName::new("wang.fang")?).await?;
        assert_eq!(invited.code.replace('-', "").len(), 26, "128 bits");
        assert!(console.invite(AccountName::new("WANG.FANG")?).await.is_err(), "the name is taken");
        let take = |code: &str, password: &str| json!({ "invitation": code, "new_password": password });
        let mut browser = office.browser();
        let weak = browser.post("/auth/sign-in", take(&invited.code, "wang.fang2026")).await?;
        assert_eq!((weak.status, weak.reason()), (StatusCode::BAD_REQUEST, "WEAK_PASSWORD"));
        let typed = invited.code.to_lowercase().replace('-', " ");
        assert_eq!(browser.post("/auth/sign-in", take(&typed, PASSWORD)).await?.status, StatusCode::OK);
        let again = office.browser().post("/auth/sign-in", take(&invited.code, PASSWORD)).await?;
        assert_eq!((again.status, again.reason()), (StatusCode::UNAUTHORIZED, "CODE_NOT_VALID"));

        let late = console.invite(AccountName::new("li.na")?).await?;
        office.pass(3 * 24 * 3600);
        let answer = office.browser().post("/auth/sign-in", take(&late.code, PASSWORD)).await?;
        assert_eq!(answer.reason(), "CODE_NOT_VALID");
    }
    Ok(())
}

#[tokio::test]
async fn unknown_locked_and_invited_accounts_are_refused_alike() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        office.person("locked").await?;
        let console = office.identity.console();
        console.set_locked(&AccountName::new("locked")?, true).await?;
        console.invite(AccountName::new("invited")?).await?;
        let wrong = office.browser().sign_in("wang.fang", "wrong but long enough").await?;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        for (name, password) in [("locked", PASSWORD), ("invited", PASSWORD), ("nobody", PASSWORD), ("'; --", PASSWORD)]
        {
            let answer = office.browser().sign_in(name, password).await?;
            assert_eq!((answer.status, &answer.body), (wrong.status, &wrong.body), "{name}");
        }
        let denied = office.audited().await?.iter().filter(|line| line.starts_with("nobody sign_in denied")).count();
        assert_eq!(denied, 5, "each is in the audit log");
    }
    Ok(())
}

#[tokio::test]
async fn guessing_slows_down_and_never_locks_the_owner_out() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut owner = office.browser_at("198.51.100.7");
        assert_eq!(owner.sign_in("wang.fang", PASSWORD).await?.status, StatusCode::OK);
        owner.post("/auth/sign-out", json!({})).await?;

        let mut refused = None;
        for n in 0..50 {
            let answer = office.browser_at("203.0.113.5").sign_in("wang.fang", &format!("guess number {n}")).await?;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                refused.get_or_insert((n, answer));
            }
        }
        let (after, answer) = refused.context("guessing is stopped")?;
        assert_eq!((after, answer.reason()), (5, "TOO_MANY_TRIES"));
        assert_eq!(answer.headers.get("retry-after").context("a header")?, "1");

        // From many addresses: each has its own counter, and the account's own slows them all.
        let mut slowed = 0;
        for n in 0..40 {
            let address = format!("203.0.113.{}", 100 + n);
            let answer = office.browser_at(&address).sign_in("wang.fang", "one guess of many").await?;
            slowed += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert!(slowed >= 30, "{slowed}");
        let stranger = office.browser_at("198.51.100.8").sign_in("wang.fang", PASSWORD).await?;
        assert_eq!(
            stranger.status,
            StatusCode::TOO_MANY_REQUESTS,
            "also with the right password, from an unknown place"
        );
        assert_eq!(owner.sign_in("wang.fang", PASSWORD).await?.status, StatusCode::OK, "the known browser gets in");
        office.pass(30);
        let stranger = office.browser_at("198.51.100.8").sign_in("wang.fang", PASSWORD).await?;
        assert_eq!(stranger.status, StatusCode::OK, "and the others after half a minute");
    }
    Ok(())
}

#[tokio::test]
async fn an_attack_spread_over_accounts_is_stopped_by_its_address() -> Result<()> {
    for office in Office::both(json!({})).await? {
        office.person("wang.fang").await?;
        let mut stopped = 0;
        for n in 0..50 {
            let name = if n == 30 { "wang.fang".to_owned() } else { format!("person-{n}") };
            let answer = office.browser_at("2001:db8:1:2::7").sign_in(&name, "the same guess for all").await?;
            stopped += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(stopped, 30, "twenty are free, then it waits");
        let neighbour =
            office.browser_at("2001:db8:1:2:ffff::9").sign_in("person-99", "a guess from next door").await?;
        assert_eq!(neighbour.status, StatusCode::TOO_MANY_REQUESTS, "one house, one address");
        let other = office.browser_at("2001:db8:1:3::7").sign_in("wang.fang", PASSWORD).await?;
        assert_eq!(other.status, StatusCode::OK);
    }
    Ok(())
}

#[tokio::test]
async fn a_device_of_one_account_opens_no_door_to_another() -> Result<()> {
    let office = Office::sqlite(json!({})).await?;
    office.person("wang.fang").await?;
    office.person("mallory").await?;
    let mut attacker = office.browser_at("203.0.113.5");
    assert_eq!(attacker.sign_in("mallory", PASSWORD).await?.status, StatusCode::OK);
    let mut tried = 0;
    for n in 0..20 {
        let answer = attacker.sign_in("wang.fang", &format!("guess number {n}")).await?;
        tried += usize::from(answer.status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(tried, 5, "its device is unknown to the account");
    Ok(())
}

#[tokio::test]
async fn administrators_invite_lock_and_reset_but_not_themselves() -> Result<()> {
    for office in Office::both(json!({})).await? {
        let admin = office.person_as("admin", Role::SecurityAdmin).await?;
        let worker = office.person_as("worker", Role::GridWorker).await?;
        let (mut boss, mut mate) = (office.browser(), office.browser());
        boss.sign_in("admin", PASSWORD).await?;
        mate.sign_in("worker", PASSWORD).await?;
        let mut accounts = office.accounts.clone();

        let invite = v1::InviteAccountRequest { name: "new.one".to_owned() };
        assert_eq!(reason(accounts.invite_account(mate.of(invite.clone()).await?).await), "ROLE_NOT_ALLOWED");
        let code = accounts.invite_account(boss.of(invite.clone()).await?).await?.into_inner();
        assert_eq!(code.account.context("an account")?.state(), v1::account::State::Invited);
        assert_eq!(reason(accounts.invite_account(boss.of(invite).await?).await), "NAME_TAKEN");

        let own = v1::LockAccountRequest { id: admin.to_string() };
        assert_eq!(reason(accounts.lock_account(boss.of(own).await?).await), "NOT_YOURSELF");
        let lock = v1::LockAccountRequest { id: worker.to_string() };
        accounts.lock_account(boss.of(lock).await?).await?;
        assert!(mate.who().await.is_err(), "at once");
        let unlock = v1::UnlockAccountRequest { id: worker.to_string() };
        let account = accounts.unlock_account(boss.of(unlock).await?).await?.into_inner();
        assert_eq!(account.state(), v1::account::State::Active);
        assert!(mate.who().await.is_err(), "what was ended stays ended");
        assert_eq!(mate.sign_in("worker", PASSWORD).await?.status, StatusCode::OK);

        let reset = v1::ResetAccountRequest { id: worker.to_string(), remove_second_factor: false };
        let code = accounts.reset_account(boss.of(reset).await?).await?.into_inner();
        assert!(mate.who().await.is_err());
        assert_eq!(mate.sign_in("worker", PASSWORD).await?.reason(), "SIGN_IN_REFUSED");
        let body = json!({ "invitation": code.code, "new_password": "another long sentence" });
        assert_eq!(mate.post("/auth/sign-in", body).await?.status, StatusCode::OK);

        let list = v1::ListAccountsRequest { page_size: 2, page_token: String::new() };
        let page = accounts.list_accounts(boss.of(list).await?).await?.into_inner();
        assert_eq!(page.accounts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["admin", "worker"]);
        let list = v1::ListAccountsRequest { page_size: 2, page_token: page.next_page_token };
        let page = accounts.list_accounts(boss.of(list).await?).await?.into_inner();
        assert_eq!(page.accounts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["new.one"]);
        assert_eq!(page.next_page_token, "");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_that_signs_in_lies_in_the_database() -> Result<()> {
    let office = Office::sqlite(json!({})).await?;
    office.person("wang.fang").await?;
    let mut browser = office.browser();
    browser.sign_in("wang.fang", PASSWORD).await?;
    let secrets = browser.cookies.values().cloned().chain([PASSWORD.to_owned(), "wang.fang".to_owned()]);
    let path = office.rows("SELECT file FROM pragma_database_list WHERE name = 'main'").await?;
    let file = path.first().context("a path")?;
    let bytes = [std::fs::read(file)?, std::fs::read(format!("{file}-wal"))?].concat();
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    Ok(())
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_so() -> Result<()> {
    let office = Office::sqlite(json!({})).await?;
    let mut accounts = office.accounts.clone();
    let status = accounts.get_me(v1::GetMeRequest {}).await.expect_err("nobody");
    assert_eq!((status.code(), reason::<()>(Err(status))), (Code::Unauthenticated, "NOT_SIGNED_IN".to_owned()));
    Ok(())
}
