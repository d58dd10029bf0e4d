//! What identity can be told, under `[service.gateway.identity]`.

use std::path::PathBuf;

use chassis::access::Role;
use chassis::{access::role_of, data::AreaCode};
use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::domain::session::Lives;

/// How people and programs sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// Where browsers find the door, for example `https://linju.example.cn`; empty: plain HTTP on this machine. With
    /// `https` cookies are marked `Secure` and bound to this host.
    pub public_url: String,
    /// Minutes after which a browser that does nothing is signed out.
    pub idle_min: u32,
    /// Hours after which a browser is signed out in any case.
    pub browser_hours: u32,
    /// Minutes an app's access token is valid.
    pub access_min: u32,
    /// Days after which an app that did nothing is signed out.
    pub refresh_days: u32,
    /// Days after which an app is signed out in any case.
    pub app_days: u32,
    /// Roles that give no rights without a second factor.
    #[serde(deserialize_with = "roles")]
    pub require_second_factor: Vec<Role>,
    /// Whether people sign in with passwords; left out: where no provider is configured.
    pub local: Option<bool>,
    /// KiB of memory a password hash takes (argon2id). OWASP asks for 19456 and 2 passes at least.
    pub hash_memory_kib: u32,
    pub hash_passes: u32,
    /// The OpenID provider that people sign in with.
    pub oidc: Option<OidcSettings>,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            idle_min: 60,
            browser_hours: 12,
            access_min: 10,
            refresh_days: 30,
            app_days: 90,
            require_second_factor: Vec::new(),
            local: None,
            hash_memory_kib: 19 * 1024,
            hash_passes: 2,
            oidc: None,
        }
    }
}

impl IdentitySettings {
    /// Whether people sign in with passwords.
    pub fn is_local(&self) -> bool {
        self.local.unwrap_or(self.oidc.is_none())
    }

    /// Whether browsers come by TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The full name of a cookie.
    pub(super) fn cookie(&self, name: &str) -> String {
        if self.is_https() { format!("__Host-{name}") } else { name.to_owned() }
    }

    pub fn lives(&self) -> Lives {
        Lives {
            idle: TimeDelta::minutes(self.idle_min.into()),
            browser: TimeDelta::hours(self.browser_hours.into()),
            access: TimeDelta::minutes(self.access_min.into()),
            refresh: TimeDelta::days(self.refresh_days.into()),
            app: TimeDelta::days(self.app_days.into()),
        }
    }
}

/// An OpenID provider (OpenID Connect Core 1.0, authorisation code with PKCE).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcSettings {
    /// As the provider writes it in its tokens; its configuration is at `<issuer>/.well-known/openid-configuration`.
    pub issuer: String,
    pub client_id: String,
    /// The file that holds the client's secret; none: a public client.
    pub client_secret: Option<PathBuf>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Which claims give which rights.
    pub grants: Vec<ClaimRule>,
}

/// Whose claim holds a value gets a role for as long as the session lasts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// Where in the ID token: names separated by dots, for example `realm_access.roles`.
    pub claim: String,
    /// The claim is this text, or a list that holds it.
    pub value: String,
    #[serde(deserialize_with = "role")]
    pub role: Role,
    /// Area codes, or `all`.
    #[serde(deserialize_with = "areas")]
    pub scope: Option<Vec<AreaCode>>,
    /// The unit a handler works for.
    #[serde(default)]
    pub unit: Option<String>,
}

fn read_role<E: serde::de::Error>(code: &str) -> Result<Role, E> {
    role_of(code).ok_or_else(|| E::custom(format!("there is no role {code:?}: write it like `grid_worker`")))
}

fn role<'de, D: Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
    read_role(&String::deserialize(from)?)
}

fn roles<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Role>, D::Error> {
    Vec::<String>::deserialize(from)?.iter().map(|code| read_role(code)).collect()
}

fn areas<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<AreaCode>>, D::Error> {
    let codes = Vec::<String>::deserialize(from)?;
    if codes == ["all"] {
        return Ok(None);
    }
    codes.iter().map(|code| code.parse().map_err(D::Error::custom)).collect::<Result<_, _>>().map(Some)
}
