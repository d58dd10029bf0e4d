//! Whoever walks the register meets a quota, and what was taken away is gone from tokens that are out.

use anyhow::{Context as _, Result, ensure};
use linju_proto::common::v1::Role;
use serde_json::{Value, json};

use crate::ground::{Desk, House, Install};

const AREA: &str = "511903001";

/// A whole program with people in its register.
async fn house(reading: u32) -> Result<(House, Desk)> {
    let install = Install::embedded()?
        .with("service.gateway.door.rates.reading.calls", reading)
        .with("service.gateway.door.rates.reading.seconds", 3_600);
    let made = install.run(&["demo", "--residents", "300"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let house = House::open(install).await?;
    let desk = Desk::open(&house.install, &house.residents).await?;
    Ok((house, desk))
}

/// Bytes of people's records are counted for each caller; with the quota used up nothing personal is read, masked or not,
/// while everything else goes on, and so does everybody else.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_walks_the_register_is_stopped() -> Result<()> {
    let (house, desk) = house(20_000).await?;
    let walker = desk.person("worker.one", Role::CommunityManager, AREA).await?.token;
    let other = desk.person("worker.two", Role::CommunityManager, AREA).await?.token;
    let mut path = format!("/v1/residents?areaCode={AREA}&pageSize=20");
    let mut read = 0;
    let refused = loop {
        let reply = desk.get(&path, &walker).await?;
        if reply.status != 200 {
            break reply;
        }
        read += reply.body["residents"].as_array().context("residents")?.len();
        let next = reply.body["nextPageToken"].as_str().filter(|next| !next.is_empty()).context("all were read")?;
        path = format!("/v1/residents?areaCode={AREA}&pageSize=20&pageToken={next}");
    };
    assert_eq!(refused.status, 429, "{refused:?}");
    ensure!(refused.head.to_ascii_lowercase().contains("\r\nretry-after: "), "{}", refused.head);
    ensure!((20..300).contains(&read), "{read}");
    // A new session of the same person has no new quota.
    let again = desk.sign_in("worker.one").await?;
    let again = again["access_token"].as_str().context("a token")?;
    assert_eq!(desk.get(&path, again).await?.status, 429);
    assert_eq!(desk.get("/v1/areas", &walker).await?.status, 200, "what is not personal goes on");
    assert_eq!(desk.get(&path, &other).await?.status, 200, "others go on");
    ensure!(house.install.logs()?.contains("too much was read"), "somebody learns of it");
    house.close().await?;
    Ok(())
}

/// A role that was taken away, a personal token that was revoked, an account that was locked: the very next call knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_away_is_gone_from_tokens_that_are_out() -> Result<()> {
    let (house, desk) = house(0).await?;
    let person = desk.invite("worker.one").await?;
    let grant = desk.grant(&person, Role::GridWorker, AREA, json!({})).await?;
    let path = format!("/v1/residents?areaCode={AREA}");
    let made = json!({ "label": "a report", "roles": ["ROLE_GRID_WORKER"], "validDays": 1 });
    let made: Value = desk.post("/v1/me/tokens", &person.token, &made).await?.good()?;
    let program = made["secret"].as_str().context("a secret")?.to_owned();
    let token = made["token"]["id"].as_str().context("an id")?;
    for used in [&person.token, &program] {
        assert_eq!(desk.get(&path, used).await?.status, 200);
    }
    let revoked = desk.send("DELETE", &format!("/v1/me/tokens/{token}"), (&person.token, &[]), None).await?;
    assert_eq!((revoked.status, desk.get(&path, &program).await?.status), (200, 401));

    let revoke = json!({ "reason": "another grid" });
    desk.post(&format!("/v1/grants/{grant}:revoke"), &desk.admin, &revoke).await?.good()?;
    let refused = desk.get(&path, &person.token).await?;
    assert_eq!((refused.status, refused.reason()), (403, "ROLE_NOT_ALLOWED"));
    assert_eq!(desk.get("/v1/me", &person.token).await?.status, 200, "still signed in");

    let lock = format!("/v1/accounts/{}:lock", person.account);
    desk.post(&lock, &desk.admin, &json!({})).await?.good()?;
    assert_eq!(desk.get("/v1/me", &person.token).await?.status, 401);
    house.close().await?;
    Ok(())
}
