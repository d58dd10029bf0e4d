//! People with accounts at the gateway.

use anyhow::{Context as _, Result};
use linju_proto::common::v1::Role;
use serde_json::{Value, json};

use crate::{
    ground::{Install, Serving},
    web::{Web, post},
    wire::new_id,
};

const PASSWORD: &str = "a bicycle by the old river";

/// Sets the door's limits so high that nothing meets them, though they are counted as always; and lets a token serve for as
/// long as a measure lasts.
pub(crate) fn lift_limits(install: &mut Install<'_>) {
    const MUCH: u32 = 4_000_000_000;
    for rate in ["caller", "address", "anonymous", "sign_in", "reading"] {
        install.set(&format!("service.gateway.door.rates.{rate}.calls"), MUCH);
        install.set(&format!("service.gateway.door.rates.{rate}.seconds"), 60);
    }
    install.set("service.gateway.door.connections_per_address", 4_096);
    install.set("service.gateway.identity.access_min", 600);
}

/// The door, and its first administrator.
pub(crate) struct Office {
    web: Web,
    admin: String,
}

impl Office {
    /// Takes up the first administrator's account.
    pub(crate) async fn open(install: &Install<'_>, gateway: &Serving) -> Result<Self> {
        let told: Value = serde_json::from_str(&install.run(&["account", "reset", "admin"])?)?;
        let mut office = Self { web: Web::at(gateway.door), admin: String::new() };
        office.admin = office.take_up(&told["code"], "three white cats in the sun").await?;
        Ok(office)
    }

    /// The access token of somebody with a role in an area.
    pub(crate) async fn person(&self, name: &str, role: Role, area: &str) -> Result<String> {
        let invited = self.post("/v1/accounts", &self.admin, &json!({ "name": name })).await?;
        let grant = json!({
            "accountId": invited["account"]["id"],
            "role": role.as_str_name(),
            "areaCode": area,
            "reason": "bench",
            "requestId": new_id(),
        });
        self.post("/v1/grants", &self.admin, &grant).await?;
        self.take_up(&invited["code"], PASSWORD).await
    }

    async fn take_up(&self, code: &Value, password: &str) -> Result<String> {
        let asked = json!({ "grant_type": "invitation", "invitation": code, "new_password": password });
        let answer = self.post("/auth/token", "", &asked).await?;
        Ok(answer["access_token"].as_str().context("no token")?.to_owned())
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        let answer = self.web.call(&post(path, token, body)).await.with_context(|| format!("POST {path}"))?;
        Ok(serde_json::from_slice(&answer)?)
    }
}
