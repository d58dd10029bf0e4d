//! An office with Open311, and who speaks to it.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use linju_proto::common::v1::Role;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use test_servers::Nats;

use super::xml::{self, Element};
use crate::ground::{Desk, Install, Person, Serving};

pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const SUBDISTRICT: &str = "511903001";

/// In which form an answer is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Xml,
    Json,
}

impl Format {
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }
}

/// The whole program with people in it.
pub(super) struct Office {
    _serving: Serving,
    _nats: Option<Nats>,
    pub(super) install: Install,
    pub(super) desk: Desk,
    http: reqwest::Client,
    /// Ends in a slash, as `FixMyStreet` has it configured.
    pub(super) endpoint: String,
    pub(super) key: String,
    /// Of another partner.
    pub(super) other_key: String,
    pub(super) dispatcher: Staff,
    pub(super) handler: Staff,
    pub(super) clerk: Staff,
}

/// Somebody of the office.
pub(super) struct Staff {
    desk: Desk,
    token: String,
}

impl Staff {
    fn new(desk: &Desk, person: Person) -> Self {
        Self { desk: Desk { at: desk.at, admin: String::new() }, token: person.token }
    }

    /// The incident's id.
    pub(super) async fn incident_of(&self, number: &str) -> Result<String> {
        let path = format!("/v1/incidents?areaCode={SUBDISTRICT}&pageSize=1000");
        let list = self.desk.get(&path, &self.token).await?.good()?;
        let incidents = list["incidents"].as_array().context("a list")?;
        let found = incidents.iter().find(|incident| incident["number"] == number).context("the incident")?;
        Ok(found["id"].as_str().context("an id")?.to_owned())
    }

    /// Does something to it.
    pub(super) async fn act(&self, incident: &str, action: &str, body: Value) -> Result<Value> {
        self.desk.post(&format!("/v1/incidents/{incident}:{action}"), &self.token, &body).await?.good()
    }
}

impl Office {
    pub(super) async fn both() -> Result<[Self; 2]> {
        let embedded = Self::open(Install::embedded()?, None).await?;
        let nats = tokio::task::spawn_blocking(Nats::start).await??;
        let install = Install::shared_stack(&nats)?;
        Ok([embedded, Self::open(install, Some(nats)).await?])
    }

    async fn open(install: Install, nats: Option<Nats>) -> Result<Self> {
        let mut install = install.with("service.gateway.open311.jurisdiction", "dengke.example.cn");
        for limit in ["caller", "address", "anonymous"] {
            install = install.with(&format!("service.gateway.door.rates.{limit}.calls"), 0);
            install = install.with(&format!("service.gateway.door.rates.{limit}.seconds"), 1);
        }
        let serving = install.serve(&[], &[]).await?;
        let desk = Desk::open(&install, &serving).await?;
        let key = key(&desk, "fixmystreet").await?;
        let other_key = key_of_another(&desk).await?;
        let dispatcher = Staff::new(&desk, desk.person("desk.one", Role::Dispatcher, SUBDISTRICT).await?);
        let handler = Staff::new(&desk, desk.person("crew.one", Role::Handler, SUBDISTRICT).await?);
        let clerk = Staff::new(&desk, desk.person("clerk.one", Role::CallClerk, SUBDISTRICT).await?);
        Ok(Self {
            endpoint: format!("http://{}/open311/v2/", serving.door()?),
            http: reqwest::Client::builder().no_proxy().build()?,
            _serving: serving,
            _nats: nats,
            install,
            desk,
            key,
            other_key,
            dispatcher,
            handler,
            clerk,
        })
    }

    /// Reads something of the endpoint.
    pub(super) async fn get(&self, path: &str) -> Result<Answer> {
        Answer::of(self.http.get(format!("{}{path}", self.endpoint)).send().await?).await
    }

    /// Reads something else of the door.
    pub(super) async fn at(&self, path: &str) -> Result<Answer> {
        Answer::of(self.http.get(format!("http://{}{path}", self.desk.at)).send().await?).await
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        self.send(path, FORM, form(fields)).await
    }

    pub(super) async fn send(&self, path: &str, kind: &str, body: String) -> Result<Answer> {
        self.send_as(path, kind, body, &[]).await
    }

    pub(super) async fn send_as(&self, path: &str, kind: &str, body: String, more: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.http.post(format!("{}{path}", self.endpoint)).header(CONTENT_TYPE, kind).body(body);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await?).await
    }

    /// Sends a report with the office's key, unless the fields name one; its number.
    pub(super) async fn submit(&self, format: Format, fields: &[(&str, &str)]) -> Result<String> {
        let mut fields = fields.to_vec();
        if !fields.iter().any(|(name, _)| *name == "api_key") {
            fields.push(("api_key", &self.key));
        }
        let answer = self.post(&format!("requests.{}", format.suffix()), &fields).await?;
        let number = match format {
            Format::Xml => answer.xml()?.child("request").text("service_request_id").to_owned(),
            Format::Json => answer.json()?[0]["service_request_id"].as_str().unwrap_or_default().to_owned(),
        };
        ensure!(!number.is_empty(), "{answer:?}");
        Ok(number)
    }
}

/// A personal access token of a new partner.
async fn key(desk: &Desk, name: &str) -> Result<String> {
    let partner = desk.person(name, Role::Partner, SUBDISTRICT).await?;
    let asked = json!({ "label": "Open311", "roles": ["ROLE_PARTNER"], "validDays": 30 });
    let made = desk.post("/v1/me/tokens", &partner.token, &asked).await?.good()?;
    Ok(made["secret"].as_str().context("a secret")?.to_owned())
}

async fn key_of_another(desk: &Desk) -> Result<String> {
    key(desk, "another.partner").await
}

/// Fields as a form has them.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        escape(&mut body, name);
        body.push('=');
        escape(&mut body, value);
    }
    body
}

fn escape(body: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => body.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => body.push(char::from(byte)),
            // Writing to a String does not fail.
            other => drop(write!(body, "%{other:02X}")),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) body: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Result<Self> {
        let status = response.status().as_u16();
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Self { status, kind, body: response.text().await? })
    }

    /// The JSON of an answer that must be good.
    pub(super) fn json(&self) -> Result<Value> {
        ensure!(self.status == 200 && self.kind == "application/json; charset=utf-8", "{self:?}");
        Ok(serde_json::from_str(&self.body)?)
    }

    /// The XML of an answer that must be good.
    pub(super) fn xml(&self) -> Result<Element> {
        ensure!(self.status == 200 && self.kind == "text/xml; charset=utf-8", "{self:?}");
        xml::read(&self.body)
    }

    /// Code and description of a refusal.
    pub(super) fn error(&self, format: Format) -> Result<(u16, String)> {
        let (code, description) = match format {
            Format::Xml => {
                ensure!(self.kind == "text/xml; charset=utf-8", "{self:?}");
                let errors = xml::read(&self.body)?;
                ensure!(errors.name == "errors", "{self:?}");
                let error = errors.child("error");
                (error.text("code").to_owned(), error.text("description").to_owned())
            }
            Format::Json => {
                ensure!(self.kind == "application/json; charset=utf-8", "{self:?}");
                let errors: Value = serde_json::from_str(&self.body)?;
                let text = errors[0]["description"].as_str().unwrap_or_default().to_owned();
                (errors[0]["code"].to_string(), text)
            }
        };
        ensure!(!description.is_empty(), "{self:?}");
        Ok((code.parse().with_context(|| format!("{self:?}"))?, description))
    }
}
