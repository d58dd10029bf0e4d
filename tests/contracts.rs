//! What the contracts promise of every method, asked of the running program.

mod door;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use chassis::{
    access::{Grant, Principal, SigningKey, TokenSigner},
    data::{Clock, Ids},
};
use chrono::{TimeDelta, Utc};
use linju_proto::{
    METHODS, Method,
    common::v1::{Cover, Role, Scope},
};
use prost_reflect::DescriptorPool;
use tonic::{Code, Request, Status, transport::Channel};

use crate::ground::{House, Install, RawCodec, Who, reason};

const ROLES: std::ops::RangeInclusive<i32> = 1..=15;

fn code(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

fn role(number: i32) -> Result<Role> {
    Ok(Role::try_from(number)?)
}

/// One line a method, one column a role: who may call what, in which scope, for which purposes, and whether again. `mark`
/// says what stands for a role at a method.
fn matrix(mark: impl Fn(&Method, i32) -> &'static str) -> Result<String> {
    let mut table = Vec::new();
    for number in ROLES {
        table.push(format!("{number:>2} {}", code(role(number)?.as_str_name(), "ROLE_")));
    }
    let columns: Vec<String> = ROLES.map(|number| format!("{number:>2}")).collect();
    table.push(format!("\n{:<34} {} scope   again purposes", "method", columns.join(" ")));
    for method in METHODS {
        let marks: Vec<String> = ROLES.map(|role| format!(" {}", mark(method, role))).collect();
        let scope = code(Scope::try_from(method.scope)?.as_str_name(), "SCOPE_");
        let purposes: Vec<_> = method.purposes.iter().filter_map(|p| chassis::access::purpose_code(*p)).collect();
        let again = if method.retry_safe { "yes" } else { "no" };
        let line = format!("{:<34} {} {scope:<7} {again:<5} {}", name(method), marks.join(" "), purposes.join(" "));
        table.push(line.trim_end().to_owned());
    }
    Ok(table.join("\n"))
}

/// `ResidentService/GetResident`
fn name(method: &Method) -> &str {
    method.path.rsplit_once('.').map_or(method.path, |(_, name)| name)
}

/// Whether it asks for no role: anybody may call it, or whoever is signed in.
fn asks_no_role(method: &Method) -> bool {
    [Scope::Public as i32, Scope::Account as i32].contains(&method.scope)
}

/// What the contract says of a role: named, let in all the same, or refused.
fn promised(method: &Method, role: i32) -> &'static str {
    match (method.roles.contains(&role), asks_no_role(method)) {
        (true, _) => "+",
        (false, true) => "o",
        (false, false) => ".",
    }
}

#[test]
fn the_access_matrix() -> Result<()> {
    insta::assert_snapshot!(matrix(promised)?);
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

/// What a call came to, as far as the access layer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    NotSignedIn,
    NotAllowed,
    /// It has passed; what an empty request then gets.
    LetIn(String),
}

/// Reads a status. What shows a fault of ours, or that nobody serves the method, is neither.
fn fate(status: &Status) -> Result<Fate> {
    let said = format!("{:?} {}", status.code(), reason(status));
    match (status.code(), reason(status).as_str()) {
        (Code::Unauthenticated, "NOT_SIGNED_IN") => Ok(Fate::NotSignedIn),
        (Code::PermissionDenied, "ROLE_NOT_ALLOWED") => Ok(Fate::NotAllowed),
        (Code::Ok | Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition, _)
        | (Code::PermissionDenied, "PURPOSE_NEEDED" | "SESSION_NEEDED")
        | (Code::Unauthenticated, "SIGN_IN_REFUSED") => Ok(Fate::LetIn(said.trim_end().to_owned())),
        _ => bail!("{status:?}"),
    }
}

/// Each method with nobody and with every role: refused by the contract's word, and otherwise really served. What an empty
/// request then gets is kept, so that a refusal that only looks like being let in shows.
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
    let mut served = Vec::new();
    for method in METHODS {
        let nobody = fate(&call(&channel, method.path, None).await?).context(method.path)?;
        let public = method.scope == Scope::Public as i32;
        assert_eq!(nobody != Fate::NotSignedIn, public, "{} without a token: {nobody:?}", method.path);
        let mut outcomes = BTreeSet::new();
        for (number, here, everywhere) in &tokens {
            let whole = method.scope == Scope::All as i32;
            let token = if whole { everywhere } else { here };
            let what = format!("{} as {:?}", method.path, role(*number)?);
            match fate(&call(&channel, method.path, Some(token)).await?).with_context(|| what.clone())? {
                Fate::LetIn(outcome) if promised(method, *number) != "." => outcomes.extend([outcome]),
                Fate::NotAllowed if promised(method, *number) == "." => {}
                other => bail!("{what}: {other:?}"),
            }
            if whole {
                let somewhere = fate(&call(&channel, method.path, Some(here)).await?).with_context(|| what.clone())?;
                assert_eq!(somewhere, Fate::NotAllowed, "{what}, held in one place only");
            }
        }
        served.push(format!("{:<40} {}", name(method), outcomes.into_iter().collect::<Vec<_>>().join(", ")));
    }
    insta::assert_snapshot!("what_an_empty_request_gets", served.join("\n"));
    let status = call(&channel, "/linju.residents.v1.ResidentService/DropResidents", Some(&tokens[0].1)).await?;
    assert_eq!(status.code(), Code::Unimplemented);
    house.close().await?;
    Ok(())
}

/// Whoever acts by mandate gets to what the contract says a mandate may cover, and to what is public; the holder's own
/// account is not the person's.
#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_opens_what_it_covers() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let channel = house.residents.channel().await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let person = Ids::random().next();
    for cover in [Cover::See, Cover::Correct, Cover::Report] {
        let here = Grant::new(Role::Resident, Some(vec!["511903001".parse()?]));
        let grants = vec![Grant { persons: vec![person], covers: Some(vec![cover]), ..here }];
        let principal = Principal { subject: "u-1".to_owned(), on_behalf: Some(person.to_string()), grants };
        let token = TokenSigner::new(&key, Clock::system()).sign(&principal, TimeDelta::minutes(5))?;
        for method in METHODS {
            let status = call(&channel, method.path, Some(&format!("Bearer {token}"))).await?;
            let what = format!("{} by {cover:?}: {status:?}", method.path);
            if method.scope == Scope::Account as i32 {
                assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "NO_MANDATE"), "{what}");
                continue;
            }
            let opens = method.scope == Scope::Public as i32 || method.cover == cover as i32;
            assert_eq!(matches!(fate(&status).context(what.clone())?, Fate::LetIn(_)), opens, "{what}");
        }
    }
    house.close().await?;
    Ok(())
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
        let served = fate(&call(&channel, method.path, Some(&format!("Bearer {good}"))).await?)?;
        assert!(matches!(served, Fate::LetIn(_)), "{}: {served:?}", method.path);
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
