//! What the contracts promise of every method, asked of the running program.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use chassis::{access::SigningKey, data::Clock};
use chrono::{TimeDelta, Utc};
use linju_proto::{
    METHODS, Method,
    common::v1::{Role, Scope},
};
use prost_reflect::DescriptorPool;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};

use crate::ground::{House, Install, RawCodec, Who, reason};

const ROLES: std::ops::RangeInclusive<i32> = 1..=15;

fn code(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

fn role(number: i32) -> Result<Role> {
    Ok(Role::try_from(number)?)
}

/// One line a method, one column a role: who may call what, in which scope, for which purposes, and whether again.
#[test]
fn the_access_matrix() -> Result<()> {
    let mut table = Vec::new();
    for number in ROLES {
        table.push(format!("{number:>2} {}", code(role(number)?.as_str_name(), "ROLE_")));
    }
    let columns: Vec<String> = ROLES.map(|number| format!("{number:>2}")).collect();
    table.push(format!("\n{:<34} {} scope  again purposes", "method", columns.join(" ")));
    for method in METHODS {
        let public = method.scope == Scope::Public as i32;
        // Anyone may call what is public; a role that is named there sees more.
        let others = if public { " o" } else { " ." };
        let marks: Vec<&str> = ROLES.map(|role| if method.roles.contains(&role) { " +" } else { others }).collect();
        let name = method.path.trim_start_matches("/linju.").replace(".v1.", ".");
        let name = name.rsplit_once('.').map_or(name.as_str(), |(_, name)| name);
        let scope = code(Scope::try_from(method.scope)?.as_str_name(), "SCOPE_");
        let purposes: Vec<_> = method.purposes.iter().filter_map(|p| chassis::access::purpose_code(*p)).collect();
        let again = if method.retry_safe { "yes" } else { "no" };
        let line = format!("{name:<34} {} {scope:<6} {again:<5} {}", marks.join(" "), purposes.join(" "));
        table.push(line.trim_end().to_owned());
    }
    insta::assert_snapshot!(table.join("\n"));
    Ok(())
}

/// The methods that the access layer knows are those of the descriptors: none is forgotten, none invented.
#[test]
fn every_method_of_the_descriptors_has_a_contract() -> Result<()> {
    let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS)?;
    let services = pool.services().filter(|service| service.full_name().starts_with("linju."));
    let described: BTreeSet<String> = services
        .flat_map(|service| {
            let methods = service.methods().map(|m| format!("/{}/{}", service.full_name(), m.name()));
            methods.collect::<Vec<_>>()
        })
        .collect();
    let known: BTreeSet<String> = METHODS.iter().map(|method| method.path.to_owned()).collect();
    assert_eq!(known, described);
    assert!(known.len() >= 34, "{}", known.len());
    Ok(())
}

async fn call(channel: &Channel, path: &'static str, token: Option<&str>) -> Result<Status> {
    let mut request = Request::new(Vec::new());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", token.parse()?);
    }
    Ok(RawCodec::call(channel, path, request).await.err().unwrap_or_else(|| Status::ok("")))
}

/// Each method with nobody and with every role: refused by the contract's word, and otherwise really served.
#[tokio::test(flavor = "multi_thread")]
async fn every_method_lets_in_whom_the_contract_names() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let channel = house.residents.channel().await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let mut tokens = Vec::new();
    for number in ROLES {
        let token = |who: Who| Ok::<_, anyhow::Error>(format!("Bearer {}", who.token(&key, Clock::system())?));
        let here = token(Who::new("u-1", role(number)?, "511903001"))?;
        tokens.push((number, here, token(Who::everywhere("u-1", role(number)?))?));
    }
    for method in METHODS {
        let public = method.scope == Scope::Public as i32;
        let status = call(&channel, method.path, None).await?;
        // One's own account needs a session or a token of one's own, which the service itself asks for.
        let own_account = public && method.path.starts_with("/linju.gateway.v1.AccountService/");
        if own_account {
            let refused = [Code::Unauthenticated, Code::InvalidArgument].contains(&status.code());
            assert!(refused, "{} without a session: {status:?}", method.path);
        } else {
            assert_eq!(is_served(&status), public, "{} without a token: {status:?}", method.path);
        }
        if !public {
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "NOT_SIGNED_IN"));
        }
        for (number, here, everywhere) in &tokens {
            let token = if method.scope == Scope::All as i32 { everywhere } else { here };
            let status = call(&channel, method.path, Some(token)).await?;
            let what = format!("{} as {:?}: {status:?}", method.path, role(*number)?);
            if own_account {
                assert_ne!(status.code(), Code::Unimplemented, "{what}");
            } else if public || method.roles.contains(number) {
                assert!(is_served(&status), "{what}");
            } else {
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::PermissionDenied, "ROLE_NOT_ALLOWED"),
                    "{what}"
                );
            }
        }
    }
    let status = call(&channel, "/linju.residents.v1.ResidentService/DropResidents", Some(&tokens[0].1)).await?;
    assert_eq!(status.code(), Code::Unimplemented);
    house.close().await?;
    Ok(())
}

/// At the door a token of the inside is worth nothing, and nobody gets further than to what is public.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_further_through_the_door() -> Result<()> {
    let install = Install::embedded()?
        .with("service.gateway.door.rates.anonymous.calls", 0)
        .with("service.gateway.door.rates.anonymous.seconds", 1);
    let house = House::open(install).await?;
    let channel = Endpoint::from_shared(format!("http://{}", house.residents.door()?))?.connect().await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let inside = Who::new("u-1", Role::CommunityManager, "511903001").token(&key, Clock::system())?;
    for method in METHODS {
        let public = method.scope == Scope::Public as i32;
        let status = call(&channel, method.path, None).await?;
        // Methods about oneself name no role, and ask who that is.
        let of_somebody = method.path.starts_with("/linju.gateway.") && status.code() == Code::Unauthenticated;
        assert!(is_served(&status) == public || of_somebody, "{} without a token: {status:?}", method.path);
        let status = call(&channel, method.path, Some(&format!("Bearer {inside}"))).await?;
        assert_eq!(status.code(), Code::Unauthenticated, "{} with a service's token: {status:?}", method.path);
    }
    house.close().await?;
    Ok(())
}

/// The call has passed the access layer: an empty request is answered, or refused for what it or its caller lacks.
fn is_served(status: &Status) -> bool {
    match status.code() {
        Code::Ok | Code::InvalidArgument | Code::FailedPrecondition => true,
        Code::PermissionDenied => reason(status) == "PURPOSE_NEEDED",
        _ => false,
    }
}

/// `{"alg":"none","typ":"linju+jwt","kid":"1"}`
const ALG_NONE: &str = "eyJhbGciOiJub25lIiwidHlwIjoibGluanUrand0Iiwia2lkIjoiMSJ9";

/// Expired, not yet valid, unsigned, signed by somebody else, cut, empty, of another scheme.
#[tokio::test(flavor = "multi_thread")]
async fn no_wrong_token_is_taken() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let channel = house.residents.channel().await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let other = SigningKey::new_to_file(&house.install.folder().join("other.pem"))?;
    let who = Who::new("u-1", Role::CommunityManager, "511903001");
    let good = who.token(&key, Clock::system())?;
    let claims = good.split('.').nth(1).context("claims")?;
    #[expect(clippy::disallowed_methods, reason = "the program in the other process has the machine's clock")]
    let now = Utc::now();
    let at = |minutes| who.token(&key, Clock::fixed(now + TimeDelta::minutes(minutes)));
    let wrong = [
        ("expired", format!("Bearer {}", at(-60)?)),
        ("not yet valid", format!("Bearer {}", at(60)?)),
        ("alg none", format!("Bearer {ALG_NONE}.{claims}.")),
        ("of another key", format!("Bearer {}", who.token(&other, Clock::system())?)),
        ("cut", format!("Bearer {}", &good[..good.len() - 4])),
        ("empty", "Bearer ".to_owned()),
        ("basic", "Basic dTpw".to_owned()),
        ("bare", good.clone()),
    ];
    for method in METHODS.iter().filter(|m| m.path.ends_with("/GetResident") || m.path.ends_with("/ListAreas")) {
        for (what, token) in &wrong {
            let status = call(&channel, method.path, Some(token)).await?;
            assert_eq!(status.code(), Code::Unauthenticated, "{what} at {}: {status:?}", method.path);
            assert!(!status.message().contains(claims), "{what}: a refusal repeats no token");
        }
        assert!(is_served(&call(&channel, method.path, Some(&format!("Bearer {good}"))).await?));
    }
    house.close().await?;
    Ok(())
}

/// A purpose that the method or the caller's role does not have is refused before anything is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_purpose_must_fit_method_and_role() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let channel = house.residents.channel().await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let auditor = Who::new("u-1", Role::Auditor, "511903001").token(&key, Clock::system())?;
    let worker = Who::new("u-2", Role::GridWorker, "511903001").token(&key, Clock::system())?;
    let get = method("/GetResident")?;
    for (token, purpose, taken) in [
        (&auditor, "home_visit", false),
        (&worker, "home_visit", true),
        (&worker, "own_matter", false),
        (&worker, "curiosity", false),
        (&worker, "", false),
    ] {
        let mut request = Request::new(Vec::new());
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        request.metadata_mut().insert("linju-purpose", purpose.parse()?);
        let status = RawCodec::call(&channel, get.path, request).await.err().context("an empty request is refused")?;
        let wanted = if taken { Code::InvalidArgument } else { Code::PermissionDenied };
        assert_eq!(status.code(), wanted, "{purpose:?}: {status:?}");
    }
    house.close().await?;
    Ok(())
}

fn method(name: &str) -> Result<&'static Method> {
    METHODS.iter().find(|method| method.path.ends_with(name)).context("a method")
}
