//! The same promises at the door, with accounts, sessions and grants as they are really given.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use chassis::{access::SigningKey, data::Clock};
use futures::future::try_join_all;
use linju_proto::{
    METHODS, Method,
    common::v1::{Role, Scope},
};
use prost_reflect::{DescriptorPool, ExtensionDescriptor};
use serde_json::json;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

use super::{Fate, ROLES, call, fate, matrix, promised, role};
use crate::ground::{Desk, House, Install, Reply, Who};

/// How a method is called over HTTP; every variable of its path is `x`.
struct Rest {
    verb: &'static str,
    path: String,
    has_body: bool,
}

/// The first binding of every method that has one.
fn rests() -> Result<BTreeMap<String, Rest>> {
    let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS)?;
    let http = pool.get_extension_by_name("google.api.http").context("the option")?;
    let mut rests = BTreeMap::new();
    for service in pool.services().filter(|service| service.full_name().starts_with("linju.")) {
        for method in service.methods() {
            if let Some(rest) = rest(&method.options(), &http) {
                rests.insert(format!("/{}/{}", service.full_name(), method.name()), rest);
            }
        }
    }
    Ok(rests)
}

fn rest(options: &prost_reflect::DynamicMessage, http: &ExtensionDescriptor) -> Option<Rest> {
    let rule = options.get_extension(http);
    let rule = rule.as_message()?;
    let text = |name| rule.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    let verbs = [("get", "GET"), ("put", "PUT"), ("post", "POST"), ("delete", "DELETE"), ("patch", "PATCH")];
    let mut found =
        verbs.into_iter().filter_map(|(name, verb)| Some((verb, text(name).filter(|path| !path.is_empty())?)));
    let (verb, template) = found.next_back()?;
    let has_body = text("body").is_some_and(|body| !body.is_empty());
    Some(Rest { verb, path: filled(&template), has_body })
}

/// `/v1/{parent=incidents/*}/x/{id}` -> `/v1/incidents/x/x/x`
fn filled(template: &str) -> String {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, more)) = rest.split_once('{') {
        let (variable, after) = more.split_once('}').unwrap_or((more, ""));
        let pattern = variable.split_once('=').map_or("*", |(_, pattern)| pattern);
        path = path + before + &pattern.replace("**", "x").replace('*', "x");
        rest = after;
    }
    path + rest
}

/// Reads an answer as [`fate`] reads a status.
fn fate_of(reply: &Reply) -> Result<Fate> {
    match (reply.status, reply.reason()) {
        (401, "NOT_SIGNED_IN") => Ok(Fate::NotSignedIn),
        (403, "ROLE_NOT_ALLOWED") => Ok(Fate::NotAllowed),
        (200 | 400, _) | (404, "NOT_FOUND") | (403, "PURPOSE_NEEDED" | "SESSION_NEEDED") | (401, "SIGN_IN_REFUSED") => {
            Ok(Fate::LetIn(format!("{} {}", reply.status, reply.reason())))
        }
        _ => bail!("{reply:?}"),
    }
}

/// The door of a whole program.
struct Door {
    desk: Desk,
    channel: Channel,
    rests: BTreeMap<String, Rest>,
}

impl Door {
    async fn open(house: &House) -> Result<Self> {
        let desk = Desk::open(&house.install, &house.residents).await?;
        let channel = Endpoint::from_shared(format!("http://{}", desk.at))?.connect().await?;
        Ok(Self { desk, channel, rests: rests()? })
    }

    /// An empty call, over HTTP where the method has a path there.
    async fn call(&self, method: &Method, token: &str) -> Result<Fate> {
        let Some(Rest { verb, path, has_body }) = self.rests.get(method.path) else {
            let bearer = Some(format!("Bearer {token}")).filter(|_| !token.is_empty());
            return fate(&call(&self.channel, method.path, bearer.as_deref()).await?);
        };
        let body = has_body.then(|| json!({}));
        fate_of(&self.desk.send(verb, path, (token, &[]), body.as_ref()).await?)
    }
}

/// Every method by every role through the door, with tokens that people got by signing in: it is as the contract says, and
/// so as the kept access matrix says.
#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_through_the_door_to_what_the_contract_says() -> Result<()> {
    let house = House::open(Install::embedded()?).await?;
    let door = Door::open(&house).await?;
    ensure!(door.rests.len() + 2 >= METHODS.len(), "nearly every method has a path: {}", door.rests.len());
    let everywhere = [Role::Operator, Role::SecurityAdmin, Role::Auditor];
    let mut people = Vec::new();
    for number in ROLES {
        let role = role(number)?;
        let area = if everywhere.contains(&role) { "" } else { "511903001" };
        let name = format!("{}-1", chassis::access::role_code(role));
        people.push((number, door.desk.person(&name.replace('_', "."), role, area).await?.token));
    }
    let roleless = door.desk.invite("nobody.yet").await?.token;
    let mut found = BTreeMap::new();
    for method in METHODS {
        let nobody = door.call(method, "").await.context(method.path)?;
        let public = method.scope == Scope::Public as i32;
        assert_eq!(nobody != Fate::NotSignedIn, public, "{} without a token: {nobody:?}", method.path);
        let without = door.call(method, &roleless).await.context(method.path)?;
        assert_eq!(without == Fate::NotAllowed, !super::asks_no_role(method), "{} without a role", method.path);
        let fates = try_join_all(people.iter().map(async |(number, token)| {
            let fate = door.call(method, token).await.with_context(|| format!("{} as {number}", method.path))?;
            anyhow::Ok((*number, fate))
        }));
        for (number, fate) in fates.await? {
            let mark = match fate {
                Fate::LetIn(_) if method.roles.contains(&number) => "+",
                Fate::LetIn(_) => "o",
                Fate::NotAllowed => ".",
                Fate::NotSignedIn => "!",
            };
            found.insert((method.path, number), mark);
        }
    }
    let found = matrix(|method, role| found.get(&(method.path, role)).copied().unwrap_or("?"))?;
    assert_eq!(found, matrix(promised)?);
    house.close().await?;
    Ok(())
}

/// A token of the inside is worth nothing at the door, and nobody gets further than to what is public.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_inside_is_none_at_the_door() -> Result<()> {
    let install = Install::embedded()?
        .with("service.gateway.door.rates.anonymous.calls", 0)
        .with("service.gateway.door.rates.anonymous.seconds", 1);
    let house = House::open(install).await?;
    let channel = Endpoint::from_shared(format!("http://{}", house.residents.door()?))?.connect().await?;
    let key = SigningKey::from_file(&house.install.data().join("token.key.pem"))?;
    let inside = Who::new("u-1", Role::CommunityManager, "511903001").token(&key, Clock::system())?;
    for method in METHODS {
        let nobody = fate(&call(&channel, method.path, None).await?).context(method.path)?;
        let public = method.scope == Scope::Public as i32;
        assert_eq!(nobody != Fate::NotSignedIn, public, "{} without a token: {nobody:?}", method.path);
        let status = call(&channel, method.path, Some(&format!("Bearer {inside}"))).await?;
        assert_eq!(status.code(), Code::Unauthenticated, "{} with a service's token: {status:?}", method.path);
    }
    house.close().await?;
    Ok(())
}
