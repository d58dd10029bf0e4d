//! People with accounts of their own, who come through the door as front ends and programs do: HTTP and JSON.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use linju_proto::common::v1::Role;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{Install, Serving, id};

const ADMIN: &str = "three white cats in the sun";
const PASSWORD: &str = "a bicycle by the old river";

/// The door, and its first administrator.
pub(crate) struct Desk {
    pub(crate) at: SocketAddr,
    pub(crate) admin: String,
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Reply {
    /// The reason for programs; empty where there is none.
    pub(crate) fn reason(&self) -> &str {
        let mut details = self.body["details"].as_array().into_iter().flatten();
        details.find_map(|detail| detail["reason"].as_str()).unwrap_or_default()
    }

    /// The JSON of a call that must succeed.
    pub(crate) fn good(self) -> Result<Value> {
        ensure!(self.status == 200, "{self:?}");
        Ok(self.body)
    }
}

impl Desk {
    /// Takes up the first administrator's account.
    pub(crate) async fn open(install: &Install, serving: &Serving) -> Result<Self> {
        let at = serving.door()?;
        let reset = install.told(&["account", "reset", "admin"])?;
        let admin = taken_up(at, &reset["code"], ADMIN).await?;
        Ok(Self { at, admin })
    }

    /// A request with a token (empty: none) and more headers, `name: value` each.
    pub(crate) async fn send(
        &self,
        verb: &str,
        path: &str,
        (token, more): (&str, &[&str]),
        body: Option<&Value>,
    ) -> Result<Reply> {
        send(self.at, verb, path, (token, more), body).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Result<Reply> {
        self.send("GET", path, (token, &[]), None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Reply> {
        self.send("POST", path, (token, &[]), Some(body)).await
    }

    /// Somebody who was invited, and has taken up the account.
    pub(crate) async fn invite(&self, name: &str) -> Result<Person> {
        let invited = self.post("/v1/accounts", &self.admin, &json!({ "name": name })).await?.good()?;
        let account = invited["account"]["id"].as_str().context("an id")?.to_owned();
        Ok(Person { token: taken_up(self.at, &invited["code"], PASSWORD).await?, account })
    }

    /// Somebody with a role; an empty area is everywhere. What the role needs beside it is made up.
    pub(crate) async fn person(&self, name: &str, role: Role, area: &str) -> Result<Person> {
        let person = self.invite(name).await?;
        self.grant(&person, role, area, json!({})).await?;
        Ok(person)
    }

    /// Gives a role, with more members of the request; the grant's id.
    pub(crate) async fn grant(&self, to: &Person, role: Role, area: &str, more: Value) -> Result<String> {
        let mut grant = json!({
            "accountId": to.account,
            "role": role.as_str_name(),
            "areaCode": area,
            "reason": "appointed",
            "requestId": id(),
        });
        if [Role::Handler, Role::Partner].contains(&role) {
            grant["unit"] = "sanitation".into();
        }
        if [Role::CentreStaff, Role::YouthStaff].contains(&role) {
            grant["placeId"] = id().into();
        }
        if let (Some(grant), Value::Object(more)) = (grant.as_object_mut(), more) {
            grant.extend(more);
        }
        let made = self.post("/v1/grants", &self.admin, &grant).await?.good()?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    }

    /// A new session of somebody invited here.
    pub(crate) async fn sign_in(&self, name: &str) -> Result<Value> {
        let asked = json!({ "grant_type": "password", "name": name, "password": PASSWORD });
        self.post("/auth/token", "", &asked).await?.good()
    }
}

/// Takes up an account by its one-time code; the access token.
async fn taken_up(at: SocketAddr, code: &Value, password: &str) -> Result<String> {
    let asked = json!({ "grant_type": "invitation", "invitation": code, "new_password": password });
    let answer = send(at, "POST", "/auth/token", ("", &[]), Some(&asked)).await?.good()?;
    Ok(answer["access_token"].as_str().with_context(|| format!("no token: {answer}"))?.to_owned())
}

async fn send(
    at: SocketAddr,
    verb: &str,
    path: &str,
    (token, more): (&str, &[&str]),
    body: Option<&Value>,
) -> Result<Reply> {
    let mut line = BufReader::new(TcpStream::connect(at).await?);
    line.write_all(asked(verb, path, (token, more), body).as_bytes()).await?;
    let (status, head) = head(&mut line).await?;
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length =
        length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim());
    let mut body = vec![0; length.next_back().unwrap_or("0").parse()?];
    line.read_exact(&mut body).await?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or(Value::Null) };
    Ok(Reply { status, head, body })
}

/// A request in bytes.
pub(crate) fn asked(verb: &str, path: &str, (token, more): (&str, &[&str]), body: Option<&Value>) -> String {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut text = format!("{verb} {path} HTTP/1.1\r\nhost: door\r\naccept-encoding: identity\r\n");
    if !token.is_empty() {
        text.extend(["authorization: Bearer ", token, "\r\n"]);
    }
    for line in more {
        text.extend([line, "\r\n"]);
    }
    if !body.is_empty() {
        text += "content-type: application/json\r\n";
    }
    text + &format!("content-length: {}\r\n\r\n{body}", body.len())
}

/// Reads the first lines of an answer: its status, and all of them.
pub(crate) async fn head(line: &mut BufReader<TcpStream>) -> Result<(u16, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        ensure!(line.read_line(&mut head).await? > 0, "the line ended: {head}");
    }
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, head))
}
